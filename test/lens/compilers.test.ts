import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, test } from "node:test";
import * as lab from "kernel-lab";
import { hostCompiler, lensCompiler } from "kernel-lab/dist/backend/simt/compiler";
import { homePath } from "kernel-lab/dist/core/paths";
import { source } from "./kernels";

// The lens on machines with other compilers than this one's: only clang, or one that cannot instrument.

const machine = { path: process.env.PATH ?? "", cxx: process.env.CXX };
const scratch = mkdtempSync(join(tmpdir(), "kernel-lab-compilers-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

let dev: lab.Device;
beforeEach(async () => {
  dev = await lab.open("cpu", { workers: 1 });
});
afterEach(async () => {
  process.env.PATH = machine.path;
  if (machine.cxx === undefined) delete process.env.CXX;
  else process.env.CXX = machine.cxx;
  await dev.close();
});

function whereIs(name: string): string | null {
  const { status, stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
  return status === 0 ? realpathSync(stdout.trim()) : null;
}

/** Leaves nothing on PATH but some programs. */
function onlyThese(programs: Readonly<Record<string, string>>): void {
  const folder = mkdtempSync(join(scratch, "bin-"));
  for (const [name, path] of Object.entries(programs)) symlinkSync(path, join(folder, name));
  process.env.PATH = folder;
  delete process.env.CXX;
}

const clang = ["clang++", ...[20, 19, 18, 17, 16, 15, 14].map((version) => `clang++-${version}`)]
  .map(whereIs)
  .find((path) => path !== null);
const binutils = ["as", "ld", "addr2line", "objdump", "nm"]
  .map((name) => [name, whereIs(name)] as const)
  .filter((entry): entry is [string, string] => entry[1] !== null);
const skip = clang ? false : "no clang++ is installed: apt-get install clang";

async function onlyClang(): Promise<void> {
  onlyThese({ ...Object.fromEntries(binutils), "clang++": clang! });
  assert.equal((await lensCompiler()).clang, true);
}

function operations(report: lab.LensReport, line: RegExp) {
  return report.lines.find(({ text }) => line.test(text))?.operations;
}

function widths(report: lab.LensReport, kind: lab.AccessKind, space: lab.MemorySpace): number[] {
  return report.lines
    .flatMap(({ requests }) => requests)
    .filter((one) => one.kind === kind && one.space === space)
    .map(({ width }) => width)
    .sort((a, b) => a - b);
}

test("clang alone counts what g++ counts, and takes apart a vector that a function answers", {
  skip,
}, async () => {
  await onlyClang();
  const kernels = await dev.compileModule(source, { fileName: "kernels.cu" });
  const see = (name: string, block: number, ...args: lab.KernelArg[]) =>
    lab.lens(kernels.kernel(name), { grid: 1, block }, ...args);

  const halves = await see("halves", 256, dev.zeros([256]), dev.zeros([512]));
  assert.equal(halves.summary.divergentBranches, 8, "a branch stays one, and is no selection");
  assert.deepEqual(widths(halves, "st", "global"), [4, 4, 4], "a store in each branch and one behind them");

  const trips = await see("trips", 32, dev.zeros([1024]), dev.zeros([32]));
  assert.equal(trips.summary.divergentBranches, 31);

  const wide = await see("wide", 256, dev.zeros([1024]), dev.zeros([1024]));
  assert.deepEqual([widths(wide, "ld", "global"), widths(wide, "st", "global")], [[16], [16]]);

  const h = dev.zeros([64], { dtype: "f16" });
  const d = dev.zeros([64], { dtype: "f64" });
  const counted = await see("arithmetic", 32, dev.full([64], 1), d, h, dev.zeros([32]));
  assert.deepEqual(operations(counted, /__hfma/), { hfma: 32 }, "not what the CPU device does inside");
  assert.deepEqual(operations(counted, /1\.0;/), { dfma: 32 });
  assert.deepEqual(counted.summary.flops, { fp32: 32 * (4 + 2 + 20), fp64: 64, fp16: 128 });

  // The limitation: g++ tells a store of 16 bytes and one of 8. The bytes are the same.
  const taken = await see("by_value", 32, dev.full([128], 1), dev.zeros([128]), 128);
  assert.deepEqual(widths(taken, "st", "shared"), [8, 8, 8]);
});

test("clang alone names the lines of barriers in two branches", { skip }, async () => {
  await onlyClang();
  const kernel = await dev.compile(
    `extern "C" __global__ void apart(int* x, int split) {
  if (threadIdx.x < split) {
    __syncthreads();
  } else {
    x[threadIdx.x] = 1;
    __syncthreads();
  }
}`,
    { name: "apart", fileName: "apart.cu" },
  );
  const x = dev.zeros([64], { dtype: "i32" });
  const report = await lab.lens(kernel, { grid: 1, block: 64, lens: { hazards: true } }, x, 32);
  const found = report.hazards!.hazards.filter(({ kind }) => kind === "divergent-barrier");
  assert.deepEqual(
    found.map(({ acts }) => acts.map(({ line }) => line?.line)),
    [[3, 6]],
  );
});

/** A compiler that compiles, and refuses to instrument in the words of one that cannot. */
async function unable(): Promise<string> {
  const real = await hostCompiler();
  const path = join(scratch, "plain-c++");
  writeFileSync(
    path,
    `#!/bin/sh
case "$*" in *-fsanitize=thread*)
  echo "c++: error: unsupported option '-fsanitize=thread' for target 'here'" >&2
  exit 1;;
esac
case "$*" in --version) echo "clang version 14.0.0 (without sanitizers)"; exit 0;; esac
exec ${real.path} "$@"
`,
  );
  chmodSync(path, 0o755);
  return path;
}

test("a compiler without the instrumentation: the launch runs, the lens gives the doctor's advice", async () => {
  const path = await unable();
  const kernel = await dev.compile(
    `extern "C" __global__ void once(float* x) { x[threadIdx.x] = ${process.pid}; }`,
    { name: "once" },
  );
  const x = dev.zeros([32]);
  onlyThese({ ...Object.fromEntries(binutils) });
  process.env.CXX = path;
  await assert.rejects(
    lab.lens(kernel, { grid: 1, block: 32 }, x),
    (error: unknown) =>
      lab.LabError.is(error) &&
      error.code === "no-instrumentation" &&
      /clang version 14\.0\.0 .* does not: .*unsupported option '-fsanitize=thread'/.test(error.message) &&
      /g\+\+ 11 or newer.*lab doctor/.test(error.advice ?? ""),
  );
  await kernel.launch({ grid: 1, block: 32 }, x);
  assert.equal((await x.read())[0], process.pid);
});

test("lab doctor tells whether the compiler can instrument", async () => {
  const path = await unable();
  onlyThese({ ...Object.fromEntries(binutils) });
  const { stdout } = spawnSync(process.execPath, [homePath("lib", "bin", "lab.js"), "doctor", "--json"], {
    encoding: "utf8",
    env: { ...process.env, CXX: path },
  });
  const parts = JSON.parse(stdout) as { name: string; found: boolean; detail: string; mend: string }[];
  const lens = parts.find(({ name }) => name === "lens")!;
  assert.equal(lens.found, false);
  assert.match(lens.detail, /unsupported option '-fsanitize=thread'/);
  assert.match(lens.mend, /Install g\+\+ 11 or newer/);
});

test("a compiler that fortifies by default, as Ubuntu's does, instruments and counts copies", async () => {
  const compiler = join(scratch, "fortifying-g++");
  const { path } = await hostCompiler();
  const defaults = "-D_FORTIFY_SOURCE=2 -fstack-protector-strong -fcf-protection -fstack-clash-protection";
  writeFileSync(compiler, `#!/bin/sh\nexec ${path} ${defaults} "$@"\n`, { mode: 0o755 });
  process.env.CXX = compiler;
  const kernel = await dev.compile(`
extern "C" __global__ void copied(const float* from, float* to, int n) {
  float held[64];
  memcpy(held, from, n * sizeof(float));
  memset(to + n, 0, n * sizeof(float));
  memcpy(to, held, n * sizeof(float));
}`);
  const report = await lab.lens(kernel, { grid: 1, block: 1 }, dev.randn([40]), dev.zeros([80]), 40);
  assert.equal(report.summary.bytesAsked, 3 * 160, "read, filled and written");
});

test("a g++ that only its version names is found, by the device, by the lens and by the doctor", async (t) => {
  const { path, clang } = await hostCompiler();
  if (clang) return t.skip("this machine's compiler is clang");
  onlyThese({ ...Object.fromEntries(binutils), "g++-13": path });
  assert.match((await hostCompiler()).path, /\/g\+\+-13$/);
  assert.match((await lensCompiler()).path, /\/g\+\+-13$/);
  const { stdout } = spawnSync(process.execPath, [homePath("lib", "bin", "lab.js"), "doctor", "--json"], {
    encoding: "utf8",
    env: process.env,
  });
  const parts = JSON.parse(stdout) as { name: string; found: boolean; detail: string }[];
  for (const name of ["C++ compiler", "lens"]) {
    const part = parts.find((one) => one.name === name)!;
    assert.equal(part.found, true, name);
    assert.match(part.detail, /\/g\+\+-13$/, name);
  }
});
