import assert from "node:assert/strict";
import { test } from "node:test";
import { cpu, numbers } from "./coverage-support";

/** The value of a small float's bits: `exponent` and `mantissa` bits under the sign, written from the definition. */
function decode(bits: number, exponent: number, mantissa: number, infinite = true): number {
  const sign = bits >> (exponent + mantissa) ? -1 : 1;
  const e = (bits >> mantissa) & (2 ** exponent - 1);
  const m = bits & (2 ** mantissa - 1);
  const bias = 2 ** (exponent - 1) - 1;
  if (infinite && e === 2 ** exponent - 1) return m ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (!infinite && e === 2 ** exponent - 1 && m === 2 ** mantissa - 1) return Number.NaN;
  return e === 0
    ? sign * m * 2 ** (1 - bias - mantissa)
    : sign * (2 ** mantissa + m) * 2 ** (e - bias - mantissa);
}

/** All 65536 (or 256) patterns with their neighbours: between each two, the tie and its nearest floats. */
function neighbours(
  exponent: number,
  mantissa: number,
  infinite = true,
): { lower: number; value: number; next: number }[] {
  const largest = infinite ? ((2 ** exponent - 1) << mantissa) - 1 : 2 ** (exponent + mantissa) - 2;
  return Array.from({ length: largest }, (_, bits) => ({
    lower: bits,
    value: decode(bits, exponent, mantissa, infinite),
    next: decode(bits + 1, exponent, mantissa, infinite),
  }));
}

const small = [
  {
    name: "half",
    type: "__half",
    header: "cuda_fp16.h",
    from: "__float2half_rn",
    exponent: 5,
    mantissa: 10,
    dtype: "f16",
  },
  {
    name: "bfloat16",
    type: "__nv_bfloat16",
    header: "cuda_bf16.h",
    from: "__float2bfloat16_rn",
    exponent: 8,
    mantissa: 7,
    dtype: "bf16",
  },
] as const;

for (const { name, type, header, from, exponent, mantissa, dtype } of small) {
  test(`${name}: all 65536 patterns become the right float and come back`, async () => {
    const dev = await cpu();
    const kernel = await dev.compile(`#include <${header}>
      __global__ void widen(const ${type}* x, float* y, unsigned short* back, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) { y[i] = (float)x[i]; back[i] = ${type}(y[i]).__x; }
      }`);
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const x = dev.tensor(new Uint8Array(bits.buffer)).as(dtype);
    const [y, back] = [dev.zeros([65536]), dev.zeros([65536], { dtype })];
    kernel.enqueue({ grid: 256, block: 256 }, x, y, back, 65536);
    const wide = await numbers(y);
    const again = new Uint16Array((await back.readRaw()).slice().buffer);
    for (const b of bits) {
      const value = decode(b, exponent, mantissa);
      assert.ok(Object.is(wide[b], value), `0x${b.toString(16)}: ${wide[b]} instead of ${value}`);
      assert.equal(again[b], Number.isNaN(value) ? 0x7fff : b);
    }
  });

  test(`${name}: ties go to even, everything else to the nearest, in all four roundings`, async () => {
    const dev = await cpu();
    const f = from.slice(0, -3);
    const kernel = await dev.compile(`#include <${header}>
      __global__ void narrow(const float* x, unsigned short* y, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i >= n) return;
        y[4 * i] = ${f}_rn(x[i]).__x; y[4 * i + 1] = ${f}_rz(x[i]).__x;
        y[4 * i + 2] = ${f}_ru(x[i]).__x; y[4 * i + 3] = ${f}_rd(x[i]).__x;
      }`);
    const one = new Float32Array(1);
    const word = new Int32Array(one.buffer);
    const step = (v: number, by: number) => {
      one[0] = v;
      word[0]! += by;
      return one[0]!;
    };
    const pairs = neighbours(exponent, mantissa).filter((_, i) => i % 3 === 0 || i < 2000);
    // Four inputs a pair: the tie, just below, just above, and the tie negated.
    const inputs = pairs.flatMap(({ value, next }) => {
      const tie = value / 2 + next / 2;
      return [tie, step(tie, -1), step(tie, 1), -tie];
    });
    const x = Float32Array.from(inputs);
    assert.ok(
      inputs.every((v, i) => v === x[i]),
      "every tie is a float",
    );
    const y = dev.zeros([4 * x.length], { dtype });
    kernel.enqueue({ grid: Math.ceil(x.length / 256), block: 256 }, dev.tensor(x), y, x.length);
    const out = new Uint16Array((await y.readRaw()).slice().buffer);
    for (const [i, { lower }] of pairs.entries()) {
      const even = lower + (lower & 1);
      const expected = [
        [even, lower, lower + 1, lower],
        [lower, lower, lower + 1, lower],
        [lower + 1, lower, lower + 1, lower],
        [even, lower, lower, lower + 1].map((b) => b | 0x8000),
      ];
      assert.deepEqual(
        Array.from(out.subarray(16 * i, 16 * i + 16)),
        expected.flat(),
        `after 0x${lower.toString(16)}`,
      );
    }
  });

  test(`${name}: each operation rounds once from the exact result`, async () => {
    const dev = await cpu();
    const kernel = await dev.compile(`#include <${header}>
      __global__ void ops(const ${type}* x, ${type}* y, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i >= n) return;
        ${type} a = x[3 * i], b = x[3 * i + 1], c = x[3 * i + 2], *o = y + 6 * i;
        o[0] = a + b; o[1] = a * b; o[2] = a / b; o[3] = __hfma(a, b, c); o[4] = __hmax(a, b); o[5] = hsqrt(__habs(a));
      }`);
    const n = 4096;
    const bits = Uint16Array.from(
      { length: 3 * n },
      (_, i) => (Math.imul(i + 1, 2654435761) >>> 12) & 0xffff,
    );
    // Fused products with a far smaller addend, where rounding twice would show.
    const unit = (2 ** (exponent - 1) - 1) << mantissa;
    bits.set([unit + 1, unit + (1 << (mantissa - 1)), 1, unit + 1, unit + (1 << (mantissa - 1)), 0x8001], 0);
    const y = dev.zeros([6 * n], { dtype });
    kernel.enqueue({ grid: 16, block: 256 }, dev.tensor(new Uint8Array(bits.buffer)).as(dtype), y, n);
    const out = new Uint16Array((await y.readRaw()).slice().buffer);
    const value = (b: number) => decode(b, exponent, mantissa);
    for (let i = 0; i < n; i++) {
      const [a, b, c] = [0, 1, 2].map((j) => value(bits[3 * i + j]!)) as [number, number, number];
      if (![a, b, c].every(Number.isFinite)) continue;
      const got = Array.from(out.subarray(6 * i, 6 * i + 6));
      assertRounded(got[0]!, ...twoSum(a, b), "a + b");
      assertRounded(got[1]!, a * b, 0, "a * b");
      if (b !== 0) assertRounded(got[2]!, a / b, 0, "a / b");
      const [sum, rest] = twoSum(a * b, c);
      assertRounded(got[3]!, sum, rest, "fma");
      assert.equal(value(got[4]!), Math.max(a, b));
      assertRounded(got[5]!, Math.sqrt(Math.abs(a)), 0, "sqrt");
    }

    /** Checks that `bits` is the nearest to exact + rest, ties to even. */
    function assertRounded(bitsGot: number, exact: number, rest: number, what: string): void {
      const infinity = (2 ** exponent - 1) << mantissa;
      const size = Math.abs(exact);
      const away = exact < 0 ? -rest : rest;
      const got = bitsGot & 0x7fff;
      if (!Number.isFinite(size)) {
        assert.equal(got, infinity, what);
        return;
      }
      const above = (value(Math.min(got, infinity - 1)) + nextOf(Math.min(got, infinity - 1))) / 2;
      const below =
        got === 0 ? -1 : (value(got - 1) + (got === infinity ? nextOf(infinity - 1) : value(got))) / 2;
      const compare = (limit: number) => (size === limit ? away : size - limit);
      const over = got === infinity ? -1 : compare(above);
      const under = got === 0 ? 1 : compare(below);
      assert.ok(over < 0 || (over === 0 && got % 2 === 0), `${what}: ${exact} became ${value(bitsGot)}`);
      assert.ok(under > 0 || (under === 0 && got % 2 === 0), `${what}: ${exact} became ${value(bitsGot)}`);
    }
    function nextOf(b: number): number {
      return b + 1 === (2 ** exponent - 1) << mantissa ? 2 ** (2 ** (exponent - 1)) : value(b + 1);
    }
  });
}

/** a + b as the rounded sum and what rounding left out. */
function twoSum(a: number, b: number): [number, number] {
  const sum = a + b;
  const shown = sum - a;
  return [sum, a - (sum - shown) + (b - shown)];
}

const fp8 = [
  { name: "e4m3", kind: "__NV_E4M3", exponent: 4, mantissa: 3, infinite: false },
  { name: "e5m2", kind: "__NV_E5M2", exponent: 5, mantissa: 2, infinite: true },
] as const;

for (const { name, kind, exponent, mantissa, infinite } of fp8) {
  test(`fp8 ${name}: all 256 patterns, every tie, saturation and its absence`, async () => {
    const dev = await cpu();
    const kernel = await dev.compile(`#include <cuda_fp8.h>
      __global__ void convert(const unsigned char* bits, const float* x, float* wide, unsigned char* sat,
                              unsigned char* nosat, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < 256) { __nv_fp8_${name} v; v.__x = bits[i]; wide[i] = float(v); }
        if (i < n) { sat[i] = __nv_fp8_${name}(x[i]).__x; nosat[i] = __nv_cvt_float_to_fp8(x[i], __NV_NOSAT, ${kind}); }
      }`);
    const pairs = neighbours(exponent, mantissa, infinite);
    const top = pairs.at(-1)!;
    const beyond = top.next + (top.next - top.value) / 2;
    const special = [
      beyond,
      Math.fround(beyond * (1 + 2 ** -20)),
      Number.POSITIVE_INFINITY,
      Number.NaN,
      -1e30,
      2 * beyond,
    ];
    const inputs = Float32Array.from([
      ...special,
      ...pairs.flatMap(({ value, next }) => [
        (value + next) / 2,
        value + (next - value) * 0.499,
        value + (next - value) * 0.501,
      ]),
    ]);
    const n = inputs.length;
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const wide = dev.zeros([256]);
    const [sat, nosat] = [dev.zeros([n], { dtype: "u8" }), dev.zeros([n], { dtype: "u8" })];
    kernel.enqueue(
      { grid: Math.ceil(n / 128) + 2, block: 128 },
      dev.tensor(bytes),
      dev.tensor(inputs),
      wide,
      sat,
      nosat,
      n,
    );
    const widened = await numbers(wide);
    for (const b of bytes)
      assert.ok(Object.is(widened[b], decode(b, exponent, mantissa, infinite)), `0x${b.toString(16)}`);

    const largest = top.lower + 1;
    const lost = infinite ? 0x7c : 0x7f;
    const [s, ns] = [await numbers(sat), await numbers(nosat)];
    // A tie with the first absent number goes to even: up to infinity in e5m2 (0x7b is odd), down in e4m3 (0x7e is even).
    assert.deepEqual(s.slice(0, 6), [largest, largest, largest, 0x7f, largest | 0x80, largest]);
    assert.deepEqual(ns.slice(0, 6), [infinite ? lost : largest, lost, lost, 0x7f, lost | 0x80, lost]);
    for (const [i, { lower }] of pairs.entries()) {
      const expected = [lower + (lower & 1), lower, lower + 1];
      assert.deepEqual(s.slice(6 + 3 * i, 9 + 3 * i), expected);
      assert.deepEqual(ns.slice(6 + 3 * i, 9 + 3 * i), expected);
    }
  });
}

test("half: comparisons, pairs, shuffles, atomics and integer conversions", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`#include <cuda_fp16.h>
    __global__ void misc(float* out, half* sum, half2* sum2) {
      int t = threadIdx.x;
      half nan = CUDART_NAN_FP16, one = 1.0f, two = __int2half_rn(2);
      half2 p = __floats2half2_rn(1.5f, -2.5f), q = __half2half2(two);
      if (t == 0) {
        float v[] = {
          float(one < two), float(nan < one), float(__hltu(nan, one)), float(nan != nan), float(__hisnan(nan)),
          float(__hmax(nan, one)), float(__hisnan(__hmax_nan(nan, one))), __low2float(p * q), __high2float(__hfma2(p, q, p)),
          float(__hbgt2(q, p)), float(__hgt2_mask(p, q)), float(__half2int_rn(__float2half(2.5f))),
          float(__half2int_rd(__high2half(p))), float(__half2short_rz(__float2half(60000.f))), float(__hadd_sat(two, one)),
          float(hexp(one)), __high2float(h2exp2(q)), float(__half_as_ushort(-one)), float(__ll2half_rz(2049)), float(__ll2half_ru(2049)),
          float(hrcp(two)), float(__lowhigh2highlow(p).x), float(half(70000.0f)), float(__hneg(two)),
        };
        for (int i = 0; i < 24; ++i) out[i] = v[i];
      }
      half x = float(t);
      out[32 + t] = float(__shfl_xor_sync(~0u, x, 3)) + 100.f * float(__shfl_down_sync(~0u, x, 1, 8));
      atomicAdd(sum, half(1.0f));
      atomicAdd(sum2, __floats2half2_rn(1.0f, 2.0f));
    }`);
  const out = dev.zeros([64]);
  const [sum, sum2] = [dev.zeros([1], { dtype: "f16" }), dev.zeros([2], { dtype: "f16" })];
  kernel.enqueue({ grid: 4, block: 32 }, out, sum, sum2);
  const got = await numbers(out);
  const e = 2.71875;
  assert.deepEqual(got.slice(0, 24), [
    1,
    0,
    1,
    1,
    1,
    1,
    1,
    3,
    -7.5,
    1,
    0,
    2,
    -3,
    32767,
    1,
    e,
    4,
    0xbc00,
    2048,
    2050,
    0.5,
    -2.5,
    Number.POSITIVE_INFINITY,
    -2,
  ]);
  for (let t = 0; t < 32; t++) assert.equal(got[32 + t], (t ^ 3) + 100 * (t % 8 === 7 ? t : t + 1));
  assert.deepEqual(await numbers(sum), [128]);
  assert.deepEqual(await numbers(sum2), [128, 256]);
});
