import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { runCompiler } from "kernel-lab/dist/backend/simt/compiler";
import { translate } from "kernel-lab/dist/backend/simt/translate";
import { ints, numbers, range, refusalOf } from "./simt";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu", { workers: 1, timeLimit: 20 });
});
after(() => dev.close());

test("translate() leaves comments, strings, raw strings and preprocessor lines alone, and every line in its place", () => {
  const source = [
    '// extern __shared__ float a[]; asm("x"); k<<<1, 2>>>();',
    '/* __device__ int b; asm volatile("y");',
    '   <<< */ const char* s = "extern __shared__ float c[]; <<< asm(";',
    'const char* r = R"x(asm("z") <<< __device__ int d;)x";',
    "#define LAUNCH(k) k<<<1, 1>>>()",
    "#define PTX(x) asm(x)",
    "const int million = 1'000'000; const char q = '\"';",
  ].join("\n");
  assert.equal(translate(source), source);
});

test("translate() keeps line numbers when a declaration spans lines", () => {
  const source = "__global__ void k() {\n  extern __shared__\n  float\n  a[];\n  a[0] = 1;\n}";
  const text = translate(source);
  assert.equal(text.split("\n").length, 6);
  assert.match(text.split("\n")[4]!, /a\[0\] = 1;/);
});

test("a syntax error is shown with file, line and caret", async () => {
  const error = await refusalOf(
    dev,
    "__global__ void k(int* x) {\n  extern __shared__ int s[];\n  x[0] = s[0] + ;\n}",
  );
  assert.equal(error.code, "compile-error");
  assert.deepEqual(error.line, { file: "mine.cu", line: 3 });
  assert.match(error.message, /mine\.cu:3: .*\n +3 \| {3}x\[0\] = s\[0\] \+ ;\n +\| +\^/);
});

test("inline PTX is refused at its line, and ignored where the preprocessor leaves it out", async () => {
  const error = await refusalOf(
    dev,
    '__global__ void k(int* x) {\n  int y;\n  asm volatile("mov.u32 %0, %laneid;" : "=r"(y));\n}',
  );
  assert.equal(error.line?.line, 3);
  assert.match(error.message, /inline PTX has no CPU twin/);
  const kernel = await dev.compile(
    '__global__ void k(int* x) {\n#ifndef __KERNEL_LAB_CPU__\n  asm volatile("bar.sync 0;");\n#endif\n  *x = 4;\n}',
  );
  const x = dev.zeros([1], { dtype: "i32" });
  await kernel.launch({ grid: 1, block: 1 }, x);
  assert.deepEqual(await ints(x), [4]);
});

test("inline PTX of a header harms only those who use it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lab-ptx-"));
  try {
    writeFileSync(
      join(folder, "lanes.cuh"),
      '#pragma once\nstatic __device__ __forceinline__ int lane() {\n  int y;\n  asm("mov.u32 %0, %laneid;" : "=r"(y));\n  return y;\n}\n',
    );
    const kernel = await dev.compile('#include "lanes.cuh"\n__global__ void k(int* x) { *x = 7; }', {
      includes: [folder],
    });
    const x = dev.zeros([1], { dtype: "i32" });
    await kernel.launch({ grid: 1, block: 1 }, x);
    assert.deepEqual(await ints(x), [7]);
    const error = await refusalOf(dev, '#include "lanes.cuh"\n__global__ void k(int* x) { *x = lane(); }', {
      includes: [folder],
    });
    assert.match(error.message, /lanes\.cuh:4: inline PTX has no CPU twin/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a launch from a kernel is refused at its line", async () => {
  const error = await refusalOf(
    dev,
    "__global__ void child() {}\n__global__ void k() {\n  child<<<1, 1>>>();\n}",
  );
  assert.equal(error.code, "unsupported");
  assert.equal(error.line?.line, 3);
});

test("a specialisation is a kernel of its template, with launch bounds of its own or none", async () => {
  const primary = "template <class T> __global__ void __launch_bounds__(64) k(T* x) { *x = 1; }";
  const own = "template <> __global__ void __launch_bounds__(32) k<int>(int* x) { *x = sizeof(int); }";
  const none = "template <> __global__ void k<float>(float* x) { *x = 2; }";
  const source = `${primary}\n${own}\n${none}\ntemplate __global__ void k<double>(double*);`;
  const options = { names: ["k<unsigned>", "k<int>", "k<float>"] };
  const module = await dev.compileModule(source, options);
  assert.deepEqual(
    options.names.map((name) => module.kernel(name).attributes.maxThreadsPerBlock),
    [64, 32, 1024],
  );
  const x = dev.zeros([1]);
  await module.kernel("k<float>").launch({ grid: 1, block: 100 }, x);
  assert.deepEqual(await numbers(x), [2]);
});

test("a kernel that is not there is answered with those that are", async () => {
  const source = "__global__ void one() {}\ntemplate <int N> __global__ void two(int* x) { *x = N; }";
  const error = await refusalOf(dev, source, { name: "three" });
  assert.equal(error.code, "no-such-kernel");
  assert.match(error.message, /one/);
  assert.match(error.message, /two/);
  const wrong = await refusalOf(dev, source, { name: "two<float>" });
  assert.equal(wrong.code, "compile-error");
  assert.match(wrong.message, /two<float>/);
});

test("headers of an include folder may declare extern shared memory and kernels use it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lab-include-"));
  try {
    writeFileSync(
      join(folder, "stage.cuh"),
      "#pragma once\ntemplate <class T> __device__ T* stage() { extern __shared__ __align__(16) char raw[]; return reinterpret_cast<T*>(raw); }\n",
    );
    const kernel = await dev.compile(
      '#include "stage.cuh"\n__global__ void k(float* x) { float* s = stage<float>(); s[threadIdx.x] = FACTOR * threadIdx.x; __syncthreads(); x[threadIdx.x] = s[31 - threadIdx.x]; }',
      { includes: [folder], defines: { FACTOR: 3 } },
    );
    const x = dev.zeros([32]);
    await kernel.launch({ grid: 1, block: 32, shared: 128 }, x);
    assert.deepEqual(
      await numbers(x),
      range(32, (i) => 3 * (31 - i)),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("headers include each other beside and above them, once each, and hold kernels", async () => {
  const root = mkdtempSync(join(tmpdir(), "lab-tree-"));
  try {
    for (const folder of ["inc", "src/parts"]) mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, "inc/config.cuh"), "#pragma once\nstruct Config { int scale; };\n");
    writeFileSync(
      join(root, "src/parts/lane.cuh"),
      '#pragma once\n#include "../../inc/config.cuh"\n#include "width.cuh"\n__device__ int* stage() { extern __shared__ int raw[]; return raw; }\n',
    );
    writeFileSync(join(root, "src/parts/width.cuh"), "#pragma once\nconstexpr int width = 32;\n");
    writeFileSync(
      join(root, "src/kernels.cuh"),
      '#include "../inc/config.cuh"\n#include "parts/lane.cuh"\nnamespace inner {\n__global__ void __launch_bounds__(width) mirror(int* x, int scale) {\n  Config config{scale};\n  stage()[threadIdx.x] = threadIdx.x * config.scale;\n  __syncthreads();\n  x[threadIdx.x] = stage()[width - 1 - threadIdx.x];\n}\n}\n',
    );
    const kernel = await dev.compile('#include "kernels.cuh"\n#include "../inc/config.cuh"\n', {
      name: "inner::mirror",
      includes: [join(root, "src")],
    });
    assert.equal(kernel.attributes.maxThreadsPerBlock, 32);
    const x = dev.zeros([32], { dtype: "i32" });
    await kernel.launch({ grid: 1, block: 32, shared: 128 }, x, 3);
    assert.deepEqual(
      await ints(x),
      range(32, (i) => 3 * (31 - i)),
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test("two modules of one cached binary have variables of their own", async () => {
  const source = "__device__ int tally = 0;\n__global__ void k(int* x) { tally += 1; *x = tally; }";
  const first = await dev.compileModule(source);
  const second = await dev.compileModule(source);
  assert.equal(second.compileInfo.cached, true);
  const x = dev.zeros([1], { dtype: "i32" });
  await first.kernel("k").launch({ grid: 1, block: 1 }, x);
  await first.kernel("k").launch({ grid: 1, block: 1 }, x);
  assert.deepEqual(await ints(x), [2]);
  await second.kernel("k").launch({ grid: 1, block: 1 }, x);
  assert.deepEqual(await ints(x), [1]);
});

test("kernels may use new, malloc, recursion, lambdas, virtual calls and the standard's type traits", async () => {
  const kernel = await dev.compile(`
#include <type_traits>
struct Shape { __device__ virtual float area() const = 0; __device__ virtual ~Shape() {} };
struct Square : Shape { float a; __device__ Square(float s) : a(s) {} __device__ float area() const override { return a * a; } };
__device__ int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
template <class F> __device__ auto twice(F f) { return f() + f(); }
__global__ void k(float* x) {
  Shape* shape = new Square(3.0f);
  float* heap = static_cast<float*>(malloc(16));
  heap[0] = shape->area();
  static_assert(std::is_same<decltype(threadIdx.x), unsigned int>::value, "CUDA's own type");
  x[threadIdx.x] = heap[0] + fib(10) + twice([=] { return int(threadIdx.x); });
  free(heap);
  delete shape;
}`);
  const x = dev.zeros([8]);
  await kernel.launch({ grid: 1, block: 8 }, x);
  assert.deepEqual(
    await numbers(x),
    range(8, (i) => 9 + 55 + 2 * i),
  );
});

test("graphs replay launches, copies and fills with the arguments they were captured with", async () => {
  const kernel = await dev.compile("__global__ void add(int* x, int v) { x[threadIdx.x] += v; }");
  const x = dev.zeros([4], { dtype: "i32" });
  const y = dev.zeros([4], { dtype: "i32" });
  const graph = await dev.graph(() => {
    kernel.enqueue({ grid: 1, block: 4 }, x, 5);
    y.copyFrom(x);
  });
  assert.deepEqual(await ints(x), [0, 0, 0, 0]);
  await graph.launch();
  await graph.launch();
  assert.deepEqual(await ints(y), [10, 10, 10, 10]);
});

test("a compiler that is killed is told apart from a source that is wrong, and nothing is cached", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-killed-"));
  const driver = join(folder, "g++");
  for (const end of [
    "kill -9 $$",
    "echo 'g++: fatal error: Killed signal terminated program cc1plus' >&2; exit 1",
  ]) {
    writeFileSync(driver, `#!/bin/sh\n${end}\n`, { mode: 0o755 });
    await assert.rejects(
      runCompiler(driver, ["-c", "module.cc"], folder),
      (e) =>
        lab.LabError.is(e, "compiler-killed") &&
        /SIGKILL|Killed signal/.test(e.what) &&
        /cached/.test(e.advice),
    );
  }
  rmSync(folder, { recursive: true });
});
