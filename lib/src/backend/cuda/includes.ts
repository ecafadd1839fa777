import { reachedFiles } from "../../core/reached";

/**
 * Text of every header that a source reaches in the given folders, so that the cache key changes when one does. What
 * is not found there belongs to the compiler, whose version is in the key already.
 */
export function includedText(source: string, folders: readonly string[]): string[] {
  return reachedFiles(source, folders).map(({ text }) => text);
}
