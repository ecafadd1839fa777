import { type Declared, declaredNames, loopNames, parameterNames, structMembers } from "./names";
import { closingBracket } from "./scan";
import { type BodySite, Lost, type StatementVisitor, walkBody } from "./statements";

/** A passage to put in: `text` stands at `at`, nothing is taken away. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** Columns a step's key has room for; a statement further right counts as at the last. */
export const stepColumns = 1024;

/**
 * What makes a kernel tell where it is: a call before every statement of its functions, with the place as
 * `line * stepColumns + column`, and an object beside every named local that tells its value.
 *
 * The host compiler's line tables would name lines too, but after optimisation neither every line nor the values;
 * and a call in the text is the same with every compiler. A body that the scan cannot follow is left as it is.
 */
export function stepInsertions(source: string, text: string): Insertion[] {
  const members = structMembers(text);
  const insertions: Insertion[] = [];
  for (const site of functionBodies(text)) {
    const own: Insertion[] = [];
    try {
      walkBody(text, site, new Inserter(source, text, members, own));
      insertions.push(...own);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    }
  }
  return insertions;
}

class Inserter implements StatementVisitor {
  #serial = 0;
  readonly #lineStarts: number[];

  constructor(
    readonly source: string,
    readonly text: string,
    readonly members: ReadonlyMap<string, readonly string[]>,
    readonly out: Insertion[],
  ) {
    this.#lineStarts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
  }

  body(site: BodySite): void {
    const watched = parameterNames(site.parameters)
      .map((name) => this.#watch(name))
      .join("");
    this.#insert(site.open + 1, ` lab_simt::StepFrame lab_frame; ${watched}`);
  }

  statement(at: number, previousEnd: number): void {
    this.#insert(this.#place(at, previousEnd), ` lab_simt::step(${this.#key(at)}); `);
  }

  controlled(at: number, previousEnd: number, loop: string): void {
    const names = loopNames(loop).filter((name) => !name.array);
    const first = names.length === 1 && !this.members.has(names[0]!.type) ? `${this.#watch(names[0]!)} ` : "";
    this.#insert(this.#place(at, previousEnd), ` if (${first}lab_simt::step(${this.#key(at)})) {} else `);
  }

  loopBody(open: number, header: number, loop: string): void {
    const watched = loopNames(loop)
      .map((name) => this.#watch(name))
      .join("");
    this.#insert(open + 1, ` ${watched}lab_simt::step(${this.#key(header)}); `);
  }

  simple(from: number, end: number, declaresHere: boolean): void {
    if (!declaresHere) return;
    const statement = this.text.slice(from, end);
    const shared = /\b__shared__\b/.test(statement);
    if (shared && /\bextern\b/.test(statement)) {
      const name = /(\w+)\s*\[\s*\]/.exec(statement)?.[1];
      if (name)
        this.#insert(
          end,
          ` lab_simt::SharedWatch lab_watch${this.#serial++}("${name}", lab_simt::dynamicArray(${name})); `,
        );
      return;
    }
    const watched = declaredNames(statement)
      .map((name) => this.#watch(name, shared))
      .join("");
    if (watched) this.#insert(end, ` ${watched}`);
  }

  #watch(declared: Declared, shared = false): string {
    const { name, type, array } = declared;
    const kind = shared ? "SharedWatch" : "Watch";
    const fields = array
      ? undefined
      : this.members.get(type.replace(/^const\s+|\s*&$|\bconst\b/g, "").trim());
    const texts = fields ? fields.map((field) => `${name}.${field}`) : [name];
    return texts.map((what) => `lab_simt::${kind} lab_watch${this.#serial++}("${what}", ${what}); `).join("");
  }

  /** A pragma belongs to the loop behind it: nothing may come between. */
  #place(at: number, previousEnd: number): number {
    return /^[ \t]*#/m.test(this.source.slice(previousEnd, at)) &&
      /#\s*pragma/.test(this.source.slice(previousEnd, at))
      ? previousEnd
      : at;
  }

  #key(at: number): number {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lineStarts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return (low + 1) * stepColumns + Math.min(at - this.#lineStarts[low]!, stepColumns - 1);
  }

  #insert(at: number, text: string): void {
    this.out.push({ at, text });
  }
}

/** Bodies of the functions that run on the device; a constexpr one must stay one, so it is left alone. */
function functionBodies(text: string): BodySite[] {
  const found = new Map<number, BodySite>();
  for (const match of text.matchAll(/\b__(?:device|global)__\b/g)) {
    const start = Math.max(...[";", "}", "{"].map((end) => text.lastIndexOf(end, match.index))) + 1;
    const site = bodyAfter(text, match.index + match[0].length);
    if (site && !/\bconstexpr\b/.test(text.slice(start, site.open))) found.set(site.open, site);
  }
  const sites = [...found.values()].sort((a, b) => a.open - b.open);
  // A lambda marked __device__ is walked with the body it stands in.
  let end = -1;
  return sites.filter(({ open }) => {
    if (open < end) return false;
    end = closingBracket(text, open);
    return true;
  });
}

const attribute =
  /\b(?:__launch_bounds__|__cluster_dims__|__maxnreg__|__block_size__|__attribute__|__align__|alignas|decltype|noexcept)\s*$/;

/** The body of the function declared from here on, or null where a variable or only a prototype stands. */
function bodyAfter(text: string, from: number): BodySite | null {
  let parameters: string | null = null;
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (
      char === ";" ||
      char === "}" ||
      (char === "=" && parameters === null && !/\boperator\s*[=!<>+\-*/]*$/.test(text.slice(from, at)))
    ) {
      return null;
    }
    if (char === "{") return parameters === null ? null : { open: at, parameters };
    if (char !== "(" && char !== "[") continue;
    const close = closingBracket(text, at);
    if (close < 0) return null;
    const before = text.slice(Math.max(from, at - 40), at);
    const isList =
      char === "(" && !attribute.test(before) && !/:\s*[\w\s,()]*$/.test(parameters === null ? "" : before);
    // Of `operator()(int x)` the second brackets are the list.
    if (isList) parameters = text.slice(at + 1, close);
    at = close;
  }
  return null;
}
