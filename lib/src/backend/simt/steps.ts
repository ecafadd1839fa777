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
    readonly members: ReadonlyMap<string, readonly Declared[]>,
    readonly out: Insertion[],
  ) {
    this.#lineStarts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
  }

  body(site: BodySite): void {
    const watched = this.#watches(parameterNames(site.parameters), site.open);
    this.#insert(site.open + 1, ` lab_simt::StepFrame lab_frame; ${watched}`);
  }

  statement(at: number, previousEnd: number): void {
    this.#insert(this.#place(at, previousEnd), ` lab_simt::step(${this.#key(at)}); `);
  }

  controlled(at: number, previousEnd: number, loop: string): void {
    // Only one object fits before the condition of an `if`.
    const names = loopNames(loop);
    const single = names.length === 1 && !this.members.has(names[0]!.type) ? this.#watches(names, at) : "";
    this.#insert(this.#place(at, previousEnd), ` if (${single}lab_simt::step(${this.#key(at)})) {} else `);
  }

  loopBody(open: number, header: number, loop: string): void {
    const watched = this.#watches(loopNames(loop), header);
    this.#insert(open + 1, ` ${watched}lab_simt::step(${this.#key(header)}); `);
  }

  simple(from: number, end: number, declaresHere: boolean): void {
    if (!declaresHere) return;
    const statement = this.text.slice(from, end);
    const shared = /\b__shared__\b/.test(statement);
    const left = shared && /\bextern\b/.test(statement) ? /(\w+)\s*\[\s*\]/.exec(statement)?.[1] : undefined;
    if (left !== undefined) {
      this.#insert(end, ` ${this.#watch("SharedWatch", left, `lab_simt::dynamicArray(${left})`, from)}`);
    } else if (!/\bextern\b/.test(statement)) {
      const watched = this.#watches(declaredNames(statement), from, shared);
      if (watched) this.#insert(end, ` ${watched}`);
    }
  }

  #watches(names: readonly Declared[], at: number, shared = false): string {
    const kind = shared ? "SharedWatch" : "Watch";
    return names
      .flatMap(({ name, type, array }) => {
        const struct = type.replace(/\bconst\b|&/g, "").trim();
        const members = this.members.get(struct) ?? [];
        const first = members[0];
        if (first === undefined) return this.#watch(kind, name, name, at);
        if (!array && !shared) {
          return members.map((member) =>
            this.#watch(kind, `${name}.${member.name}`, `${name}.${member.name}`, at),
          );
        }
        // An array of structs whose members are all of one type shows as one more extent.
        const alike = members.every((member) => !member.array && member.type === first.type);
        return this.#watch(kind, name, alike ? `${name}, &${struct}::${first.name}` : name, at);
      })
      .join("");
  }

  #watch(kind: "Watch" | "SharedWatch", name: string, what: string, at: number): string {
    return `lab_simt::${kind} lab_watch${this.#serial++}("${name}", ${this.#key(at)}, ${what}); `;
  }

  /** A pragma belongs to the loop behind it: nothing may come between. */
  #place(at: number, previousEnd: number): number {
    return /^[ \t]*#\s*pragma/m.test(this.source.slice(previousEnd, at)) ? previousEnd : at;
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
