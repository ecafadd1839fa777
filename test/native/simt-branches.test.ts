import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { branches, needsDeciding, withoutBranches } from "kernel-lab/dist/backend/simt/branches";
import { compileForSteps } from "kernel-lab/dist/backend/simt/compile";
import { ints, refusalOf } from "./simt";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu", { workers: 1, timeLimit: 20 });
});
after(() => dev.close());

/** Names of the kernels a source compiles to. */
async function built(source: string, options: lab.CompileOptions = {}): Promise<string[]> {
  return Object.keys((await dev.compileModule(source, { fileName: "mine.cu", ...options })).kernels);
}

const kernel = (name: string, value = 1): string => `__global__ void ${name}(int* x) { *x = ${value}; }`;

test("branches() tells each stretch between directives, nested ones too, and blanking keeps the lines", () => {
  const inner = '"#if" R"(\n#if raw\n)"\n/*\n#if C\n*/\n';
  const source = `#if A\n1\n#ifdef B\n2\n#endif\n#  elif A > \\\n 1\n${inner}#else // no\n3\n#endif\n`;
  assert.deepEqual(
    branches(source).map(({ line, directive, start, end }) => [line, directive, source.slice(start, end)]),
    [
      [3, "#ifdef B", "2\n"],
      [1, "#if A", "1\n#ifdef B\n2\n#endif\n"],
      [6, "#  elif A > \\\n 1", inner],
      [14, "#else // no", "3\n"],
    ],
  );
  assert.equal(
    withoutBranches("#if 0\nint a;\n#endif\n", branches("#if 0\nint a;\n#endif\n")),
    "#if 0\n      \n#endif\n",
  );
});

test("needsDeciding() asks only where a branch holds a kernel, a launch or half a block", () => {
  const asks = (source: string): boolean => needsDeciding(source, branches(source));
  assert.ok(asks(`#if 0\n${kernel("k")}\n#endif`));
  assert.ok(asks("#if 0\nvoid host() { k<<<1, 1>>>(); }\n#endif"));
  assert.ok(asks("#if A\nnamespace a {\n#else\nnamespace b {\n#endif\n}"));
  assert.ok(asks("{\n#if A\n} {\n#endif\n}"));
  assert.ok(!asks(`#ifdef A\nstruct S { int x; };\n#endif\n#if 0\n// __global__ {\n#endif\n${kernel("k")}`));
});

test("kernels in branches that the preprocessor drops are ignored", async () => {
  assert.deepEqual(await built(`#if 0\n${kernel("old")}\n#endif\n${kernel("k")}`), ["k"]);
  assert.deepEqual(await built(`// ${kernel("old")}\n/* ${kernel("older")} */ ${kernel("k")}`), ["k"]);
  const three = `#ifdef A\n${kernel("a")}\n#elif defined(B)\n${kernel("b")}\n#else\n${kernel("c")}\n#endif`;
  assert.deepEqual(await built(three), ["c"]);
  assert.deepEqual(await built(three, { defines: { B: 1 } }), ["b"]);
  assert.deepEqual(await built(three, { defines: { A: true } }), ["a"]);
});

test("a kernel that two branches declare is the one that is compiled, with its own signature", async () => {
  const source = `#if TWICE\n__global__ void __launch_bounds__(64) k(int* x, int v) { *x = 2 * v; }\n#else\n${kernel("k", 7)}\n#endif`;
  const x = dev.zeros([1], { dtype: "i32" });
  const plain = await dev.compile(source);
  await plain.launch({ grid: 1, block: 1 }, x);
  assert.deepEqual(await ints(x), [7]);
  const twice = await dev.compile(source, { defines: { TWICE: 1 } });
  await twice.launch({ grid: 1, block: 1 }, x, 21);
  assert.deepEqual(await ints(x), [42]);
  assert.deepEqual(
    [plain, twice].map(({ attributes }) => attributes.maxThreadsPerBlock),
    [1024, 64],
  );
});

test("a kernel asked for that is in a dropped branch is named, with the condition that drops it", async () => {
  const source = `${kernel("k")}\n#ifdef EXTRA\n#if 1\n#endif\n\n${kernel("extra")}\n#endif`;
  const error = await refusalOf(dev, source, { name: "extra" });
  assert.equal(error.code, "no-such-kernel");
  assert.match(error.what, /^mine\.cu:6: kernel "extra" is left out .* "#ifdef EXTRA" at line 2\.$/);
  assert.deepEqual(error.line, { file: "mine.cu", line: 6 });
  assert.deepEqual(await built(source, { name: "extra", defines: { EXTRA: 1 } }), ["extra"]);
  const alone = await refusalOf(dev, `#if 0\n${kernel("only")}\n#endif`);
  assert.match(alone.what, /"only" is left out .* "#if 0" at line 1/);
});

test("macros and headers decide as they do for the compiler", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lab-branches-"));
  try {
    writeFileSync(
      join(folder, "config.cuh"),
      `#pragma once\n#define WIDE (sizeof(int), 2 > 1)\n#define MAKE(name) __global__ void name(int* x) { *x = 5; }\n#if 0\n${kernel("absent")}\n#endif\n`,
    );
    const source = `#include "config.cuh"\n#if 2 > 1\nMAKE(made)\n#else\nMAKE(unmade)\n#endif\n#ifdef WIDE\n${kernel("wide")}\n#endif`;
    assert.deepEqual((await built(source, { includes: [folder] })).sort(), ["made", "wide"]);
    const error = await refusalOf(dev, source, { includes: [folder], name: "absent" });
    assert.match(error.what, /config\.cuh:5: kernel "absent" is left out/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("launches and half blocks in dropped branches are no one's business", async () => {
  const host = `${kernel("k")}\n#ifndef __CUDACC__\nint main() { k<<<1, 1>>>(0); }\n#endif`;
  assert.deepEqual(await built(host), ["k"]);
  const error = await refusalOf(dev, host.replace("#ifndef", "#ifdef"));
  assert.deepEqual([error.code, error.line?.line], ["unsupported", 3]);
  const halves = `#ifdef OTHER\nnamespace other {\n#else\nnamespace mine {\n#endif\n__global__ void k(int* x) { extern __shared__ int s[]; s[0] = 3; *x = s[0]; }\n}`;
  assert.deepEqual(await built(halves), ["mine::k"]);
});

test("the lens and the stepped build leave dropped branches out too", async () => {
  const source = `#if 0\n__global__ void old(int* x) { k<<<1, 1>>>(); }\n#endif\n${kernel("k", 3)}`;
  const x = dev.zeros([1], { dtype: "i32" });
  const k = await dev.compile(source);
  const report = await lab.lens(k, { grid: 1, block: 1 }, x);
  assert.equal(report.kernel, "k");
  const stepped = await compileForSteps(k.module.request);
  assert.deepEqual(
    stepped.entries.map(({ name }) => name),
    ["k"],
  );
});

test("overloaded kernels are refused by their name and lines, where one of them is asked for", async () => {
  const source = `${kernel("scale")}\n__global__ void scale(float* x) { *x = 2; }\n${kernel("other")}`;
  const error = await refusalOf(dev, source, { name: "scale" });
  assert.equal(error.code, "unsupported");
  assert.match(error.what, /^mine\.cu:2: kernel "scale" is overloaded .* line 1\b/);
  assert.deepEqual(error.line, { file: "mine.cu", line: 2 });
  assert.deepEqual(await built(source, { name: "other" }), ["other"]);
});

test("textures and surfaces are refused by name at their line", async () => {
  const cases: [string, RegExp, number][] = [
    [
      "texture<float, 2> image;\n__global__ void k(float* x) { *x = tex2D(image, 0.f, 0.f); }",
      /: texture: .* no textures/,
      1,
    ],
    [
      "__device__ float at(cudaTextureObject_t t);\n__global__ void k(float* x) {}",
      /cudaTextureObject_t: /,
      1,
    ],
    ["__global__ void k(float* x) {\n  *x = tex1Dfetch<float>(7, 0);\n}", /tex1Dfetch: /, 2],
    ["__global__ void k(float* x) {\n  surf2Dwrite(1.f, 7, 0, 0);\n}", /surf2Dwrite: /, 2],
  ];
  for (const [source, message, line] of cases) {
    const error = await refusalOf(dev, source);
    assert.equal(error.code, "unsupported");
    assert.match(error.what, message);
    assert.deepEqual(error.line, { file: "mine.cu", line });
  }
  // A name of one's own that only sounds like one.
  const own = await refusalOf(
    dev,
    "struct textured {};\n__global__ void k(float* x) { textured y = missing; }",
  );
  assert.equal(own.code, "compile-error");
});
