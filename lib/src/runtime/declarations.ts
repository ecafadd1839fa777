import { evaluate } from "./constantExpression";
import { builtinType, layOut, type ParamType, pointerTo, type StructType } from "./ctypes";
import { closing, splitCommas, type TemplateParam, templateBefore } from "./tokens";

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

/** A struct as the source writes it. */
interface StructText {
  readonly body: Tokens;
  readonly align: Tokens | null;
  /** What stands between its name and its body: ": public Base". */
  readonly bases: readonly Tokens[];
  /** Parameters of a template, null of an ordinary struct. */
  readonly template: readonly TemplateParam[] | null;
}

/** A struct with its template's parameters bound. */
interface StructInstance extends StructText {
  readonly bound: Bindings;
}

/** Thrown inside this file where a type is not known; turned into a LabError with the parameter's place. */
class UnknownType extends Error {}

/** The types and constants a source declares: structs, aliases, enums, macros. */
export class Declarations {
  readonly #macros: Bindings;
  readonly #structs = new Map<string, StructText>();
  // By name and arguments, "Traits<float>": explicit specialisations.
  readonly #special = new Map<string, StructText>();
  // Being laid out: a struct that points to itself is met again inside.
  readonly #open = new Set<string>();
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
    const name = tokens[i++]!;
    const args = tokens[i] === "<" ? tokens.slice(i + 1, closing(tokens, i)) : null;
    if (args) i += args.length + 2;
    if (tokens[i] === "final") i++;
    const open = tokens[i] === "{" ? i : tokens[i] === ":" ? tokens.indexOf("{", i) : -1;
    if (open < 0 || tokens.slice(i, open).some((token) => token === ";" || token === "(")) return;
    const struct: StructText = {
      body: tokens.slice(open + 1, closing(tokens, open)),
      align,
      bases: open > i ? splitCommas(tokens.slice(i + 1, open)) : [],
      template: templateBefore(tokens, at),
    };
    if (args) this.#special.set(instanceName(name, splitCommas(args)), struct);
    else this.#structs.set(name, struct);
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
          bases: [],
          template: null,
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
    let args: Tokens[] | null = null;
    if (words[next] === "<") {
      const end = closing(words, next);
      args = splitCommas(words.slice(next + 1, end));
      next = end + 1;
    }
    if (words[next] !== "::")
      return { type: this.#behind(words[next], () => this.#named(name, args, bound)), next };
    // A member of a template, as in `typename vec4<T>::Type`.
    let instance = this.#instance(name, args, bound);
    let type: ParamType | null = null;
    while (words[next] === "::") {
      const member = words[next + 1] ?? "";
      next += 2;
      const own = instance && new Declarations(instance.body, this.#macros);
      const alias = own === null ? undefined : own.#aliases.get(member);
      type =
        alias && instance
          ? this.#declaration(this.#expand(alias, instance.bound), instance.bound).type
          : null;
      instance = null;
      if (words[next] === "<") next = closing(words, next) + 1;
    }
    return { type, next };
  }

  /** What `read` answers; null where the type is unknown and only pointed to. */
  #behind(after: string | undefined, read: () => ParamType | null): ParamType | null {
    try {
      return read();
    } catch (error) {
      if (error instanceof UnknownType && after === "*") return null;
      throw error;
    }
  }

  #named(name: string, args: readonly Tokens[] | null, bound: Bindings): ParamType | null {
    const builtin = builtinType(name);
    if (builtin) return builtin;
    const alias = this.#aliases.get(name) ?? this.#enums.get(name);
    if (alias) return this.#declaration(this.#expand(alias, bound), bound).type;
    const instance = this.#instance(name, args, bound);
    const full = args ? instanceName(name, args) : name;
    if (!instance || this.#open.has(full)) return null;
    this.#open.add(full);
    try {
      return this.#layOut(full, instance);
    } finally {
      this.#open.delete(full);
    }
  }

  /** A struct with its template's parameters bound to arguments, or to what they fall back on. */
  #instance(name: string, args: readonly Tokens[] | null, bound: Bindings): StructInstance | null {
    const given = args?.map((arg) => this.#expand(arg, bound)) ?? [];
    const special = args && this.#special.get(instanceName(name, given));
    if (special) return { ...special, bound };
    const struct = this.#structs.get(name);
    if (!struct?.template) return struct ? { ...struct, bound } : null;
    const inner = new Map(bound);
    for (const [i, param] of struct.template.entries()) {
      const value = given[i] ?? (param.fallback && this.#expand(param.fallback, inner));
      if (!value || param.pack) return null;
      inner.set(param.name, value);
    }
    return { ...struct, bound: inner };
  }

  #layOut(name: string, struct: StructInstance): StructType {
    if (struct.body.includes("virtual")) throw new UnknownType(`${name} (it has virtual functions)`);
    const bases = struct.bases.map((tokens) => this.#baseStruct(name, tokens, struct.bound));
    const members = this.#members(struct.body, struct.bound);
    const align = struct.align ? this.#integer(struct.align, struct.bound) : 1;
    const parts = bases.filter((base) => base.fields.length > 0).map((type) => ({ name: "", type }));
    const whole = layOut(name, [...parts, ...members], align);
    // What a base holds is reached by its own name, as in C++.
    const fields = whole.fields.flatMap((field, i) =>
      i < parts.length
        ? parts[i]!.type.fields.map((inner) => ({ ...inner, offset: field.offset + inner.offset }))
        : [field],
    );
    return { ...whole, fields };
  }

  #baseStruct(name: string, tokens: Tokens, bound: Bindings): StructType {
    const words = tokens.filter((token) => !/^(public|protected|private)$/.test(token));
    const { type } = this.#declaration(this.#expand(words, bound), bound);
    const last = type.kind === "struct" ? type.fields.at(-1) : undefined;
    // Where a base ends in padding, C++ may put what follows into it, or may not.
    const padded = last !== undefined && last.offset + last.type.size < type.size;
    if (type.kind !== "struct" || padded) throw new UnknownType(`${name} (for its base ${words.join(" ")})`);
    return type;
  }

  #pointer(words: Tokens, bound: Bindings): ParamType {
    const type = this.#behind("*", () => this.#base(words, bound).type);
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
    const value = evaluate(text.split(" ").filter(Boolean));
    if (!Number.isSafeInteger(value)) throw new UnknownType(`${text} (not a constant)`);
    return value;
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

function instanceName(name: string, args: readonly Tokens[]): string {
  return `${name}<${args.map((arg) => arg.join(" ")).join(", ")}>`;
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
