import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as lab from "kernel-lab";

const device = lab.open("cpu");
after(async () => (await device).close());

test("warp and block reductions of several types, shapes and operators", async () => {
  const dev = await device;
  const kernel = await dev.compile(`#include "reduce.cuh"
    struct Product { __device__ double operator()(double a, double b) const { return a * b; } };
    __global__ void reduce(const float* x, float* out, int* ints, double* product) {
      __shared__ float f[lab::kBlockScratch];
      __shared__ int s[lab::kBlockScratch];
      __shared__ double d[lab::kBlockScratch];
      int t = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
      float v = x[t];
      float sum = lab::blockSum(v, f), top = lab::blockMax(v, f), bottom = lab::blockMin(v, f);
      int most = lab::blockMax(-t - 1, s), count = lab::blockSum(1, s);
      double p = lab::blockReduce(1.0 + (t == 3), Product(), d);
      float eight = lab::warpSum<8>(v);
      float* o = out + 4 * t;
      o[0] = sum; o[1] = top; o[2] = bottom; o[3] = eight;
      ints[2 * t] = most; ints[2 * t + 1] = count;
      product[t] = p;
    }`);
  for (const block of [[32], [64], [8, 4, 3], [1024]]) {
    const n = block.reduce((a, b) => a * b, 1);
    const x = Float32Array.from({ length: n }, (_, i) => ((i * 37) % 101) - 150);
    const [out, ints] = [dev.zeros([n, 4]), dev.zeros([n, 2], { dtype: "i32" })];
    const products = dev.zeros([n], { dtype: "f64" });
    kernel.enqueue({ grid: 1, block }, dev.tensor(x), out, ints, products);
    const sum = (v: Float32Array) => v.reduce((a, b) => a + b, 0);
    const expected = Array.from(x, (_, t) => [
      sum(x),
      Math.max(...x),
      Math.min(...x),
      sum(x.subarray(t - (t % 8), t - (t % 8) + 8)),
    ]);
    assert.deepEqual(Array.from((await out.read()) as Float32Array), expected.flat());
    assert.deepEqual(
      Array.from((await ints.read()) as Int32Array),
      Array.from(x).flatMap(() => [-1, n]),
    );
    assert.ok(Array.from(await products.read(), Number).every((p) => p === 2));
  }
});

for (const [type, dtype] of [
  ["float", "f32"],
  ["__half", "f16"],
  ["__nv_bfloat16", "bf16"],
] as const) {
  test(`packs of ${dtype}: 16 bytes in, float arithmetic, 16 bytes out`, async () => {
    const dev = await device;
    const kernel = await dev.compile(
      `#include "pack.cuh"
      template <typename T>
      __global__ void twice(const T* x, T* y, T* z, int n) {
        constexpr int size = lab::Pack<T>::size;
        static_assert(sizeof(lab::Pack<T>) == 16 && alignof(lab::Pack<T>) == 16, "one vector access");
        int i = (blockIdx.x * blockDim.x + threadIdx.x) * size;
        if (i >= n) return;
        lab::Pack<T> p = lab::loadPack(x + i);
        for (int k = 0; k < size; ++k) p.set(k, 2.0f * p.get(k));
        lab::storePackStreaming(y + i, p);
        float values[size];
        lab::loadFloats(x + i, values);
        for (int k = 0; k < size; ++k) values[k] = -values[k];
        lab::storeFloats(z + i, values);
      }`,
      { name: `twice<${type}>` },
    );
    const n = 1024;
    const x = dev.randn([n], { dtype, seed: 3 });
    const [y, z] = [dev.zeros([n], { dtype }), dev.zeros([n], { dtype })];
    kernel.enqueue({ grid: 4, block: 64 }, x, y, z, n);
    const from = (await x.read()) as Float32Array;
    assert.deepEqual(
      await y.read(),
      from.map((v) => 2 * v),
    );
    assert.deepEqual(
      await z.read(),
      from.map((v) => -v),
    );
  });
}

test("the online softmax pair joins over a block, untouched threads and outliers included", async () => {
  const dev = await device;
  const kernel = await dev.compile(`#include "online_softmax.cuh"
    __global__ void pair(const float* x, float* out, int n) {
      __shared__ lab::MaxSum scratch[32];
      lab::MaxSum state = lab::MaxSum::nothing();
      for (int i = threadIdx.x; i < n; i += blockDim.x) state.add(x[i]);
      state = lab::blockJoin(state, scratch);
      out[2 * threadIdx.x] = state.maximum;
      out[2 * threadIdx.x + 1] = state.sum;
    }`);
  for (const n of [5, 100, 3001]) {
    const x = Float32Array.from({ length: n }, (_, i) => Math.sin(i) * (i % 50 === 0 ? 80 : 2));
    const out = dev.zeros([96, 2]);
    kernel.enqueue({ grid: 1, block: 96 }, dev.tensor(x), out, n);
    const top = Math.max(...x);
    const sum = x.reduce((s, v) => s + Math.exp(v - top), 0);
    const got = (await out.read()) as Float32Array;
    for (let t = 0; t < 96; t++) {
      assert.equal(got[2 * t], top);
      assert.ok(Math.abs(got[2 * t + 1]! / sum - 1) < 1e-5, `${n}: ${got[2 * t + 1]} and ${sum}`);
    }
  }
});

test("copyAsync of 4, 8 and 16 bytes, zero-filled where its predicate is false, and not before the wait", async () => {
  const dev = await device;
  const kernel = await dev.compile(`#include "cp_async.cuh"
    __global__ void copy(const int* x, int* out) {
      __shared__ alignas(16) int tile[3][128];
      int t = threadIdx.x;
      for (int k = 0; k < 4; ++k) for (int j = 0; j < 3; ++j) tile[j][4 * t + k] = -1;
      lab::copyAsync16(&tile[0][4 * t], x + 4 * t, t % 2 == 0);
      lab::copyAsyncCommit();
      lab::copyAsync<8>(&tile[1][4 * t], x + 4 * t, t % 3 != 0);
      lab::copyAsync<4>(&tile[1][4 * t + 2], x + 4 * t);
      lab::copyAsyncCommit();
      out[t] = tile[0][4 * t];
      lab::copyAsyncWait<1>();
      out[32 + t] = tile[0][4 * t + 3];
      out[64 + t] = tile[1][4 * t];
      lab::copyAsyncWait<0>();
      for (int k = 0; k < 4; ++k) out[96 + 4 * t + k] = tile[1][4 * t + k];
    }`);
  const x = Int32Array.from({ length: 128 }, (_, i) => 1000 + i);
  const out = dev.zeros([224], { dtype: "i32" });
  kernel.enqueue({ grid: 1, block: 32 }, dev.tensor(x), out);
  const threads = Array.from({ length: 32 }, (_, t) => t);
  assert.deepEqual(Array.from((await out.read()) as Int32Array), [
    ...threads.map(() => -1),
    ...threads.map((t) => (t % 2 === 0 ? x[4 * t + 3]! : 0)),
    ...threads.map(() => -1),
    ...threads.flatMap((t) => (t % 3 === 0 ? [0, 0] : [x[4 * t]!, x[4 * t + 1]!]).concat([x[4 * t]!, -1])),
  ]);
});

test("the headers compile for sm_80, sm_86, sm_89 and sm_90a", async (t) => {
  const source = `#include "cp_async.cuh"
    #include "mma.cuh"
    #include "online_softmax.cuh"
    #include "pack.cuh"
    #include "reduce.cuh"
    extern "C" __global__ void everyHeader(float* x, const __half* h, const __nv_bfloat16* b) {
      __shared__ float scratch[lab::kBlockScratch];
      __shared__ lab::MaxSum pairs[32];
      __shared__ alignas(16) __half tile[256];
      lab::copyAsync16(&tile[8 * threadIdx.x], h + 8 * threadIdx.x, threadIdx.x < 20);
      lab::copyAsync<4>(tile, h);
      lab::copyAsyncCommit();
      lab::copyAsyncWait<0>();
      __syncthreads();
      unsigned a4[4], a2[2], a1[1];
      lab::ldmatrix(a4, tile); lab::ldmatrix(a2, tile); lab::ldmatrix(a1, tile);
      lab::ldmatrixTrans(a4, tile); lab::ldmatrixTrans(a2, tile); lab::ldmatrixTrans(a1, tile);
      float c[4] = {lab::toFloat(b[0]), __uint_as_float(a1[0]), 0, 0};
      lab::mma16816<__half>(c, a4, a2);
      lab::mma16816<__nv_bfloat16>(c, a4, a2);
      a2[0] = lab::toTf32(c[0]);
      lab::mma1688Tf32(c, a4, a2);
      lab::MaxSum s = lab::MaxSum::nothing();
      s.add(lab::blockSum(c[0] + c[1] + c[2] + c[3], scratch));
      lab::storeFloats(x, c);
      x[4] = lab::blockJoin(s, pairs).sum;
    }`;
  for (const arch of ["sm_80", "sm_86", "sm_89", "sm_90a"]) {
    try {
      const compiled = await lab.compileCuda(source, { arch });
      assert.ok(compiled.kernels.everyHeader, arch);
    } catch (error) {
      if (lab.LabError.is(error, "no-compiler")) return t.skip(error.message);
      throw error;
    }
  }
});
