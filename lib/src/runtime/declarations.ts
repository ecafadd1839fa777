import { builtinType, layOut, type ParamType, pointerTo } from "./ctypes";
import { closing, splitCommas } from "./tokens";

type Tokens = readonly string[];
type Bindings = ReadonlyMap<string, Tokens>;

/** A declared name and its type. */
export interface Declared {
  readonly name: string;
  readonly type: ParamType;
}

const ignored = new Set([
  "const",
  "volatile",
  "constexpr",
  "static",
  "mutable",
  "__restrict__",
  "__restrict",
  "restrict",
  "__grid_constant__",
  "typename",
  "struct",
  "class",
  "enum",
  "union",
  "register",
]);
const integerWords = new Set(["unsigned", "signed", "long", "short", "int", "char"]);

/** Thrown inside this file where a type is not known; turned into a LabError with the parameter's place. */
class UnknownType extends Error {}

/** The types and constants a source declares: structs, aliases, enums, macros. */
export class Declarations {
  readonly #macros: Bindings;
  readonly #structs = new Map<string, { body: Tokens; align: Tokens | null; template: boolean }>();
  readonly #aliases = new Map<string, Tokens>();
  readonly #enums = new Map<string, Tokens>();
  readonly #constants = new Map<string, Tokens>();

  constructor(tokens: Tokens, macros: Bindings) {
    this.#macros = macros;
    for (let i = 0; i < tokens.length; i++) this.#declare(tokens, i);
  }

  /** Reads one parameter declaration; `fail` makes the error for a type that is not known. */
  parameter(tokens: Tokens, bound: Bindings, fail: (text: string) => Error): Declared {
    try {
      const declared = this.#declaration(this.#expand(tokens, bound), bound);
      // A parameter written as an array is a pointer.
      return declared.type.kind === "array"
        ? { name: declared.name, type: pointerTo(declared.type.of.name) }
        : declared;
    } catch (error) {
      if (error instanceof UnknownType) throw fail(error.message);
      throw error;
    }
  }

  #declare(tokens: Tokens, i: number): void {
    const token = tokens[i]!;
    if (token === "struct" || token === "class") this.#declareStruct(tokens, i);
    else if (token === "enum") this.#declareEnum(tokens, i);
    else if (token === "using" && tokens[i + 2] === "=") {
      this.#aliases.set(tokens[i + 1]!, tokens.slice(i + 3, tokens.indexOf(";", i)));
    } else if (token === "typedef") this.#declareTypedef(tokens, i);
    else if (token === "constexpr" || token === "const") {
      const end = tokens.indexOf(";", i);
      const equals = tokens.indexOf("=", i);
      if (equals > 0 && equals < end && equals - i <= 6)
        this.#constants.set(tokens[equals - 1]!, tokens.slice(equals + 1, end));
    }
  }

  #declareStruct(tokens: Tokens, at: number): void {
    let i = at + 1;
    let align: Tokens | null = null;
    while (tokens[i + 1] === "(" && /align/.test(tokens[i]!)) {
      const end = closing(tokens, i + 1);
      const inner = tokens.slice(i + 2, end);
      align = /attribute/.test(tokens[i]!) ? inner.filter((token) => /^\d+$/.test(token)) : inner;
      i = end + 1;
    }
    const name = tokens[i]!;
    const open = tokens[i + 1] === "{" ? i + 1 : -1;
    if (open < 0) return;
    this.#structs.set(name, {
      body: tokens.slice(open + 1, closing(tokens, open)),
      align,
      template: tokens[at - 1] === ">",
    });
  }

  #declareEnum(tokens: Tokens, at: number): void {
    let i = at + 1;
    if (tokens[i] === "class" || tokens[i] === "struct") i++;
    const name = tokens[i] === "{" ? "" : tokens[i]!;
    const open = tokens.indexOf("{", i);
    const end = tokens.indexOf(";", i);
    if (open < 0 || (end >= 0 && end < open)) return;
    const colon = tokens.indexOf(":", i);
    if (name) this.#enums.set(name, colon > 0 && colon < open ? tokens.slice(colon + 1, open) : ["int"]);
    let previous = "-1";
    for (const member of splitCommas(tokens.slice(open + 1, closing(tokens, open)))) {
      if (!member[0]) continue;
      this.#constants.set(member[0], member[1] === "=" ? member.slice(2) : ["(", previous, "+", "1", ")"]);
      previous = member[0];
    }
  }

  #declareTypedef(tokens: Tokens, at: number): void {
    let end = at + 1;
    while (end < tokens.length && tokens[end] !== ";")
      end = tokens[end] === "{" ? closing(tokens, end) + 1 : end + 1;
    const name = tokens[end - 1]!;
    const open = tokens.indexOf("{", at);
    if (open > 0 && open < end) {
      // typedef struct { ... } Name;
      if (tokens[at + 1] === "struct") {
        this.#structs.set(name, {
          body: tokens.slice(open + 1, closing(tokens, open)),
          align: null,
          template: false,
        });
      } else if (tokens[at + 1] === "enum") {
        this.#enums.set(name, ["int"]);
      }
    } else {
      this.#aliases.set(name, tokens.slice(at + 1, end - 1));
    }
  }

  #expand(tokens: Tokens, bound: Bindings, depth = 0): string[] {
    return tokens.flatMap((token) => {
      const value = bound.get(token) ?? this.#macros.get(token);
      return value && depth < 16 ? this.#expand(value, bound, depth + 1) : [token];
    });
  }

  /** Reads "const T* __restrict__ name[4] = ..." with macros already expanded. */
  #declaration(tokens: Tokens, bound: Bindings): Declared {
    const equals = tokens.indexOf("=");
    const words = (equals < 0 ? tokens : tokens.slice(0, equals)).filter((token) => !ignored.has(token));
    const { type: base, next } = this.#base(words, bound);
    let type = base;
    let i = next;
    for (; words[i] === "*" || words[i] === "&"; i++) {
      if (words[i] === "&") throw new UnknownType(tokens.join(" "));
      type = type === base ? this.#pointer(words.slice(0, next), bound) : pointerTo("void*");
    }
    const name = /^[A-Za-z_]/.test(words[i] ?? "") ? words[i++]! : "";
    if (!type) throw new UnknownType(words.slice(0, next).join(" "));
    const lengths: number[] = [];
    while (words[i] === "[") {
      const end = closing(words, i);
      lengths.push(end === i + 1 ? 0 : this.#integer(words.slice(i + 1, end), bound));
      i = end + 1;
    }
    for (const length of lengths.reverse()) {
      type = {
        kind: "array",
        name: `${type.name}[${length}]`,
        size: type.size * length,
        align: type.align,
        of: type,
        length,
      };
    }
    return { name, type };
  }

  /** Reads the base type at the start of the words; null for one that is only good behind a pointer. */
  #base(words: Tokens, bound: Bindings): { type: ParamType | null; next: number } {
    let next = 0;
    const integers: string[] = [];
    while (integerWords.has(words[next]!) || (words[next] === "double" && integers.length > 0))
      integers.push(words[next++]!);
    if (integers.length > 0) return { type: builtinType(integerName(integers)) ?? null, next };
    while (words[next + 1] === "::") next += 2;
    if (words[next] === "::") next++;
    const name = words[next++] ?? "";
    if (words[next] === "<") next = closing(words, next) + 1;
    if (words[next] !== "::") return { type: this.#named(name, bound), next };
    // A member of a template, as in `typename vec4<T>::Type`: only the compiler knows what it is.
    while (words[next] === "::") {
      next += 2;
      if (words[next] === "<") next = closing(words, next) + 1;
    }
    return { type: null, next };
  }

  #named(name: string, bound: Bindings): ParamType | null {
    const builtin = builtinType(name);
    if (builtin) return builtin;
    const alias = this.#aliases.get(name) ?? this.#enums.get(name);
    if (alias) return this.#declaration(this.#expand(alias, bound), bound).type;
    const struct = this.#structs.get(name);
    if (!struct || struct.template) return null;
    return layOut(
      name,
      this.#members(struct.body, bound),
      struct.align ? this.#integer(struct.align, bound) : 1,
    );
  }

  #pointer(words: Tokens, bound: Bindings): ParamType {
    const { type } = this.#base(words, bound);
    return type ? pointerTo(type.name) : { ...pointerTo("void"), name: `${words.join(" ")}*` };
  }

  /** Data members of a struct's body; functions, access labels and nested declarations are passed over. */
  #members(body: Tokens, bound: Bindings): Declared[] {
    const members: Declared[] = [];
    for (let i = 0; i < body.length; ) {
      if (body[i + 1] === ":" && /^(public|private|protected)$/.test(body[i]!)) {
        i += 2;
        continue;
      }
      const { end, isData } = memberEnd(body, i);
      if (isData && end > i)
        members.push(...this.#memberList(this.#expand(body.slice(i, end), bound), bound));
      i = end + 1;
    }
    return members;
  }

  #memberList(tokens: Tokens, bound: Bindings): Declared[] {
    const [first, ...others] = splitCommas(tokens);
    const one = this.#declaration(first!, bound);
    const words = first!.filter((token) => !ignored.has(token));
    const base = words.slice(0, this.#base(words, bound).next);
    return [one, ...others.map((tail) => this.#declaration([...base, ...tail], bound))];
  }

  /** Value of a constant integer expression. */
  #integer(tokens: Tokens, bound: Bindings, depth = 0): number {
    const text = this.#expand(tokens, bound)
      .map((token) => {
        if (/^\d/.test(token)) return String(Number(token.replace(/'|[uUlL]+$/g, "")));
        const constant = this.#constants.get(token);
        if (constant && depth < 16) return String(this.#integer(constant, bound, depth + 1));
        if (/^[-+*/%()]$|^<<$/.test(token)) return token;
        throw new UnknownType(`${tokens.join(" ")} (not a constant)`);
      })
      .join(" ");
    return evaluate(text);
  }
}

/** Where the member that starts at `from` ends, and whether it is data. */
function memberEnd(body: Tokens, from: number): { end: number; isData: boolean } {
  let isData =
    !/^(using|typedef|static|friend|template|enum|struct|class)$/.test(body[from]!) ||
    isVariableOf(body, from);
  for (let i = from; i < body.length; i++) {
    if (body[i] === ";") return { end: i, isData };
    if (body[i] === "(" && !body.slice(from, i).includes("=")) isData = false;
    if (body[i] === "{") {
      const end = closing(body, i);
      // A function's body ends the member without a semicolon; an initialiser's braces do not.
      if (!isData && body[end + 1] !== ";") return { end, isData };
      i = end;
    }
  }
  return { end: body.length, isData };
}

/** "struct Inner inner;" declares data, "struct Inner { ... };" does not. */
function isVariableOf(body: Tokens, from: number): boolean {
  return (
    /^(struct|class|enum)$/.test(body[from]!) &&
    body[from + 2] !== "{" &&
    body[from + 1] !== "{" &&
    body[from + 2] !== ":"
  );
}

function integerName(words: readonly string[]): string {
  const unsigned = words.includes("unsigned");
  const longs = words.filter((word) => word === "long").length;
  if (words.includes("char"))
    return unsigned ? "unsigned char" : words.includes("signed") ? "signed char" : "char";
  const size = words.includes("short") ? "short" : longs === 2 ? "long long" : longs === 1 ? "long" : "int";
  return unsigned ? `unsigned ${size}` : size;
}

/** Evaluates + - * / % << and parentheses over integers. */
function evaluate(text: string): number {
  const tokens = text.split(" ").filter(Boolean);
  let at = 0;
  const primary = (): number => {
    const token = tokens[at++];
    if (token === "(") {
      const value = sum();
      at++;
      return value;
    }
    if (token === "-") return -primary();
    if (token === "+") return primary();
    return Number(token);
  };
  const product = (): number => {
    let value = primary();
    for (; tokens[at] === "*" || tokens[at] === "/" || tokens[at] === "%"; ) {
      const operator = tokens[at++];
      const right = primary();
      value = operator === "*" ? value * right : operator === "/" ? Math.trunc(value / right) : value % right;
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    for (; tokens[at] === "+" || tokens[at] === "-" || tokens[at] === "<<"; ) {
      const operator = tokens[at++];
      const right = product();
      value = operator === "+" ? value + right : operator === "-" ? value - right : value * 2 ** right;
    }
    return value;
  };
  const value = sum();
  if (!Number.isSafeInteger(value)) throw new UnknownType(`${text} (not a constant)`);
  return value;
}
