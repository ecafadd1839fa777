import { lineAt, shadow } from "../backend/simt/scan";
import { LabError } from "../core/error";

/** The error for a kernel that takes a texture or surface, at its line in the source; null where none is named. */
export function textureRefusal(source: string, fileName: string): LabError | null {
  const found = /\bcuda(?:Texture|Surface)Object_t\b/.exec(shadow(source));
  if (!found) return null;
  const line = lineAt(source, found.index);
  return new LabError(
    "unsupported",
    `${fileName}:${line}: ${found[0]} in a kernel's parameters; the lab makes no textures or surfaces.`,
    { advice: "Read through an ordinary pointer or __ldg instead.", line: { file: fileName, line } },
  );
}
