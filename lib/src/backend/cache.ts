import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { env } from "../core/env";
import { LabError } from "../core/error";

/** The compile cache's folder, whether or not it exists. */
export function cacheRoot(): string {
  const set = env("KERNEL_LAB_CACHE");
  return set ? resolve(set) : join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "kernel-lab");
}

/**
 * What of the compile cache may be deleted: the whole folder, or, where it holds anything else because KERNEL_LAB_CACHE
 * names somebody's own folder, only the entries that the lab made.
 */
export function cacheContents(root: string = cacheRoot()): string[] {
  if (!existsSync(root)) return [];
  const names = readdirSync(root);
  const own = names.filter((name) => ownEntry.test(name));
  return own.length === names.length ? [root] : own.map((name) => join(root, name));
}

/** A finished entry, or one being built or moved aside. */
const ownEntry = /^(?:[a-z]+-[0-9a-f]{40}|\.new-\d+-[0-9a-f]{12}(?:-old\d)?)$/;

/** What `meta.json` keeps of a finished entry. */
interface Meta {
  /** sha256 of every file of the entry, by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Milliseconds after which a build whose process is gone is nobody's. */
const staleAfter = 10 * 60 * 1000;
const metaName = "meta.json";
const checkedEntries = new Map<string, string>();

/**
 * Answers the folder of a cache entry, building it where it is missing or damaged.
 *
 * `build` writes the entry's files into a temporary folder, which is renamed into place when it has ended well; of
 * two processes that build the same entry at once, one wins and both use it. Objects are loaded from the cache as
 * code, so a folder that another user could write to is refused.
 *
 * Errors: "cache-not-private", "cache-unwritable", and whatever `build` throws.
 */
export async function cached(
  kind: string,
  keyParts: readonly string[],
  build: (dir: string) => Promise<void>,
): Promise<{ dir: string; hit: boolean }> {
  const root = privateFolder(cacheRoot());
  const dir = join(root, entryName(kind, keyParts));
  if (intact(dir)) return { dir, hit: true };

  const temporary = join(root, `.new-${process.pid}-${randomBytes(6).toString("hex")}`);
  try {
    writing(root, () => sweep(root));
    writing(root, () => mkdirSync(temporary, { mode: 0o700 }));
    await buildIn(root, temporary, build);
    writing(root, () => writeMeta(temporary));
    writing(root, () => publish(temporary, dir));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return { dir, hit: false };
}

/** The folder of a cache entry that is there already; null where it would have to be built. Errors: "cache-not-private". */
export function cachedAlready(kind: string, keyParts: readonly string[]): string | null {
  const dir = join(privateFolder(cacheRoot()), entryName(kind, keyParts));
  return intact(dir) ? dir : null;
}

function entryName(kind: string, keyParts: readonly string[]): string {
  const hash = createHash("sha256");
  // Lengths between the parts, so that no two lists of parts read the same.
  for (const part of [kind, ...keyParts]) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return `${kind}-${hash.digest("hex").slice(0, 40)}`;
}

/** Builds an entry; where the system refuses to write it (a full disk, a quota), that is the cache's error. */
async function buildIn(root: string, folder: string, build: (dir: string) => Promise<void>): Promise<void> {
  try {
    await build(folder);
  } catch (error) {
    const refused = /^(ENOSPC|EDQUOT|EROFS|EACCES|EPERM|EIO|EMFILE|ENFILE)$/.test(
      (error as NodeJS.ErrnoException).code ?? "",
    );
    if (!refused) throw error;
    writing(root, () => {
      throw error;
    });
  }
}

/** Removes what processes that are gone left half built. */
function sweep(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = Number(/^\.new-(\d+)-/.exec(name)?.[1]);
    if (!pid || pid === process.pid) continue;
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") continue;
      const folder = join(root, name);
      // Another machine or container may share the folder, and number its processes otherwise.
      const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > staleAfter) rmSync(folder, { recursive: true, force: true });
    }
  }
}

/** Makes or checks a folder that only this user may write to. */
function privateFolder(folder: string): string {
  writing(folder, () => makeFolder(folder));
  const facts = statSync(folder);
  if (!facts.isDirectory()) {
    writing(folder, () => {
      throw new Error("it is not a folder");
    });
  }
  const mine = process.getuid === undefined || facts.uid === process.getuid();
  if (!mine || (facts.mode & 0o022) !== 0) {
    throw new LabError(
      "cache-not-private",
      `The compile cache ${folder} ${mine ? "can be written by other users" : "belongs to another user"}; compiled code is loaded from it.`,
      { advice: mine ? `Run: chmod 700 ${folder}` : "Set KERNEL_LAB_CACHE to a folder of your own." },
    );
  }
  return folder;
}

/** Makes a folder and those above it. One at a time: Node's own recursive way never ends below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process may have been faster.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function writing<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new LabError(
      "cache-unwritable",
      `Cannot write to the compile cache ${folder}: ${(cause as Error).message}.`,
      {
        advice:
          "Free space or mend its permissions, or set KERNEL_LAB_CACHE to a folder that can be written.",
        cause,
      },
    );
  }
}

function digest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function writeMeta(dir: string): void {
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(dir, name)).isFile(),
  );
  const files = Object.fromEntries(names.map((name) => [name, digest(join(dir, name))]));
  writeFileSync(join(dir, metaName), JSON.stringify({ files } satisfies Meta));
}

/** True for an entry whose files are all there, as they were written. */
function intact(dir: string): boolean {
  try {
    const path = join(dir, metaName);
    const stamp = `${statSync(path).mtimeMs}`;
    const { files } = JSON.parse(readFileSync(path, "utf8")) as Meta;
    const names = Object.keys(files);
    if (names.length === 0) return false;
    // Sizes and times stand for the contents once this process has read them all.
    const state = `${stamp} ${names.map((name) => factsOf(join(dir, name))).join(" ")}`;
    if (checkedEntries.get(dir) === state) return true;
    if (names.some((name) => digest(join(dir, name)) !== files[name])) return false;
    checkedEntries.set(dir, state);
    return true;
  } catch {
    return false;
  }
}

function factsOf(path: string): string {
  const { size, mtimeMs, ino } = statSync(path);
  return `${size}/${mtimeMs}/${ino}`;
}

/** Renames the finished folder into place; another process may have been faster, or left a damaged one. */
function publish(temporary: string, dir: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      renameSync(temporary, dir);
      return;
    } catch (error) {
      if (intact(dir)) return;
      if (attempt >= 3) throw error;
      if (existsSync(dir)) {
        // Moved aside first: a reader of the damaged entry never sees it half deleted.
        const aside = `${temporary}-old${attempt}`;
        try {
          renameSync(dir, aside);
        } catch {
          // Another process moved it first.
        }
        rmSync(aside, { recursive: true, force: true });
      }
    }
  }
}
