/** The lexical part of reading a kernel's source: comments, preprocessor lines, tokens. */

/** Source text as the signature reader needs it. */
export interface Lexed {
  readonly tokens: readonly string[];
  /** Object-like macros, by name. */
  readonly macros: ReadonlyMap<string, readonly string[]>;
  /** Files named by #include "...". */
  readonly includes: readonly string[];
}

const tokenPattern =
  /R"([^(\s]*)\([\s\S]*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[A-Za-z_]\w*|\.?\d(?:'?[\w.]|[eEpP][+-])*|::|->|<<|>=|<=|==|!=|&&|\|\||\.\.\.|[^\s]/g;

/** Splits C++ text into tokens; comments must be gone already. `>>` stays two tokens, as templates need it. */
export function tokenize(text: string): string[] {
  return text.match(tokenPattern) ?? [];
}

/** Blanks comments, keeping strings and line numbers. */
export function stripComments(source: string): string {
  return source.replace(
    /R"([^(\s]*)\([\s\S]*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (match) => (match.startsWith("/") ? match.replace(/[^\n]/g, " ") : match),
  );
}

/** Reads source text: takes the preprocessor's lines out and splits the rest into tokens. */
export function lex(source: string): Lexed {
  const macros = new Map<string, string[]>();
  const includes: string[] = [];
  const text = stripComments(source)
    .replace(/\\\r?\n/g, " ")
    .replace(/^[ \t]*#(.*)$/gm, (_, directive: string) => {
      const define = directive.match(/^\s*define\s+(\w+)(?!\()(?:\s+(.*))?$/);
      if (define) macros.set(define[1]!, tokenize(define[2] ?? ""));
      const include = directive.match(/^\s*include\s+"([^"]+)"/);
      if (include) includes.push(include[1]!);
      return "";
    });
  return { tokens: tokenize(text), macros, includes };
}

/** Index of the token that closes the bracket at `open`; the last index when it never closes. */
export function closing(tokens: readonly string[], open: number): number {
  const pairs: Record<string, string> = { "(": ")", "{": "}", "[": "]", "<": ">" };
  const left = tokens[open]!;
  const right = pairs[left]!;
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i] === left) depth++;
    else if (tokens[i] === right && --depth === 0) return i;
    else if (left === "<" && tokens[i] === "(") i = closing(tokens, i);
  }
  return tokens.length - 1;
}

/** Splits tokens at commas outside any bracket. */
export function splitCommas(tokens: readonly string[]): string[][] {
  const parts: string[][] = [];
  let depth = 0;
  let part: string[] = [];
  for (const token of tokens) {
    if ("([{<".includes(token)) depth++;
    else if (")]}>".includes(token)) depth--;
    if (token === "," && depth === 0) {
      parts.push(part);
      part = [];
    } else {
      part.push(token);
    }
  }
  if (part.length > 0 || parts.length > 0) parts.push(part);
  return parts;
}

/** A parameter of a template: its name, what it falls back on, and whether it takes any number of arguments. */
export interface TemplateParam {
  readonly name: string;
  readonly fallback: readonly string[] | null;
  readonly pack: boolean;
}

/** Reads what stands between a template's angle brackets. */
export function templateParams(tokens: readonly string[]): TemplateParam[] {
  return splitCommas(tokens).map((part) => {
    const equals = part.indexOf("=");
    const head = equals < 0 ? part : part.slice(0, equals);
    const fallback = equals < 0 ? null : part.slice(equals + 1);
    return { name: head.at(-1) ?? "", fallback, pack: head.includes("...") };
  });
}

/** Parameters of the `template <...>` that ends right before a token; null where there is none. */
export function templateBefore(tokens: readonly string[], at: number): TemplateParam[] | null {
  if (tokens[at - 1] !== ">") return null;
  let open = at - 1;
  for (let depth = 0; open >= 0; open--) {
    if (tokens[open] === ">") depth++;
    else if (tokens[open] === "<" && --depth === 0) break;
  }
  return tokens[open - 1] === "template" ? templateParams(tokens.slice(open + 1, at - 1)) : null;
}
