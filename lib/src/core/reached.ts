import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { lexIncludes } from "./includes";

/** A header that a source reaches. */
export interface ReachedFile {
  /** As the first #include line that reached it spells it. */
  readonly name: string;
  /** Absolute, without "..": one file has one, by whatever names it is included. */
  readonly path: string;
  readonly text: string;
}

/**
 * Headers that a source reaches, in the order met: each is looked for beside the file that includes it, then in the
 * folders, as a compiler does. What is in neither belongs to the compiler, and is passed over.
 */
export function reachedFiles(source: string, folders: readonly string[]): ReachedFile[] {
  const found = new Map<string, ReachedFile>();
  const visit = (text: string, places: readonly string[]): void => {
    for (const name of lexIncludes(text)) {
      const path = places.map((folder) => resolve(join(folder, name))).find(isFile);
      if (!path || found.has(path)) continue;
      const file = { name, path, text: readFileSync(path, "utf8") };
      found.set(path, file);
      visit(file.text, [dirname(path), ...folders]);
    }
  };
  visit(source, folders);
  return [...found.values()];
}

const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();
