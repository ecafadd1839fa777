import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as lab from "kernel-lab";
import { hostCompiler } from "kernel-lab/dist/backend/simt/compiler";
import { numbers } from "./simt";

const scratch = mkdtempSync(join(tmpdir(), "kernel-lab-test-"));
const cache = join(scratch, "cache");
const log = join(scratch, "calls");
const saved = { cxx: process.env.CXX, cache: process.env.KERNEL_LAB_CACHE };

let dev: lab.Device;
let clang = false;
before(async () => {
  const compiler = await hostCompiler();
  clang = compiler.clang;
  // A compiler that notes what it is asked for.
  const noting = join(scratch, "noting-g++");
  writeFileSync(noting, `#!/bin/sh\necho "$@" >> ${log}\nexec ${compiler.path} "$@"\n`, { mode: 0o755 });
  process.env.CXX = noting;
  process.env.KERNEL_LAB_CACHE = cache;
  dev = await lab.open("cpu", { workers: 1 });
});
after(async () => {
  await dev.close();
  if (saved.cxx === undefined) delete process.env.CXX;
  else process.env.CXX = saved.cxx;
  if (saved.cache === undefined) delete process.env.KERNEL_LAB_CACHE;
  else process.env.KERNEL_LAB_CACHE = saved.cache;
  rmSync(scratch, { recursive: true, force: true });
});

const entries = (kind: string): string[] => readdirSync(cache).filter((name) => name.startsWith(`${kind}-`));

async function until(made: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !made(); i++) await sleep(50);
  assert.ok(made(), "what was begun beside the compile is there in the end");
}

/** Compiles a kernel that adds `value`, runs it, and answers what the compiler was asked for. */
async function calls(value: string, options: lab.CompileOptions = {}): Promise<string[]> {
  writeFileSync(log, "");
  const kernel = await dev.compile(
    `extern "C" __global__ void add(float* x) { x[threadIdx.x] += fmaxf(${value}, -1.0f); }`,
    options,
  );
  const x = dev.full([32], 1);
  await kernel.launch({ grid: 1, block: 32 }, x);
  assert.deepEqual(await numbers(x), new Array(32).fill(1 + Number.parseFloat(value)));
  return readFileSync(log, "utf8").split("\n");
}

const first = (made: readonly string[]): string =>
  /-include (\S+)/.exec(made.find((call) => call.includes("module.cc")) ?? "")?.[1] ?? "";

test("the second kernel begins with a precompiled header, and means the same", async (context) => {
  if (clang) return context.skip("clang reads the text");
  assert.equal(first(await calls("2.0f")), "kernel_lab_device.h");
  await until(() => entries("headers").length === 1);
  const [made] = entries("headers");
  assert.ok(existsSync(join(cache, made!, "kernel_lab_device.h.gch")));
  assert.equal(first(await calls("3.0f")), join(cache, made!, "kernel_lab_device.h"));
});

test("a macro that the headers know is heeded all the same: NDEBUG leaves assert out", async () => {
  const source = `extern "C" __global__ void sure(float* x) { assert(x[threadIdx.x] > 1.0f); x[threadIdx.x] = 9.0f; }`;
  const x = dev.zeros([32]);
  const sure = await dev.compile(source, { defines: { NDEBUG: true } });
  await sure.launch({ grid: 1, block: 32 }, x);
  assert.deepEqual(await numbers(x), new Array(32).fill(9));
});

test("flags that change the code leave the precompiled header aside", async () => {
  assert.equal(first(await calls("5.0f", { options: ["-O1"] })), "kernel_lab_device.h");
});

test("a precompiled header that was damaged is made again", async (context) => {
  if (clang) return context.skip("clang reads the text");
  const file = join(cache, entries("headers")[0]!, "kernel_lab_device.h.gch");
  writeFileSync(file, "not one");
  assert.equal(first(await calls("6.0f")), "kernel_lab_device.h");
  await until(() => existsSync(file) && statSync(file).size > 1e6);
  assert.notEqual(first(await calls("6.5f")), "kernel_lab_device.h");
});

test("a compiler that cannot map the precompiled header where it must lie reads the text", async (context) => {
  if (clang) return context.skip("clang reads the text");
  const noting = process.env.CXX!;
  const unmapped = join(scratch, "unmapped-g++");
  // What cc1plus says, and only of kernels.
  const said = "cc1plus: fatal error: had to relocate PCH";
  writeFileSync(
    unmapped,
    `#!/bin/sh\ncase "$*" in *headers-*module.cc*) echo "${said}" >&2; echo "$@" >> ${log}; exit 1;; esac\nexec ${noting} "$@"\n`,
    { mode: 0o755 },
  );
  process.env.CXX = unmapped;
  try {
    await calls("1.5f"); // begins to precompile for this compiler
    await until(() => entries("headers").length === 2);
    const made = (await calls("1.25f")).filter((call) => call.includes("module.cc"));
    assert.match(made[0]!, /-include \S*headers-/);
    assert.match(made[1]!, /-include kernel_lab_device\.h/);
  } finally {
    process.env.CXX = noting;
  }
});

test("the lens's hooks are compiled once", async () => {
  const kernel = await dev.compile(`extern "C" __global__ void one(float* x) { x[threadIdx.x] = 1.0f; }`);
  const another = await dev.compile(`extern "C" __global__ void two(float* x) { x[threadIdx.x] = 2.0f; }`);
  const x = dev.zeros([32]);
  writeFileSync(log, "");
  await lab.lens(kernel, { grid: 1, block: 32 }, x);
  await lab.lens(another, { grid: 1, block: 32 }, x);
  const compiled = readFileSync(log, "utf8")
    .split("\n")
    .filter((call) => call.includes("lens_hooks.cc"));
  assert.equal(compiled.length, 1);
  assert.equal(entries("hooks").length, 1);
});

test("a compiler that precompiles nothing builds every module from the text", async () => {
  mkdirSync(join(scratch, "empty"), { mode: 0o700 });
  process.env.KERNEL_LAB_CACHE = join(scratch, "empty");
  const { path } = await hostCompiler();
  const refusing = join(scratch, "refusing-g++");
  writeFileSync(refusing, `#!/bin/sh\ncase "$*" in *c++-header*) exit 1;; esac\nexec ${path} "$@"\n`, {
    mode: 0o755,
  });
  process.env.CXX = refusing;
  for (const value of ["7.0f", "8.0f"]) await calls(value);
  assert.deepEqual(
    readdirSync(join(scratch, "empty")).filter((name) => name.startsWith("headers-")),
    [],
  );
});
