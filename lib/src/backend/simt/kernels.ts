import { closingBracket, lineAt, scopes } from "./scan";

/** A `__global__` function found in a source text. */
export interface KernelSite {
  /** With its namespaces: "ladder::tile". */
  readonly name: string;
  readonly template: boolean;
  /** The text between the brackets of `__launch_bounds__`, or undefined. */
  readonly bounds?: string;
  /** The text between the brackets of `__cluster_dims__`, or undefined. */
  readonly cluster?: string;
  /** True where this kernel, or another of its name (a template's specialisation), is declared with either. */
  readonly bounded: boolean;
  /** Place just behind the body's opening brace, or -1 of a declaration. */
  readonly body: number;
  readonly line: number;
}

/** Finds every kernel of a source by its shadow. */
export function findKernels(source: string, text: string): KernelSite[] {
  const places = [...text.matchAll(/\b__global__\b/g)].map((match) => match.index);
  const around = scopes(text, places);
  const found: Omit<KernelSite, "bounded">[] = [];
  places.forEach((place, index) => {
    const site = readKernel(source, text, place, around[index]!.namespaces);
    if (site) found.push(site);
  });
  const bounded = new Set(
    found
      .filter(({ bounds, cluster }) => bounds !== undefined || cluster !== undefined)
      .map(({ name }) => name),
  );
  return found.map((site) => ({ ...site, bounded: bounded.has(site.name) }));
}

function readKernel(
  source: string,
  text: string,
  place: number,
  namespaces: readonly string[],
): Omit<KernelSite, "bounded"> | null {
  // The last name before a "(" is the kernel's, once attributes with arguments are passed over.
  const attribute =
    /^(?:__launch_bounds__|__cluster_dims__|__maxnreg__|__block_size__|__attribute__|__align__|alignas)$/;
  let bounds: string | undefined = boundsBefore(source, text, place);
  let cluster: string | undefined;
  const pattern = /([A-Za-z_]\w*)\s*([(<])/g;
  pattern.lastIndex = place;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    let open = match.index + match[0].length - 1;
    const specialised = match[2] === "<";
    if (specialised) {
      // A specialisation's name, or a template in the return type.
      const end = closingBracket(text, open);
      if (end < 0) return null;
      open = end + 1 + Math.max(text.slice(end + 1).search(/\S/), 0);
      if (text[open] !== "(") {
        pattern.lastIndex = end + 1;
        continue;
      }
    }
    const close = closingBracket(text, open);
    if (close < 0) return null;
    const word = match[1]!;
    if (attribute.test(word)) {
      if (word === "__launch_bounds__") bounds = source.slice(open + 1, close);
      if (word === "__cluster_dims__") cluster = source.slice(open + 1, close);
      pattern.lastIndex = close + 1;
      continue;
    }
    const after = text.slice(close + 1).search(/\S/);
    const tail = close + 1 + after;
    return {
      name: [...namespaces, word].join("::"),
      template: specialised || isTemplate(text, place),
      bounds,
      cluster,
      body: text[tail] === "{" ? tail + 1 : -1,
      line: lineAt(text, place),
    };
  }
  return null;
}

/** `__launch_bounds__` may also stand before `__global__`. */
function boundsBefore(source: string, text: string, place: number): string | undefined {
  const start = statementStart(text, place);
  const at = text.slice(start, place).search(/\b__launch_bounds__\s*\(/);
  if (at < 0) return undefined;
  const open = text.indexOf("(", start + at);
  return source.slice(open + 1, closingBracket(text, open));
}

function statementStart(text: string, place: number): number {
  return Math.max(text.lastIndexOf(";", place - 1), text.lastIndexOf("}", place - 1)) + 1;
}

/** True when `template <...>` opens the declaration; an explicit specialisation (`template <>`) is none. */
function isTemplate(text: string, place: number): boolean {
  const head = text.slice(statementStart(text, place), place);
  const match = /\btemplate\s*</.exec(head);
  if (!match) return false;
  const open = match.index + match[0].length - 1;
  const close = closingBracket(head, open);
  return close < 0 || head.slice(open + 1, close).trim() !== "";
}
