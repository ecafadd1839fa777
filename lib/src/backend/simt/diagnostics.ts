import { basename } from "node:path";
import { LabError } from "../../core/error";
import type { CompileRequest } from "../compiled";

interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A `LabError` of a host compiler's messages: the first error with its line of source and a caret, then others. */
export function hostCompileError(request: CompileRequest, log: string): LabError {
  const all = [...log.matchAll(/^(.+?):(\d+):(\d+): (?:fatal )?error: (.*)$/gm)].map(
    (match): Diagnostic => ({
      file: match[1]!,
      line: Number(match[2]),
      column: Number(match[3]),
      message: match[4]!
        .replace(/^static assertion failed(?: due to requirement '.*?')?: /, "")
        .replace(/^call to .*? declared with (?:attribute error|'error' attribute): /, "")
        .replace(/^"|"$/g, ""),
    }),
  );
  const ownName = basename(request.fileName);
  // An error inside the lab's headers says little; the user's line that led there says more.
  const first = all.find((one) => basename(one.file) === ownName) ?? all[0];
  if (!first) {
    return new LabError(
      "compile-error",
      `Compiling ${request.fileName} for the CPU device failed: ${log.trim().slice(0, 2000) || "the compiler gave no reason"}`,
      { advice: "Mend the source and compile again; nothing was cached." },
    );
  }
  const text = basename(first.file) === ownName ? request.source.split("\n")[first.line - 1] : undefined;
  const shown =
    text === undefined
      ? ""
      : `\n${String(first.line).padStart(5)} | ${text}\n      | ${" ".repeat(Math.max(first.column - 1, 0))}^`;
  const line = { file: first.file, line: first.line };
  const texture = textureName(all.filter((one) => one.line === first.line && one.file === first.file));
  if (texture) {
    return new LabError(
      "unsupported",
      `${first.file}:${first.line}: ${texture}: the CPU device has no textures or surfaces.${shown}`,
      { advice: "Read through an ordinary pointer or __ldg instead.", line },
    );
  }
  const others = all.filter((one) => one !== first);
  const rest = others.slice(0, 4).map((one) => `\n${one.file}:${one.line}: ${one.message}`);
  if (others.length > rest.length) rest.push(`\n(and ${others.length - rest.length} more)`);
  return new LabError(
    "compile-error",
    `${first.file}:${first.line}: ${first.message}${shown}${rest.join("")}`,
    {
      advice: "Mend the source and compile again; nothing was cached.",
      line,
    },
  );
}

/** What an error misses that belongs to textures: 'texture', 'cudaTextureObject_t', 'tex2D'; undefined where none does. */
function textureName(errors: readonly Diagnostic[]): string | undefined {
  const name =
    /'((?:texture|surface|cuda(?:Texture|Surface)Object_t|tex(?:[123]D|Cubemap)\w*|surf(?:[123]D|Cubemap)\w*))\b[^']*'/;
  return errors.map(({ message }) => name.exec(message)?.[1]).find((found) => found !== undefined);
}
