import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { cached, cacheRoot } from "kernel-lab/dist/backend/cache";
import { LabError } from "kernel-lab/dist/core/error";

let folder: string;
let builds: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-cache-"));
  process.env.KERNEL_LAB_CACHE = join(folder, "cache");
  builds = 0;
});
afterEach(() => {
  delete process.env.KERNEL_LAB_CACHE;
  rmSync(folder, { recursive: true, force: true });
});

async function build(dir: string): Promise<void> {
  builds++;
  await new Promise((resolve) => setTimeout(resolve, 5));
  writeFileSync(join(dir, "binary"), "code");
}

test("cached() builds once and answers the same folder when it hits", async () => {
  const first = await cached("cpu", ["a", "b"], build);
  assert.equal(first.hit, false);
  const second = await cached("cpu", ["a", "b"], build);
  assert.deepEqual(second, { dir: first.dir, hit: true });
  assert.equal(builds, 1);
  assert.equal(statSync(cacheRoot()).mode & 0o777, 0o700);
});

test("cached() tells apart parts that would join to the same text, and kinds", async () => {
  const dirs = [["ab", "c"], ["a", "bc"], ["abc"]].map((parts) => cached("cpu", parts, build));
  dirs.push(cached("cuda", ["abc"], build));
  assert.equal(new Set((await Promise.all(dirs)).map((entry) => entry.dir)).size, 4);
});

test("a damaged entry is built again: a changed file, a missing file, a missing or broken meta.json", async () => {
  const { dir } = await cached("cpu", ["x"], build);
  const damages = [
    () => writeFileSync(join(dir, "binary"), "evil"),
    () => rmSync(join(dir, "binary")),
    () => rmSync(join(dir, "meta.json")),
    () => writeFileSync(join(dir, "meta.json"), '{"files":'),
  ];
  for (const damage of damages) {
    damage();
    const again = await cached("cpu", ["x"], build);
    assert.deepEqual(again, { dir, hit: false });
    assert.equal(readFileSync(join(dir, "binary"), "utf8"), "code");
  }
  assert.equal(builds, 1 + damages.length);
});

test("a failed build leaves nothing behind", async () => {
  await assert.rejects(
    cached("cpu", ["bad"], async (dir) => {
      writeFileSync(join(dir, "half"), "");
      throw new Error("no");
    }),
    /no/,
  );
  assert.deepEqual(readdirSync(cacheRoot()), []);
});

test("writers at the same time all get a whole entry", async () => {
  const entries = await Promise.all(Array.from({ length: 8 }, () => cached("cpu", ["same"], build)));
  assert.equal(new Set(entries.map((entry) => entry.dir)).size, 1);
  assert.equal(readFileSync(join(entries[0]!.dir, "binary"), "utf8"), "code");
  assert.equal(readdirSync(cacheRoot()).length, 1);
});

test("a cache that others can write to is refused", async () => {
  mkdirSync(cacheRoot());
  chmodSync(cacheRoot(), 0o770);
  await assert.rejects(
    cached("cpu", ["x"], build),
    (e) => LabError.is(e, "cache-not-private") && /chmod 700/.test(e.advice),
  );
  assert.equal(builds, 0);
});

test("a cache where the system lets nobody make folders is refused, and a relative one is taken", async () => {
  process.env.KERNEL_LAB_CACHE = "/proc/kernel-lab/cache";
  await assert.rejects(cached("cpu", ["x"], build), (e) => LabError.is(e, "cache-unwritable"));
  process.env.KERNEL_LAB_CACHE = relative(process.cwd(), join(folder, "deep", "cache"));
  assert.equal((await cached("cpu", ["x"], build)).dir.startsWith(join(folder, "deep", "cache")), true);
});

test("a cache that cannot be written is named with the way out", async () => {
  writeFileSync(join(folder, "cache"), "a file");
  await assert.rejects(
    cached("cpu", ["x"], build),
    (e) => LabError.is(e, "cache-unwritable") && /KERNEL_LAB_CACHE/.test(e.advice),
  );
});

test("a disk that fills while an entry is built is the cache's error, and nothing stays", async () => {
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  await assert.rejects(
    cached("cpu", ["x"], async (dir) => {
      writeFileSync(join(dir, "half"), "");
      throw full;
    }),
    (e) => LabError.is(e, "cache-unwritable") && /no space left/.test(e.what),
  );
  assert.deepEqual(readdirSync(cacheRoot()), []);
});

test("what a process that is gone left half built is removed, what one still builds is not", async () => {
  await cached("cpu", ["x"], build);
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  const [dead, fresh, alive] = [`.new-${gone}-aa`, `.new-${gone}-bb`, `.new-${process.ppid}-cc`];
  for (const name of [dead, fresh, alive]) mkdirSync(join(cacheRoot(), name));
  const hourAgo = Date.now() / 1000 - 3600;
  for (const name of [dead, alive]) utimesSync(join(cacheRoot(), name), hourAgo, hourAgo);
  await cached("cpu", ["y"], build);
  const left = readdirSync(cacheRoot()).filter((name) => name.startsWith(".new"));
  assert.deepEqual(left.sort(), [fresh, alive].sort());
});
