import { closingBracket } from "./scan";

/** A function body or a lambda's, with the text of its parameters. */
export interface BodySite {
  /** Place of the opening brace. */
  readonly open: number;
  readonly parameters: string;
}

/** What a walk over a body meets, in source order. */
export interface StatementVisitor {
  /** A function's or lambda's body opens. */
  body(site: BodySite): void;
  /** A statement between others; `previousEnd` is where the one before, or the brace, ends. */
  statement(at: number, previousEnd: number): void;
  /** A statement under a header without braces: `if (a) b;`. `loop` is the text of a `for`'s brackets. */
  controlled(at: number, previousEnd: number, loop: string): void;
  /** The body of a loop in braces; `header` is the place of its keyword, `loop` as above. */
  loopBody(open: number, header: number, loop: string): void;
  /** A simple statement that is no other, with the place behind its semicolon. */
  simple(from: number, end: number, declaresHere: boolean): void;
}

/** A body that the walk cannot follow, such as one whose braces depend on the preprocessor. */
export class Lost extends Error {}

const skipped = /^(?:struct|class|union|enum|using|typedef|static_assert|template|namespace)\b/;
const unsafeForNames = /\bgoto\b|\basm\b/;

/** Walks a body by its shadow: statements, the ones they control, and lambdas inside expressions. Throws Lost. */
export function walkBody(text: string, site: BodySite, visitor: StatementVisitor): void {
  new Walk(text, visitor).body(site);
}

class Walk {
  #declares = true;
  constructor(
    readonly text: string,
    readonly visitor: StatementVisitor,
  ) {}

  body(site: BodySite): void {
    const outer = this.#declares;
    const close = this.#closing(site.open);
    this.#declares = !unsafeForNames.test(this.text.slice(site.open, close));
    this.visitor.body(site);
    this.#block(site.open);
    this.#declares = outer;
  }

  /** Walks a block from its opening brace; answers the place behind the closing one. */
  #block(open: number): number {
    const close = this.#closing(open);
    let at = open + 1;
    for (;;) {
      const start = this.#skip(at);
      if (start >= close) return close + 1;
      at = this.#statement(start, at);
    }
  }

  /** A statement among others: labels first. */
  #statement(from: number, previousEnd: number): number {
    const label = /^(?:case\b[^;{}]*?[^:]:(?!:)|default\s*:|[A-Za-z_]\w*\s*:(?!:))/.exec(
      this.text.slice(from, from + 300),
    );
    if (label) return from + label[0].length;
    const word = this.#word(from);
    if (this.text[from] === ";") return from + 1;
    if (this.text[from] !== "{" && !skipped.test(word)) this.visitor.statement(from, previousEnd);
    return this.#rest(from, word, true);
  }

  /** The statement a header controls; without braces it gets its own visit. */
  #controlled(after: number, header: number, loop: string | null): number {
    const from = this.#skip(after);
    if (this.text[from] === "{") {
      if (loop !== null) this.visitor.loopBody(from, header, loop);
      return this.#block(from);
    }
    if (this.text[from] === ";") return from + 1;
    this.visitor.controlled(from, after, loop ?? "");
    return this.#rest(from, this.#word(from), false);
  }

  #rest(from: number, word: string, declares: boolean): number {
    if (this.text[from] === "{") return this.#block(from);
    if (word === "if") return this.#if(from);
    if (word === "for" || word === "while") {
      const close = this.#header(from + word.length);
      const open = this.text.indexOf("(", from);
      return this.#controlled(close + 1, from, word === "for" ? this.text.slice(open + 1, close) : "");
    }
    if (word === "switch") {
      const outer = this.#declares;
      this.#declares = false; // a case must not jump over a name's beginning
      const end = this.#controlled(this.#header(from + 6) + 1, from, null);
      this.#declares = outer;
      return end;
    }
    if (word === "do") {
      const behind = this.#skip(this.#controlled(from + 2, from, null));
      return this.#end(behind);
    }
    if (skipped.test(word)) return this.#end(from, false);
    const end = this.#end(from);
    this.visitor.simple(from, end, declares && this.#declares);
    return end;
  }

  #if(from: number): number {
    let open = from + 2;
    const constant = /^\s*constexpr\b/.exec(this.text.slice(open, open + 40));
    if (constant) open += constant[0].length;
    const end = this.#controlled(this.#header(open) + 1, from, null);
    const next = this.#skip(end);
    return this.#word(next) === "else" ? this.#controlled(next + 4, from, null) : end;
  }

  /** Closing bracket of the brackets that follow a keyword. */
  #header(after: number): number {
    const open = this.#skip(after);
    if (this.text[open] !== "(") throw new Lost();
    return this.#closing(open);
  }

  /** The place behind the semicolon that ends a simple statement; lambdas inside are walked. */
  #end(from: number, lambdas = true): number {
    for (let at = from; at < this.text.length; at++) {
      const char = this.text[at]!;
      if (char === ";") return at + 1;
      if (char === "}") throw new Lost();
      if (char !== "(" && char !== "[" && char !== "{") continue;
      const close = this.#closing(at);
      const site = char === "{" && lambdas ? this.#lambda(at) : null;
      if (site) this.body(site);
      else if (lambdas) this.#inside(at, close);
      at = close;
    }
    throw new Lost();
  }

  /** Lambdas between brackets, as in a call's arguments. */
  #inside(open: number, close: number): void {
    for (let at = open + 1; at < close; at++) {
      if (this.text[at] !== "{") continue;
      const site = this.#lambda(at);
      if (!site) continue;
      this.body(site);
      at = this.#closing(at);
    }
  }

  /** The lambda whose body opens here, or null where the brace is an initialiser's. */
  #lambda(open: number): BodySite | null {
    const before = this.text
      .slice(0, open)
      .replace(/\s*(?:->\s*[\w:<>*& ]+|\bmutable|\bnoexcept|\b__device__)*\s*$/, "");
    if (before.endsWith("]")) return { open, parameters: "" };
    if (!before.endsWith(")")) return null;
    let depth = 0;
    for (let at = before.length - 1; at >= 0; at--) {
      if (before[at] === ")") depth++;
      else if (before[at] === "(" && --depth === 0) {
        const ahead = before
          .slice(0, at)
          .replace(/\s*\b__device__\s*$/, "")
          .trimEnd();
        return ahead.endsWith("]") ? { open, parameters: before.slice(at + 1, before.length - 1) } : null;
      }
    }
    return null;
  }

  #closing(open: number): number {
    const close = closingBracket(this.text, open);
    if (close < 0) throw new Lost();
    return close;
  }

  #skip(at: number): number {
    let next = at;
    while (next < this.text.length && /\s/.test(this.text[next]!)) next++;
    return next;
  }

  #word(at: number): string {
    return /^[A-Za-z_]\w*/.exec(this.text.slice(at, at + 80))?.[0] ?? "";
  }
}
