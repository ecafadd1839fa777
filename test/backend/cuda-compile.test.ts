import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { nvrtcVersion } from "kernel-lab/dist/backend/cuda/compile";
import { hostsOf } from "./hosts";

let missing = "";
let cache: string;
before(async () => {
  cache = mkdtempSync(join(tmpdir(), "lab-cuda-"));
  process.env.KERNEL_LAB_CACHE = cache;
  await nvrtcVersion().catch((error: lab.LabError) => {
    assert.equal(error.code, "no-compiler");
    missing = error.what;
  });
});
after(() => rmSync(cache, { recursive: true, force: true }));

const source = `#include <cuda_fp16.h>
template <typename T, int N> __global__ void tile(const T* x, float* y) {
  __shared__ float s[N];
  s[threadIdx.x] = float(x[threadIdx.x]) * FACTOR;
  __syncthreads();
  y[threadIdx.x] = s[N - 1 - threadIdx.x];
}
extern "C" __global__ void plain(float* x) { x[threadIdx.x] += 1; }`;
const options = { names: ["plain", "tile<__half, 64>"], defines: { FACTOR: "2.0f" } };

test("compileCuda shows PTX, registers and shared memory with no GPU, and is quick from the cache", async (t) => {
  if (missing) return t.skip(missing);
  const made = await lab.compileCuda(source, options);
  assert.deepEqual(Object.keys(made.kernels), ["plain", "tile<__half, 64>"]);
  const { registers, staticShared, spillStores } = made.kernels["tile<__half, 64>"]!;
  assert.ok(registers >= 4 && registers < 64, `${registers}`);
  assert.deepEqual([staticShared, spillStores], [256, 0]);
  assert.match(made.ptx, /\.target sm_90a[\s\S]*\.entry/);
  assert.ok(readFileSync(made.cubin).subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1")));
  assert.ok(existsSync(join(dirname(made.cubin), "source.cu")));
  const again = await lab.compileCuda(source, options);
  assert.deepEqual([made.cached, again.cached], [false, true]);
  assert.ok(again.seconds < 0.05, `${again.seconds} s`);
  console.log(`cached CUDA compile ${(again.seconds * 1e3).toFixed(1)} ms`);
  const other = await lab.compileCuda(source, { ...options, arch: "sm_80" });
  assert.match(other.ptx, /\.target sm_80/);
});

test("kernels that the preprocessor leaves out are no error, unless they are asked for", async (t) => {
  if (missing) return t.skip(missing);
  const branched =
    "#if 0\n__global__ void old() {}\n#endif\nnamespace n { __global__ void k(float* x) { *x = 1; } }";
  assert.deepEqual(Object.keys((await lab.compileCuda(branched)).kernels), ["n::k"]);
  await assert.rejects(lab.compileCuda(branched, { name: "old" }), /Cannot instantiate "old"/);
});

test("an error is told with file, line and caret, and the others after it", async (t) => {
  if (missing) return t.skip(missing);
  await assert.rejects(
    lab.compileCuda("__global__ void k(float* x) {\n  x[0] = ;\n  y = 1;\n}", { fileName: "bad.cu" }),
    (e) => {
      assert.ok(lab.LabError.is(e, "compile-error"));
      assert.deepEqual(e.line, { file: "bad.cu", line: 2 });
      assert.match(e.what, /^bad\.cu:2: .*\n {4}2 \| {3}x\[0\] = ;\n {6}\| {10}\^\nbad\.cu:3: /);
      return true;
    },
  );
  await assert.rejects(
    lab.compileCuda("template <class T> __global__ void k(T* x) {}", { name: "k<nothing>" }),
    (e) => lab.LabError.is(e, "compile-error") && /"k<nothing>".*nothing/.test(e.what),
  );
});

test("a compiler that dies costs one compilation", async (t) => {
  if (missing) return t.skip(missing);
  const heavy = `${source}\n${Array.from({ length: 400 }, (_, i) => `__global__ void k${i}(float* x) { for (int i = 0; i < 100; i++) x[i] = sinf(x[i]) * ${i}; }`).join("\n")}`;
  const doomed = lab.compileCuda(heavy, { names: ["plain"], defines: options.defines });
  const rejected = assert.rejects(doomed, (e) => lab.LabError.is(e, "compiler-crashed"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (const pid of hostsOf(process.pid)) process.kill(pid, "SIGKILL");
  await rejected;
  const made = await lab.compileCuda(source, { ...options, defines: { FACTOR: "3.0f" } });
  assert.equal(made.cached, false);
});
