import assert from "node:assert/strict";
import { test } from "node:test";
import { cpu, numbers } from "./coverage-support";

const interesting = [
  0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x1234, 0x8000, 0xffff, 0x10000, 0x12345678, 0x7fffffff, 0x80000000,
  0x80808080, 0x7f7f7f7f, 0xdeadbeef, 0xfffffffe, 0xffffffff,
];
const pairs = interesting.flatMap((a) => interesting.map((b) => [a, b] as const));

/** Runs `expression` of unsigned a, b on every pair and gives its 32-bit results. */
async function evaluate(expressions: readonly string[]): Promise<number[][]> {
  const dev = await cpu();
  const kernel = await dev.compile(`
    __global__ void f(const unsigned* x, unsigned* y, int n) {
      int i = blockIdx.x * blockDim.x + threadIdx.x;
      if (i >= n) return;
      unsigned a = x[2 * i], b = x[2 * i + 1];
      unsigned* o = y + ${expressions.length} * i;
      ${expressions.map((e, j) => `o[${j}] = (unsigned)(${e});`).join("\n")}
    }`);
  const y = dev.zeros([pairs.length, expressions.length], { dtype: "u32" });
  kernel.enqueue(
    { grid: Math.ceil(pairs.length / 64), block: 64 },
    dev.tensor(Uint32Array.from(pairs.flat())),
    y,
    pairs.length,
  );
  const all = await numbers(y);
  return pairs.map((_, i) => all.slice(i * expressions.length, (i + 1) * expressions.length));
}

const signed = (v: number) => v | 0;
const big = (v: number) => BigInt(v);
const low = (v: bigint) => Number(BigInt.asUintN(32, v));
const bits = (v: number) => (v >>> 0).toString(2).padStart(32, "0");
const byte = (v: number, i: number) => (v >>> (8 * i)) & 255;
const sbyte = (v: number, i: number) => (byte(v, i) << 24) >> 24;

type Reference = (a: number, b: number) => number;

/** Packs four 8-bit lanes. */
const lanes4 =
  (f: (i: number, a: number, b: number) => number): Reference =>
  (a, b) =>
    [0, 1, 2, 3].reduce((word, i) => (word | ((f(i, a, b) & 255) << (8 * i))) >>> 0, 0);
const lanes2 =
  (f: (x: number, y: number) => number, sign: boolean): Reference =>
  (a, b) =>
    [0, 16].reduce((word, at) => {
      const lane = (v: number) => (sign ? ((v >>> at) << 16) >> 16 : (v >>> at) & 0xffff);
      return (word | ((f(lane(a), lane(b)) & 0xffff) << at)) >>> 0;
    }, 0);
const clamp = (v: number, from: number, to: number) => Math.max(from, Math.min(to, v));

const table: [string, Reference][] = [
  ["__popc(a)", (a) => bits(a).split("1").length - 1],
  ["__clz(a)", (a) => Math.clz32(a)],
  ["__ffs(a)", (a) => (a === 0 ? 0 : 32 - Math.clz32(a & -a))],
  ["__brev(a)", (a) => Number.parseInt([...bits(a)].reverse().join(""), 2)],
  ["__popcll(((unsigned long long)a << 32) | b)", (a, b) => (bits(a) + bits(b)).split("1").length - 1],
  ["__clzll(((unsigned long long)a << 32) | b)", (a, b) => (a === 0 ? 32 + Math.clz32(b) : Math.clz32(a))],
  ["__ffsll((long long)b << 32)", (_, b) => (b === 0 ? 0 : 64 - Math.clz32(b & -b))],
  [
    "__byte_perm(a, b, 0x5140)",
    (a, b) => (byte(a, 0) | (byte(b, 0) << 8) | (byte(a, 1) << 16) | (byte(b, 1) << 24)) >>> 0,
  ],
  [
    "__byte_perm(a, b, 0x0fb3)",
    (a, b) =>
      (byte(a, 3) |
        ((byte(a, 3) & 128 ? 255 : 0) << 8) |
        ((byte(b, 3) & 128 ? 255 : 0) << 16) |
        (byte(a, 0) << 24)) >>>
      0,
  ],
  ["__funnelshift_l(a, b, 9)", (a, b) => ((b << 9) | (a >>> 23)) >>> 0],
  ["__funnelshift_r(a, b, 41)", (a, b) => ((a >>> 9) | (b << 23)) >>> 0],
  ["__funnelshift_lc(a, b, 40)", (a) => a],
  ["__funnelshift_rc(a, b, 32)", (_, b) => b],
  ["__mulhi((int)a, (int)b)", (a, b) => low((big(signed(a)) * big(signed(b))) >> 32n)],
  ["__umulhi(a, b)", (a, b) => low((big(a) * big(b)) >> 32n)],
  [
    "__umul64hi((unsigned long long)a << 32, (unsigned long long)b << 16)",
    (a, b) => low((big(a) * big(b)) >> 16n),
  ],
  [
    "__mul64hi((long long)(int)a << 32, (long long)(int)b << 16)",
    (a, b) => low((big(signed(a)) * big(signed(b))) >> 16n),
  ],
  ["__mul24(a, b)", (a, b) => low(big((a << 8) >> 8) * big((b << 8) >> 8))],
  ["__umul24(a, b)", (a, b) => low(big(a & 0xffffff) * big(b & 0xffffff))],
  ["__sad((int)a, (int)b, 7u)", (a, b) => (Math.abs(signed(a) - signed(b)) + 7) >>> 0],
  ["__usad(a, b, 7u)", (a, b) => (Math.abs(a - b) + 7) >>> 0],
  ["__hadd((int)a, (int)b)", (a, b) => Math.floor((signed(a) + signed(b)) / 2) >>> 0],
  ["__rhadd((int)a, (int)b)", (a, b) => Math.floor((signed(a) + signed(b) + 1) / 2) >>> 0],
  ["__uhadd(a, b)", (a, b) => Math.floor((a + b) / 2)],
  ["__urhadd(a, b)", (a, b) => Math.floor((a + b + 1) / 2)],
  [
    "__dp4a((int)a, (int)b, -5)",
    (a, b) => [0, 1, 2, 3].reduce((s, i) => s + sbyte(a, i) * sbyte(b, i), -5) >>> 0,
  ],
  ["__dp4a(a, b, 5u)", (a, b) => [0, 1, 2, 3].reduce((s, i) => s + byte(a, i) * byte(b, i), 5) >>> 0],
  [
    "__dp2a_hi((int)a, (int)b, 1)",
    (a, b) => (((a << 16) >> 16) * sbyte(b, 2) + (signed(a) >> 16) * sbyte(b, 3) + 1) >>> 0,
  ],
  ["__vadd4(a, b)", lanes4((i, a, b) => byte(a, i) + byte(b, i))],
  ["__vsub4(a, b)", lanes4((i, a, b) => byte(a, i) - byte(b, i))],
  ["__vaddus4(a, b)", lanes4((i, a, b) => Math.min(255, byte(a, i) + byte(b, i)))],
  ["__vsubss4(a, b)", lanes4((i, a, b) => clamp(sbyte(a, i) - sbyte(b, i), -128, 127))],
  ["__vmaxs4(a, b)", lanes4((i, a, b) => Math.max(sbyte(a, i), sbyte(b, i)))],
  ["__vcmpgtu4(a, b)", lanes4((i, a, b) => (byte(a, i) > byte(b, i) ? 255 : 0))],
  ["__vavgu4(a, b)", lanes4((i, a, b) => (byte(a, i) + byte(b, i) + 1) >> 1)],
  ["__vsadu4(a, b)", (a, b) => [0, 1, 2, 3].reduce((s, i) => s + Math.abs(byte(a, i) - byte(b, i)), 0)],
  ["__vaddss2(a, b)", lanes2((x, y) => clamp(x + y, -32768, 32767), true)],
  ["__vminu2(a, b)", lanes2((x, y) => Math.min(x, y), false)],
  ["__vseteq2(a, b)", lanes2((x, y) => (x === y ? 1 : 0), false)],
  ["max((int)a, (int)b)", (a, b) => Math.max(signed(a), signed(b)) >>> 0],
  ["min(a, b)", (a, b) => Math.min(a, b)],
];

test("integer intrinsics agree with their definitions on every pair of hard values", async () => {
  const results = await evaluate(table.map(([expression]) => expression));
  for (const [i, [a, b]] of pairs.entries()) {
    for (const [j, [expression, reference]] of table.entries()) {
      assert.equal(results[i]![j], reference(a, b), `${expression} of a = ${a}, b = ${b}`);
    }
  }
});

/** Evaluates float or double expressions of x on every input. */
async function floats(
  type: "float" | "double",
  expressions: readonly string[],
  inputs: readonly number[],
): Promise<number[][]> {
  const dev = await cpu();
  const kernel = await dev.compile(`
    __global__ void f(const ${type}* in, double* out, int n) {
      int i = threadIdx.x;
      if (i >= n) return;
      ${type} x = in[i];
      double* o = out + ${expressions.length} * i;
      ${expressions.map((e, j) => `o[${j}] = ${e};`).join("\n")}
    }`);
  const dtype = type === "float" ? "f32" : "f64";
  const out = dev.zeros([inputs.length, expressions.length], { dtype: "f64" });
  kernel.enqueue({ grid: 1, block: 1024 }, dev.tensor(inputs, [inputs.length], dtype), out, inputs.length);
  const all = await numbers(out);
  return inputs.map((_, i) => all.slice(i * expressions.length, (i + 1) * expressions.length));
}

test("float to integer conversions round, saturate and take NaN as the manual says", async () => {
  const f = Math.fround;
  const inputs = [
    0.5,
    1.5,
    2.5,
    -0.5,
    -1.5,
    -2.5,
    2147483648,
    -2147483648,
    -3e9,
    5e9,
    1e20,
    -1e20,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    16777217,
  ].map(f);
  const even = (v: number) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
  const rounding: [string, (v: number) => number][] = [
    ["rn", even],
    ["rz", Math.trunc],
    ["ru", Math.ceil],
    ["rd", Math.floor],
  ];
  const targets: [string, number, number, number][] = [
    ["int", -(2 ** 31), 2 ** 31 - 1, 0],
    ["uint", 0, 2 ** 32 - 1, 0],
    ["ll", -(2 ** 63), 2 ** 63, -(2 ** 63)],
    ["ull", 0, 2 ** 64, 2 ** 63],
  ];
  const cases = targets.flatMap((t) => rounding.map((r) => [t, r] as const));
  const results = await floats(
    "float",
    cases.map(([[t], [r]]) => `__float2${t}_${r}(x)`),
    inputs,
  );
  for (const [i, x] of inputs.entries()) {
    for (const [j, [[name, from, to, nan], [mode, round]]] of cases.entries()) {
      const expected = Number.isNaN(x) ? nan : clamp(round(x), from, to) + 0;
      assert.equal(results[i]![j], expected, `__float2${name}_${mode}(${x})`);
    }
  }
  const [nan] = await floats(
    "double",
    ["__double2int_rz(x)", "__double2uint_rz(x)", "__double2ll_rn(x)"],
    [Number.NaN],
  );
  assert.deepEqual(nan, [-(2 ** 31), 2 ** 31, -(2 ** 63)]);
});

test("directed roundings bracket the exact value by one step", async () => {
  const inputs = [1 / 3, 0.1, 2, 7, 1e-30, 123.456, 3].map(Math.fround);
  const names = [
    "__frcp_X(x)",
    "__fsqrt_X(x)",
    "__fadd_X(x, 1e-9f)",
    "__fmul_X(x, 1.1f)",
    "__fdiv_X(x, 3.0f)",
    "__fmaf_X(x, x, 1e-8f)",
    "__fsub_X(x, 0.3f)",
  ];
  const exact: ((x: number) => number)[] = [
    (x) => 1 / x,
    Math.sqrt,
    (x) => x + Math.fround(1e-9),
    (x) => x * Math.fround(1.1),
    (x) => x / 3,
    (x) => x * x + Math.fround(1e-8),
    (x) => x - Math.fround(0.3),
  ];
  const modes = ["rn", "rz", "ru", "rd"];
  const results = await floats(
    "float",
    names.flatMap((n) => modes.map((m) => n.replace("X", m))),
    inputs,
  );
  for (const [i, x] of inputs.entries()) {
    for (const [j, f] of exact.entries()) {
      const [rn, rz, ru, rd] = results[i]!.slice(4 * j, 4 * j + 4) as [number, number, number, number];
      const value = f(x);
      assert.equal(rn, Math.fround(value), names[j]);
      assert.ok(rd <= value && value <= ru, `${names[j]}(${x}): ${rd} <= ${value} <= ${ru}`);
      assert.equal(rz, value < 0 ? ru : rd);
      if (Math.fround(value) !== value) assert.ok(ru > rd && (rn === ru || rn === rd), `${names[j]}(${x})`);
    }
  }
  const [converted] = await floats(
    "float",
    [
      "__int2float_ru(16777217)",
      "__int2float_rd(16777217)",
      "__int2float_rn(16777219)",
      "__double2float_rd(0.1)",
      "__ull2float_rz(0xffffffffffffffffull)",
    ],
    [0],
  );
  assert.deepEqual(converted, [16777218, 16777216, 16777220, Math.fround(0.1) - 2 ** -27, 2 ** 64 - 2 ** 40]);
});

test("mathematical functions, their float forms and the fast ones", async () => {
  const inputs = [-2.75, -1, -0.3, 0, 0.25, 0.5, 0.9, 1, 2.5, 6];
  const table: [string, (x: number) => number][] = [
    ["rsqrtf(fabsf(x) + 1)", (x) => 1 / Math.sqrt(Math.abs(x) + 1)],
    ["exp10f(x)", (x) => 10 ** x],
    ["exp2f(x)", (x) => 2 ** x],
    ["__expf(x)", Math.exp],
    ["__logf(x + 3)", (x) => Math.log(x + 3)],
    ["__sinf(x) + __cosf(x)", (x) => Math.sin(x) + Math.cos(x)],
    ["__powf(x + 3, 1.5f)", (x) => (x + 3) ** 1.5],
    ["__fdividef(x, 4.f)", (x) => x / 4],
    ["__saturatef(x)", (x) => clamp(x, 0, 1)],
    ["sinpif(x)", (x) => Math.sin(Math.PI * x)],
    ["cospif(x)", (x) => Math.cos(Math.PI * x)],
    ["normcdff(x)", (x) => 0.5 * (1 + erf(x / Math.SQRT2))],
    ["erfinvf(erff(x * 0.3f))", (x) => 0.3 * x],
    ["normcdfinvf(normcdff(x * 0.5f))", (x) => 0.5 * x],
    ["erfcxf(fabsf(x))", (x) => Math.exp(x * x) * (1 - erf(Math.abs(x)))],
    ["tanhf(x)", Math.tanh],
    ["norm3df(x, 2, 3)", (x) => Math.hypot(x, 2, 3)],
    ["rnorm4df(x, 1, 2, 3)", (x) => 1 / Math.hypot(x, 1, 2, 3)],
    ["rcbrtf(x * x + 1)", (x) => 1 / Math.cbrt(x * x + 1)],
    ["rhypotf(x, 2)", (x) => 1 / Math.hypot(x, 2)],
    ["ldexpf(x, 3)", (x) => 8 * x],
    ["fmaf(x, x, x)", (x) => x * x + x],
    ['fmaxf(x, nanf(""))', (x) => x],
    ['fminf(nanf(""), x)', (x) => x],
    ["max(x, 0.5f) + min(x, 0.5f)", (x) => x + 0.5],
    ["__frsqrt_rn(x * x + 1)", (x) => 1 / Math.sqrt(x * x + 1)],
    ["cyl_bessel_i0f(1.0f) + 0 * x", () => 1.2660658777520084],
    ["float(isnan(x / 0.0f - x / 0.0f) != 0)", () => 1],
    ["float(isinf((x + 10) / 0.0f) != 0)", () => 1],
    ["lgammaf(fabsf(x) + 4) - lgammaf(fabsf(x) + 3)", (x) => Math.log(Math.abs(x) + 3)],
    ["__int_as_float(__float_as_int(x))", (x) => x],
    ["float(__hiloint2double(__double2hiint(x), __double2loint(x)))", (x) => x],
  ];
  const results = await floats(
    "float",
    table.map(([e]) => e),
    inputs.map(Math.fround),
  );
  for (const [i, x] of inputs.map(Math.fround).entries()) {
    for (const [j, [expression, reference]] of table.entries()) {
      const expected = reference(x);
      // erfcx through 1 - erf loses digits here, not there; the others are float's own.
      const tolerance = expression.startsWith("erfcx") && Math.abs(x) > 2 ? 1 : 4e-6;
      const miss = Math.abs(results[i]![j]! - expected);
      assert.ok(
        miss <= tolerance * Math.max(1, Math.abs(expected)),
        `${expression} of ${x}: ${results[i]![j]}, not ${expected}`,
      );
    }
  }
});

/** erf by its series and, further out, by its continued fraction. */
function erf(x: number): number {
  if (x < 0) return -erf(-x);
  if (x < 3) {
    let [sum, term] = [x, x];
    for (let n = 1; n < 100; n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let tail = 0;
  for (let k = 60; k > 0; k--) tail = (0.5 * k) / (x + tail);
  return 1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * (x + tail));
}

test("vector types have CUDA's sizes and alignments", async () => {
  const expected: Record<string, [number, number]> = {
    char1: [1, 1],
    char2: [2, 2],
    char3: [3, 1],
    uchar4: [4, 4],
    short2: [4, 4],
    ushort3: [6, 2],
    short4: [8, 8],
    int2: [8, 8],
    int3: [12, 4],
    uint4: [16, 16],
    float1: [4, 4],
    float2: [8, 8],
    float3: [12, 4],
    float4: [16, 16],
    longlong2: [16, 16],
    ulonglong3: [24, 8],
    double2: [16, 16],
    double3: [24, 8],
    double4: [32, 16],
    double4_32a: [32, 32],
    long4: [32, 16],
    dim3: [12, 4],
  };
  const dev = await cpu();
  const kernel = await dev.compile(`__global__ void sizes(int* out) {
    ${Object.keys(expected)
      .map((t, i) => `out[${2 * i}] = sizeof(${t}); out[${2 * i + 1}] = alignof(${t});`)
      .join("\n")}
    float4 v = make_float4(1, 2, 3, 4);
    dim3 d(7);
    out[63] = int(v.w) + int(make_uchar2(5, 6).y) + d.x + d.y + d.z;
  }`);
  const out = dev.zeros([64], { dtype: "i32" });
  kernel.enqueue({ grid: 1, block: 1 }, out);
  const got = await numbers(out);
  for (const [i, [name, layout]] of Object.entries(expected).entries()) {
    assert.deepEqual(got.slice(2 * i, 2 * i + 2), layout, name);
  }
  assert.equal(got[63], 19);
});
