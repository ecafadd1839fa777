import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";

/** Ending of a file that is still being written; a writer that was killed leaves one behind. */
export const unfinished = ".tmp";

/**
 * Writes a new file whole or not at all and answers its path; a name that is taken gets a number, nothing is replaced.
 *
 * The text goes to a temporary file of the same folder and to the disk, then gets its name by link(), which is atomic and
 * never overwrites, then the folder goes to the disk.
 */
export function writeNewFile(
  folder: string,
  stem: string,
  ending: string,
  content: string | Uint8Array,
): string {
  return withTemporary(folder, stem, content, (temporary) => {
    for (let attempt = 1; ; attempt++) {
      const path = join(folder, attempt === 1 ? `${stem}${ending}` : `${stem}-${attempt}${ending}`);
      const claimed = claim(temporary, path);
      if (claimed === "taken") continue;
      if (claimed === "done") return path;
      // A file system without hard links: rename() replaces, so the name has to be one that nobody else picks.
      const unique = join(folder, `${stem}-${randomBytes(8).toString("hex")}${ending}`);
      renameSync(temporary, unique);
      return unique;
    }
  });
}

/** Writes or replaces a file: a reader sees the old text or the new one, never a part. */
export function replaceFile(folder: string, name: string, content: string | Uint8Array): void {
  withTemporary(folder, basename(name), content, (temporary) => {
    renameSync(temporary, join(folder, name));
  });
}

/** What writers that were killed left below a folder; a file younger than a minute may still be being written. */
export function unfinishedFiles(folder: string, now: number = Date.now()): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.startsWith(".") && entry.name.endsWith(unfinished))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => now - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now) > 60_000);
}

function withTemporary<T>(
  folder: string,
  stem: string,
  content: string | Uint8Array,
  name: (temporary: string) => T,
): T {
  const temporary = join(folder, `.${stem}-${process.pid}-${randomBytes(4).toString("hex")}${unfinished}`);
  try {
    const file = openSync(temporary, "wx", 0o644);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const result = name(temporary);
    flushFolder(folder);
    return result;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function claim(temporary: string, path: string): "done" | "taken" | "no links" {
  try {
    linkSync(temporary, path);
    return "done";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return "taken";
    if (["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code ?? "")) return "no links";
    throw error;
  }
}

function flushFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
