import { closingBracket, shadow, withoutLiterals } from "./scan";

/** The lines between one directive of `#if` and the next of the same condition: the preprocessor keeps or drops them as one. */
export interface Branch {
  /** The line of its directive, from 1. */
  readonly line: number;
  /** The directive as written: "#ifdef HALF". */
  readonly directive: string;
  /** Place of the first character behind the directive's line. */
  readonly start: number;
  /** Place of the next directive. */
  readonly end: number;
}

/** Every branch of a source's conditions, those inside others too. */
export function branches(source: string): Branch[] {
  const found: Branch[] = [];
  const open: Omit<Branch, "end">[] = [];
  const text = withoutLiterals(source);
  const directives =
    /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b(?:\\\r?\n|[^\n])*\n?/gm;
  let line = 1;
  let counted = 0;
  for (const match of text.matchAll(directives)) {
    const before = match[1]!.startsWith("if") ? undefined : open.pop();
    if (before) found.push({ ...before, end: match.index });
    if (match[1] === "endif") continue;
    line += newlines(source.slice(counted, match.index));
    counted = match.index;
    const start = match.index + match[0].length;
    open.push({ line, directive: source.slice(match.index, start).trim(), start });
  }
  return found;
}

/** Whether the text of some branch matters before the compiler decides: it holds a kernel, a launch or half a block. */
export function needsDeciding(source: string, found: readonly Branch[]): boolean {
  const text = shadow(source);
  return found.some(({ start, end }) => {
    const inside = text.slice(start, end);
    return /\b__global__\b|<<</.test(inside) || !isBalanced(inside);
  });
}

function isBalanced(text: string): boolean {
  let at = text.search(/[{}]/);
  while (at >= 0 && text[at] === "{") {
    const close = closingBracket(text, at);
    if (close < 0) return false;
    const next = text.slice(close + 1).search(/[{}]/);
    at = next < 0 ? -1 : close + 1 + next;
  }
  return at < 0;
}

/** The source with a word at the head of each branch, which comes out of the preprocessor where it keeps the branch. */
export function marked(source: string, found: readonly Branch[], file: number): string {
  let out = "";
  let done = 0;
  [...found.entries()]
    .sort(([, a], [, b]) => a.start - b.start)
    .forEach(([index, { start }]) => {
      out += `${source.slice(done, start)}${mark(file, index)}\n`;
      done = start;
    });
  return out + source.slice(done);
}

/** The branches whose marks the preprocessed text lacks. */
export function droppedBranches(found: readonly Branch[], file: number, preprocessed: string): Branch[] {
  const kept = new Set(preprocessed.match(/\blab_branch_\d+_\d+\b/g));
  return found.filter((_, index) => !kept.has(mark(file, index)));
}

/** The source with the text of branches blank; every line stays in its place. */
export function withoutBranches(source: string, dropped: readonly Branch[]): string {
  return dropped.reduce(
    (text, { start, end }) =>
      text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, " ") + text.slice(end),
    source,
  );
}

const mark = (file: number, index: number): string => `lab_branch_${file}_${index}`;

const newlines = (text: string): number => text.split("\n").length - 1;
