import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const root = resolve(__dirname, "..", "..", "..");
const run = promisify(execFile);

interface BundleModule {
  bundle(output: string): Promise<{ archive: string; size: number }>;
}

test("the bundle runs on a host that has only /usr/bin, with another home", async (context) => {
  const state = join(root, ".lab", "test");
  mkdirSync(state, { recursive: true });
  const folder = mkdtempSync(join(state, "bundle-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const { bundle } = require(join(root, "lib", "setup", "bundle.mjs")) as BundleModule;
  const { archive, size } = await bundle(folder);
  await context.test("stays below 60 MB", () => assert.ok(size < 60e6, `${size} bytes`));

  await run("tar", ["xf", archive, "-C", folder]);
  const home = join(folder, "home");
  mkdirSync(home);
  const [name] = readdirSync(folder).filter((entry) => existsSync(join(folder, entry, "lab")));
  const unpacked = join(folder, name);
  // No npm, no Node of this machine's, no cache and no settings of this user's.
  const env = { PATH: "/usr/bin:/bin", HOME: home, KERNEL_LAB_DEVICE: "cpu" };
  const lab = (...args: string[]) =>
    run(join(unpacked, "lab"), args, { env, cwd: home, maxBuffer: 1 << 26, timeout: 300_000 });

  await context.test("carries nothing that only development needs", () => {
    const packages = readdirSync(join(unpacked, "node_modules"));
    for (const absent of ["typescript", "@biomejs", "playwright-core", "cmake-ts", "rollup", "fast-check"]) {
      assert.ok(!packages.includes(absent), absent);
    }
  });
  await context.test("lab doctor finds its parts", async () => {
    const { stdout } = await lab("doctor", "--json");
    const parts = JSON.parse(stdout) as { name: string; found: boolean; needed: boolean; detail: string }[];
    assert.deepEqual(
      parts.filter(({ needed, found }) => needed && !found),
      [],
    );
    const node = parts.find((part) => part.name === "Node");
    assert.equal(node?.detail, join(unpacked, "bin", "node"));
  });
  await context.test("lab run executes a walkthrough", async () => {
    const { stdout } = await lab("run", "01", "--device", "cpu");
    assert.match(stdout, /01-online-softmax/);
    assert.doesNotMatch(stdout, /FAILED/);
  });
});
