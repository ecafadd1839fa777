import { type BigIntStats, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "./atomicFile";
import { schemaVersion } from "./schema";

/**
 * Which files of a results folder were checked before and have not been touched since: those need not be held against
 * schema and digest again, which is most of the time that loading takes.
 */
export interface VerifiedFiles {
  /** True when this very content was checked before. */
  has(name: string, stat: BigIntStats): boolean;
  /** Notes a file that was checked now. */
  add(name: string, stat: BigIntStats): void;
  /** Keeps the notes for the next process, when enough has been added to be worth a file. */
  save(): void;
}

/** Name of the list within a results folder. */
export const verifiedName = ".verified";

/** Checking fewer files than this takes no time worth saving. */
const worthKeeping = 32;

/**
 * A file touched this recently may be written again within the same tick of the file system's clock, and would then look
 * untouched: it is not noted yet.
 */
const settledMs = 2000;

/** The list of a folder; one that is damaged, or of another version of the schema, is an empty one. */
export function verifiedFiles(folder: string, now: number = Date.now()): VerifiedFiles {
  const held = readList(join(folder, verifiedName));
  let added = 0;
  return {
    has: (name, stat) => held.get(name) === stampOf(stat),
    add(name, stat) {
      if (now - Number(stat.ctimeMs) < settledMs || now - Number(stat.mtimeMs) < settledMs) return;
      held.set(name, stampOf(stat));
      added++;
    },
    save() {
      if (added < worthKeeping) return;
      try {
        replaceFile(folder, verifiedName, JSON.stringify({ checkedBy: checker(), files: [...held] }));
      } catch {
        // A folder that cannot be written, such as a bundle's on a read-only disk: every load checks again.
      }
    },
  };
}

function readList(path: string): Map<string, string> {
  try {
    const list = JSON.parse(readFileSync(path, "utf8")) as { checkedBy?: unknown; files?: unknown };
    if (list.checkedBy === checker() && Array.isArray(list.files)) {
      return new Map(list.files as [string, string][]);
    }
  } catch {
    // None yet, or not whole.
  }
  return new Map();
}

// ctime changes with every write and rename and cannot be set by a program, unlike mtime.
function stampOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}

/** What did the checking: a changed schema must check everything again. */
function checker(): string {
  return `${schemaVersion} ${stampOf(statSync(require.resolve("./schema"), { bigint: true }))}`;
}
