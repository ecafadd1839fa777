/** Kernels that a source declares through function-like macros. */

interface Macro {
  readonly params: readonly string[];
  readonly variadic: boolean;
  readonly body: string;
}

const piece = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[A-Za-z_]\w*|\d[\w.]*|##|\s+|[^\s]/g;

/**
 * The text of every kernel that a source makes by calling a function-like macro, as
 * `UNARY(float, relu_f32, max(x, 0.0f))` does where `UNARY` holds `__global__`; "" where there is none.
 *
 * `include` answers the text of an included file, or null. Other macros in the text are left as they stand, and of the
 * conditions only `#if 0` is known: the compiler says whether a kernel found here is really built.
 *
 * @example
 * macroKernels('#define K(T, name) __global__ void name(T* x) { *x = 1; }\nK(float, one)');
 * // "__global__ void one(float* x) { *x = 1; }"
 */
export function macroKernels(source: string, include: (name: string) => string | null = () => null): string {
  const macros = new Map<string, Macro>();
  const seen = new Set<string>();
  const collect = (text: string): string => {
    const joined = withoutComments(text).replace(/\\\r?\n/g, " ");
    for (const match of joined.matchAll(/^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"/gm)) {
      const name = match[1]!;
      if (seen.has(name)) continue;
      seen.add(name);
      const body = include(name);
      if (body !== null) collect(body);
    }
    for (const match of joined.matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)\(([^)\n]*)\)(.*)$/gm)) {
      const params = match[2]!
        .split(",")
        .map((param) => param.trim())
        .filter(Boolean);
      const variadic = params.at(-1) === "...";
      macros.set(match[1]!, { params: variadic ? params.slice(0, -1) : params, variadic, body: match[3]! });
    }
    return joined;
  };
  const joined = collect(source);
  const makers = new Map([...macros].filter(([name]) => makesKernel(name, macros, new Set())));
  if (makers.size === 0) return "";
  const code = joined
    .replace(/^[ \t]*#[ \t]*if[ \t]+0\b[\s\S]*?^[ \t]*#[ \t]*(?:else|elif|endif)\b.*$/gm, "")
    .replace(/^[ \t]*#.*$/gm, "");
  return calls(code, makers)
    .map(({ macro, args }) => expand(macro, args, makers, 0))
    .join("\n");
}

function withoutComments(text: string): string {
  return text.replace(
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\/(?:\\\r?\n|[^\n])*|\/\*[\s\S]*?\*\//g,
    (match) => (match.startsWith("/") ? " " : match),
  );
}

/** True when a macro's text, or that of one it calls, holds `__global__`. */
function makesKernel(name: string, macros: ReadonlyMap<string, Macro>, visited: Set<string>): boolean {
  const macro = macros.get(name);
  if (!macro || visited.has(name)) return false;
  visited.add(name);
  if (/\b__global__\b/.test(macro.body)) return true;
  return [...macro.body.matchAll(/[A-Za-z_]\w*(?=\s*\()/g)].some(([called]) =>
    makesKernel(called, macros, visited),
  );
}

/** Calls of macros in a text, with their arguments. */
function calls(text: string, macros: ReadonlyMap<string, Macro>): { macro: Macro; args: string[] }[] {
  const found: { macro: Macro; args: string[] }[] = [];
  const pattern = /[A-Za-z_]\w*(?=\s*\()/g;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const macro = macros.get(match[0]);
    if (!macro) continue;
    const open = text.indexOf("(", match.index);
    const { args, end } = readArguments(text, open);
    found.push({ macro, args });
    pattern.lastIndex = end;
  }
  return found;
}

/** Splits a call's arguments as the preprocessor does: at commas outside parentheses. */
function readArguments(text: string, open: number): { args: string[]; end: number } {
  const args: string[] = [""];
  let depth = 0;
  piece.lastIndex = open;
  for (let match = piece.exec(text); match; match = piece.exec(text)) {
    const token = match[0];
    if (token === "(" && depth++ === 0) continue;
    if (token === ")" && --depth === 0) break;
    if (token === "," && depth === 1) args.push("");
    else args[args.length - 1] += token;
  }
  return { args: args.map((arg) => arg.trim()), end: piece.lastIndex || text.length };
}

function expand(
  macro: Macro,
  args: readonly string[],
  makers: ReadonlyMap<string, Macro>,
  depth: number,
): string {
  const bound = new Map(macro.params.map((param, i) => [param, args[i] ?? ""]));
  if (macro.variadic) bound.set("__VA_ARGS__", args.slice(macro.params.length).join(", "));
  const text = (macro.body.match(piece) ?? [])
    .map((token) => bound.get(token) ?? token)
    .join("")
    .replace(/\s*##\s*/g, "")
    .trim();
  // A macro that only calls others is replaced by what they make.
  if (/\b__global__\b/.test(text) || depth > 16) return text;
  return calls(text, makers)
    .map((call) => expand(call.macro, call.args, makers, depth + 1))
    .join("\n");
}
