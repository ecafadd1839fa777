/**
 * A source text's shadow: the same length and lines, with comments, literals' insides and preprocessor lines blank.
 *
 * Patterns are looked for in the shadow and edits made in the text, so nothing inside a string or comment is touched.
 */
export function shadow(source: string): string {
  return withoutLiterals(source).replace(/^[ \t]*#(?:\\\r?\n|[^\n])*/gm, blank);
}

/** As a shadow, with the preprocessor's lines as they stand. */
export function withoutLiterals(source: string): string {
  return source.replace(
    /R"([^(\s]*)\([\s\S]*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|\/\/(?:\\\n|[^\n])*|\/\*[\s\S]*?\*\/|\d[\w']*/g,
    (match) => {
      if (/^\d/.test(match)) return match; // 1'000'000 holds no character literal
      if (match.startsWith("/")) return blank(match);
      return `"${blank(match.slice(1, -1))}"`;
    },
  );
}

const blank = (text: string): string => text.replace(/[^\n]/g, " ");

const partners: Readonly<Record<string, string>> = { "(": ")", "{": "}", "[": "]", "<": ">" };

/** Place of the bracket that closes the one at `open`; -1 when it never closes. */
export function closingBracket(text: string, open: number): number {
  const left = text[open]!;
  const right = partners[left]!;
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === left) depth++;
    else if (text[at] === right && --depth === 0) return at;
    else if (left === "<" && text[at] === "(") {
      const end = closingBracket(text, at);
      if (end < 0) return -1;
      at = end;
    }
  }
  return -1;
}

/** The 1-based line of a place in a text. */
export function lineAt(text: string, at: number): number {
  let line = 1;
  for (let i = text.indexOf("\n"); i >= 0 && i < at; i = text.indexOf("\n", i + 1)) line++;
  return line;
}

/** Where a place stands: the namespaces around it, and whether a function or class body is. */
export interface Scope {
  readonly namespaces: readonly string[];
  readonly inBody: boolean;
}

/** Answers the scope of ascending places of a shadow in one walk. */
export function scopes(text: string, places: readonly number[]): Scope[] {
  const open: (string | null)[] = []; // a namespace's name ("" when it has none), or null for any other brace
  const answers: Scope[] = [];
  let next = 0;
  for (let at = 0; at <= text.length && next < places.length; at++) {
    while (next < places.length && places[next]! <= at) {
      answers.push({
        namespaces: open.filter((name): name is string => name !== null && name !== ""),
        inBody: open.includes(null),
      });
      next++;
    }
    if (text[at] === "{") {
      const before = text.slice(Math.max(0, at - 200), at);
      const named = before.match(/\bnamespace\s*([\w:]*)\s*$/);
      const linkage = /\bextern\s*"\s*"\s*$/.test(before);
      open.push(named ? named[1]! : linkage ? "" : null);
    } else if (text[at] === "}") {
      open.pop();
    }
  }
  return answers;
}
