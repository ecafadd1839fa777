/** A variable that a declaration names, with the text of its type. */
export interface Declared {
  readonly name: string;
  readonly type: string;
  /** True of `float x[4]`. */
  readonly array: boolean;
}

const typeWords =
  /^(?:const|volatile|static|unsigned|signed|long|short|char|int|float|double|bool|void|auto|struct|class|register)$/;
const notTypes =
  /^(?:return|delete|goto|throw|else|case|new|using|typedef|extern|break|continue|co_\w+|operator)\b/;

/** The names of a parameter list: those left unnamed, and packs, are passed over. */
export function parameterNames(list: string): Declared[] {
  return splitAtCommas(list).flatMap((piece): Declared[] => {
    const declared = piece.replace(/=[\s\S]*$/, "").trim();
    if (!declared || declared.includes("...")) return [];
    const array = /^([\s\S]*?)\(\s*&\s*(\w+)\s*\)\s*\[/.exec(declared);
    if (array) return [{ name: array[2]!, type: array[1]!.trim(), array: true }];
    const match = /^([\s\S]*?)([A-Za-z_]\w*)\s*(?:\[[^\]]*\])*$/.exec(declared);
    const type = match?.[1]?.trim() ?? "";
    if (!match || typeWords.test(match[2]!)) return [];
    // "const Pack" names a type and no parameter.
    if (type === "" || /^(?:const|volatile|struct|class|\s)*$/.test(type) || type.endsWith("::")) return [];
    return [{ name: match[2]!, type, array: false }];
  });
}

/** The names a simple statement declares; empty when it declares none. */
export function declaredNames(statement: string): Declared[] {
  const text = statement.replace(/;\s*$/, "").trim();
  if (notTypes.test(text) || /\bconstexpr\b/.test(text)) return [];
  const head =
    /^((?:(?:const|volatile|static|unsigned|signed|long|short|__shared__|alignas\s*\([^)]*\)|__align__\s*\([^)]*\))\s+)*)/.exec(
      text,
    )!;
  const rest = text.slice(head[0].length);
  // `unsigned x` and `long long x` have their type among the qualifiers.
  const base = /^((?:::)?[A-Za-z_]\w*(?:\s*::\s*\w+)*)\s*/.exec(rest);
  if (!base) return [];
  let type = base[1]!;
  let at = base[0].length;
  if (rest[at] === "<") {
    const close = closingAngle(rest, at);
    if (close < 0) return [];
    type += rest.slice(at, close + 1);
    at = close + 1;
  }
  if (/\b(?:unsigned|signed|long|short)\b/.test(head[0]) && /^(?:[=;,[{]|$)/.test(rest.slice(at).trim())) {
    type = head[0].trim();
    at = 0;
  }
  const names: Declared[] = [];
  for (const [index, piece] of splitAtCommas(rest.slice(at)).entries()) {
    const match =
      /^\s*((?:[*&]|\b(?:const|__restrict__|int)\b|\s)*)([A-Za-z_]\w*)\s*((?:\[[^\]]*\]\s*)*)(?:$|=(?!=)|\{|\()/.exec(
        piece,
      );
    // The first piece decides: an expression such as `a = b` or `f(x)` has nothing between type and name.
    if (!match || (index === 0 && at > 0 && !/[\s*&>]/.test(rest[at - 1]! + match[1]!))) return names;
    names.push({ name: match[2]!, type: type + match[1]!.trim(), array: match[3]! !== "" });
  }
  return names;
}

/** Names that the head of a `for` declares. */
export function loopNames(head: string): Declared[] {
  const first = head.split(";")[0] ?? "";
  return head.includes(";") ? declaredNames(first) : [];
}

/** Members of the plain structs a source defines, by the struct's name: `MaxSum` has `maximum` and `sum`. */
export function structMembers(text: string): Map<string, Declared[]> {
  const found = new Map<string, Declared[]>();
  for (const scalar of ["float", "int", "uint", "double"]) {
    for (const count of [2, 3, 4]) {
      const names = ["x", "y", "z", "w"].slice(0, count);
      found.set(
        `${scalar}${count}`,
        names.map((name) => ({ name, type: scalar, array: false })),
      );
    }
  }
  const struct = /\bstruct\s+(?:alignas\s*\((?:[^()]|\([^()]*\))*\)\s*)?(\w+)\s*\{([^{}()]*)\}/g;
  for (const match of text.matchAll(struct)) {
    // A template's arguments are not known here.
    if (/\btemplate\s*<[^;{}]*>\s*$/.test(text.slice(0, match.index))) continue;
    const members = match[2]!.split(";").flatMap((line) => declaredNames(`${line};`));
    if (members.length > 0 && members.length <= 8) found.set(match[1]!, members);
  }
  return found;
}

function splitAtCommas(text: string): string[] {
  const pieces: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth--;
    else if (char === "<" && closingAngle(text, at) > 0) at = closingAngle(text, at);
    else if (char === "," && depth === 0) {
      pieces.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...pieces, text.slice(start)];
}

/** Closing angle bracket of a template's arguments; -1 where "<" compares. */
function closingAngle(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const char = text[at]!;
    if (char === "<") depth++;
    else if (char === ">" && --depth === 0) return at;
    else if (/[;{}=|]/.test(char) || text.startsWith("&&", at)) return -1;
  }
  return -1;
}
