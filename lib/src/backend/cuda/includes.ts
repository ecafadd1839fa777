import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lexIncludes } from "../../core/includes";

/**
 * Text of every header that a source reaches in the given folders, so that the cache key changes when one does. What
 * is not found there belongs to the compiler, whose version is in the key already.
 */
export function includedText(source: string, folders: readonly string[]): string[] {
  const seen = new Map<string, string>();
  const visit = (text: string): void => {
    for (const name of lexIncludes(text)) {
      const path = folders.map((folder) => join(folder, name)).find(existsSync);
      if (!path || seen.has(path)) continue;
      const body = readFileSync(path, "utf8");
      seen.set(path, body);
      visit(body);
    }
  };
  visit(source);
  return [...seen.values()];
}
