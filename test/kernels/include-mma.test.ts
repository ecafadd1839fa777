import assert from "node:assert/strict";
import { after, test } from "node:test";
import * as lab from "kernel-lab";
import { decodeBfloat, decodeHalf, encodeBfloat, encodeHalf } from "kernel-lab/dist/core/float";

const device = lab.open("cpu");
after(async () => (await device).close());

/** Reproducible numbers in [-1, 1). */
function noise(count: number, seed: number): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

function product(a: ArrayLike<number>, b: ArrayLike<number>, m: number, n: number, k: number): Float64Array {
  return Float64Array.from({ length: m * n }, (_, i) => {
    let sum = 0;
    for (let l = 0; l < k; l++) sum += a[Math.floor(i / n) * k + l]! * b[l * n + (i % n)]!;
    return sum;
  });
}

function assertNear(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `[${i}]: ${actual[i]}, not ${expected[i]}`);
  }
}

for (const matrices of [1, 2, 4]) {
  test(`ldmatrix x${matrices} and its transpose give each lane the manual's elements`, async () => {
    const dev = await device;
    const kernel = await dev.compile(`#include "mma.cuh"
      __global__ void load(unsigned* out) {
        __shared__ alignas(16) unsigned short tile[32 * 8];
        int lane = threadIdx.x;
        for (int i = 0; i < 8; ++i) tile[lane * 8 + i] = lane * 8 + i;
        __syncwarp();
        unsigned plain[${matrices}], turned[${matrices}];
        lab::ldmatrix(plain, &tile[lane * 8]);
        lab::ldmatrixTrans(turned, &tile[lane * 8]);
        for (int i = 0; i < ${matrices}; ++i) { out[(2 * i) * 32 + lane] = plain[i]; out[(2 * i + 1) * 32 + lane] = turned[i]; }
      }`);
    const out = dev.zeros([matrices, 2, 32], { dtype: "u32" });
    kernel.enqueue({ grid: 1, block: 32 }, out);
    const got = Array.from(await out.read(), Number);
    const expected = Array.from({ length: matrices }, (_, i) => i).flatMap((i) =>
      [false, true].flatMap((turned) =>
        Array.from({ length: 32 }, (_, lane) => {
          const [row, column] = [lane >> 2, 2 * (lane % 4)];
          const at = (c: number) => 64 * i + (turned ? c * 8 + row : row * 8 + c);
          return at(column) + at(column + 1) * 65536;
        }),
      ),
    );
    assert.deepEqual(got, expected);
  });
}

for (const [type, dtype, round] of [
  ["__half", "f16", (v: number) => decodeHalf(encodeHalf(v))],
  ["__nv_bfloat16", "bf16", (v: number) => decodeBfloat(encodeBfloat(v))],
] as const) {
  test(`mma 16x8x16 of ${dtype}: fragments loaded element by element, as the manual lays them out`, async () => {
    const dev = await device;
    const kernel = await dev.compile(`#include "mma.cuh"
      __global__ void multiply(const ${type}* A, const ${type}* B, float* C) {
        int lane = threadIdx.x, g = lane / 4, t = lane % 4;
        unsigned a[4], b[2];
        for (int i = 0; i < 4; ++i) {
          const ${type}* p = A + (g + 8 * (i % 2)) * 16 + 2 * t + 8 * (i / 2);
          a[i] = lab::packPair(p[0], p[1]);
        }
        for (int i = 0; i < 2; ++i) b[i] = lab::packPair(B[(2 * t + 8 * i) * 8 + g], B[(2 * t + 8 * i + 1) * 8 + g]);
        float c[4];
        for (int i = 0; i < 4; ++i) c[i] = C[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2];
        lab::mma16816<${type}>(c, a, b);
        for (int i = 0; i < 4; ++i) C[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2] = c[i];
      }`);
    const [a, b, c] = [noise(256, 1).map(round), noise(128, 2).map(round), noise(128, 3)];
    const out = dev.tensor(c);
    kernel.enqueue(
      { grid: 1, block: 32 },
      dev.tensor(a, [16, 16], dtype),
      dev.tensor(b, [16, 8], dtype),
      out,
    );
    assertNear(
      (await out.read()) as Float32Array,
      product(a, b, 16, 8, 16).map((v, i) => v + c[i]!),
      2e-6,
    );
  });
}

test("mma 16x8x8 of tf32 drops 13 bits of each factor, and toTf32 rounds them to nearest", async () => {
  const dev = await device;
  const kernel = await dev.compile(`#include "mma.cuh"
    __global__ void multiply(const float* A, const float* B, float* C, bool round) {
      int lane = threadIdx.x, g = lane / 4, t = lane % 4;
      auto bits = [&](float v) { return round ? lab::toTf32(v) : __float_as_uint(v); };
      unsigned a[4], b[2];
      for (int i = 0; i < 4; ++i) a[i] = bits(A[(g + 8 * (i % 2)) * 8 + t + 4 * (i / 2)]);
      for (int i = 0; i < 2; ++i) b[i] = bits(B[(t + 4 * i) * 8 + g]);
      float c[4] = {0, 0, 0, 0};
      lab::mma1688Tf32(c, a, b);
      for (int i = 0; i < 4; ++i) C[(g + 8 * (i / 2)) * 8 + 2 * t + i % 2] = c[i];
    }`);
  const [a, b] = [noise(128, 4), noise(64, 5)];
  const shorten = (round: boolean) => (v: number) => {
    const bits = new Uint32Array(Float32Array.of(v).buffer);
    bits[0] = (bits[0]! + (round ? 0x1000 : 0)) & 0xffffe000;
    return new Float32Array(bits.buffer)[0]!;
  };
  for (const round of [false, true]) {
    const out = dev.zeros([16, 8]);
    kernel.enqueue({ grid: 1, block: 32 }, dev.tensor(a), dev.tensor(b), out, round);
    const expected = product(a.map(shorten(round)), b.map(shorten(round)), 16, 8, 8);
    assertNear((await out.read()) as Float32Array, expected, 1e-6);
  }
});

test("a tensor-core GEMM: cp.async stages, ldmatrix, mma, against float64", async () => {
  const dev = await device;
  const kernel = await dev.compile(`#include "cp_async.cuh"
    #include "mma.cuh"
    // One warp a 16x16 tile of C = A B; A m x k and B k x n row-major; k a multiple of 16; rows past m read as zero.
    __global__ void gemm(const __half* A, const __half* B, float* C, int m, int n, int k) {
      __shared__ alignas(16) __half as[2][16][24], bs[2][16][24];
      const int lane = threadIdx.x, row0 = blockIdx.y * 16, col0 = blockIdx.x * 16, steps = k / 16;
      const int r = lane / 2, c = lane % 2 * 8;
      auto fetch = [&](int step) {
        if (step < steps) {
          lab::copyAsync16(&as[step % 2][r][c], A + (row0 + r) * k + step * 16 + c, row0 + r < m);
          lab::copyAsync<16>(&bs[step % 2][r][c], B + (step * 16 + r) * n + col0 + c);
        }
        lab::copyAsyncCommit();
      };
      float acc[2][4] = {};
      fetch(0);
      for (int step = 0; step < steps; ++step) {
        fetch(step + 1);
        lab::copyAsyncWait<1>();
        __syncthreads();
        unsigned a[4], b[4];
        lab::ldmatrix(a, &as[step % 2][lane % 16][lane / 16 * 8]);
        lab::ldmatrixTrans(b, &bs[step % 2][lane % 16][lane / 16 * 8]);
        for (int half = 0; half < 2; ++half) {
          const unsigned pair[2] = {b[2 * half], b[2 * half + 1]};
          lab::mma16816<__half>(acc[half], a, pair);
        }
        __syncthreads();
      }
      for (int half = 0; half < 2; ++half)
        for (int i = 0; i < 4; ++i) {
          const int row = row0 + lane / 4 + 8 * (i / 2), col = col0 + 8 * half + 2 * (lane % 4) + i % 2;
          if (row < m) C[row * n + col] = acc[half][i];
        }
    }`);
  const [m, n, k] = [41, 48, 80];
  const half = (v: number) => decodeHalf(encodeHalf(v));
  const [a, b] = [noise(m * k, 6).map(half), noise(k * n, 7).map(half)];
  const out = dev.full([m, n], Number.NaN);
  const config = { grid: [n / 16, Math.ceil(m / 16)], block: 32 };
  kernel.enqueue(config, dev.tensor(a, [m, k], "f16"), dev.tensor(b, [k, n], "f16"), out, m, n, k);
  assertNear((await out.read()) as Float32Array, product(a, b, m, n, k), 1e-5);
});
