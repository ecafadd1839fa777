import assert from "node:assert/strict";
import { test } from "node:test";
import { loadAddon } from "kernel-lab/dist/backend/binding";
import { type DType, decode, dtypes } from "kernel-lab/dist/core/dtype";

const addon = loadAddon();
const normal = 0;
const uniform = 1;
const integers = 2;

interface Fill {
  count: number;
  seed?: bigint;
  distribution?: number;
  a?: number;
  b?: number;
  fraction?: number;
  scale?: number;
}

function bytes(dtype: DType, fill: Fill): Uint8Array {
  const { count, seed = 1n, distribution = normal, a = 0, b = 1, fraction = 0, scale = 1 } = fill;
  const code = dtypes[dtype].code;
  return new Uint8Array(addon.fillRandomHost(code, count, seed, distribution, a, b, fraction, scale));
}

const f64 = (fill: Fill): Float64Array => new Float64Array(bytes("f64", fill).buffer as ArrayBuffer);

// The generator again, word for word, in BigInt.
const mask = (1n << 64n) - 1n;
const golden = 0x9e3779b97f4a7c15n;
function mix(word: bigint): bigint {
  let z = word & mask;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
  return z ^ (z >> 31n);
}
const wordAt = (seed: bigint, i: number): bigint => mix(mix(seed + golden) + BigInt(i + 1) * golden);

test("uniform values are the generator's words to the last bit", () => {
  const seed = 0xfedcba9876543210n;
  const got = f64({ count: 500, seed, distribution: uniform, a: -2, b: 3 });
  for (let i = 0; i < 500; i++) assert.equal(got[i], -2 + 5 * (Number(wordAt(seed, i) >> 11n) * 2 ** -53));
});

test("integers cover [a, b) and are the words' high part", () => {
  const got = new Int32Array(
    bytes("i32", { count: 20_000, distribution: integers, a: -3, b: 7 }).buffer as ArrayBuffer,
  );
  for (let i = 0; i < 200; i++) assert.equal(got[i], -3 + Number((wordAt(1n, i) * 10n) >> 64n));
  const counts = new Map<number, number>();
  for (const value of got) counts.set(value, (counts.get(value) ?? 0) + 1);
  assert.deepEqual(
    [...counts.keys()].sort((x, y) => x - y),
    [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6],
  );
  for (const count of counts.values()) assert.ok(Math.abs(count - 2000) < 250, `${count}`);
});

test("the first values of a seed never change", () => {
  const values = [...f64({ count: 4, seed: 42n })].map((x) => x.toPrecision(17));
  assert.deepEqual(values, [
    "-0.40349536446955686",
    "1.7033288326736677",
    "-0.034223317738654883",
    "-1.4957616190988265",
  ]);
});

test("normal values have the moments and tails of the distribution", () => {
  const n = 1_000_000;
  const values = f64({ count: n, seed: 7n, a: 3, b: 2 });
  let m1 = 0;
  let m2 = 0;
  let m3 = 0;
  let m4 = 0;
  let beyond = 0;
  for (const value of values) {
    const z = (value - 3) / 2;
    m1 += z;
    m2 += z * z;
    m3 += z ** 3;
    m4 += z ** 4;
    if (Math.abs(z) > 3) beyond++;
  }
  assert.ok(Math.abs(m1 / n) < 0.004, `mean ${m1 / n}`);
  assert.ok(Math.abs(m2 / n - 1) < 0.006, `variance ${m2 / n}`);
  assert.ok(Math.abs(m3 / n) < 0.015, `skew ${m3 / n}`);
  assert.ok(Math.abs(m4 / n - 3) < 0.05, `kurtosis ${m4 / n}`);
  assert.ok(Math.abs(beyond / n - 0.0026998) < 0.0003, `beyond 3: ${beyond / n}`);
});

test("the normal quantile is accurate in the centre and in the tail", () => {
  // The word's uniform value goes back through the distribution function, integrated here by its series.
  const phi = (z: number): number => {
    let term = z;
    let sum = z;
    for (let k = 1; k < 400; k++) {
      term *= (z * z) / (2 * k + 1);
      sum += term;
    }
    return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
  };
  const values = f64({ count: 2000, seed: 11n });
  for (let i = 0; i < values.length; i++) {
    const p = (Number(wordAt(11n, i) >> 12n) + 0.5) * 2 ** -52;
    assert.ok(Math.abs(phi(values[i]!) - p) < 1e-14, `value ${i}: ${values[i]}`);
  }
});

test("a long fill, made by threads, equals its parts", () => {
  const long = f64({ count: 300_001, seed: 5n });
  const short = f64({ count: 1000, seed: 5n });
  assert.deepEqual(long.slice(0, 1000), short);
  for (const at of [65_536, 150_001, 300_000]) {
    const u = f64({ count: at + 1, seed: 5n, distribution: uniform });
    assert.equal(u[at], Number(wordAt(5n, at) >> 11n) * 2 ** -53);
  }
});

test("seeds differ, and a seed repeats", () => {
  assert.deepEqual(f64({ count: 100, seed: 3n }), f64({ count: 100, seed: 3n }));
  assert.notDeepEqual(f64({ count: 100, seed: 3n }), f64({ count: 100, seed: 4n }));
});

test("outliers scale the share of values asked for and leave the others", () => {
  const plain = f64({ count: 100_000, seed: 9n });
  const values = f64({ count: 100_000, seed: 9n, fraction: 0.01, scale: 50 });
  let outliers = 0;
  for (let i = 0; i < plain.length; i++) {
    if (values[i] === plain[i]) continue;
    assert.equal(values[i], plain[i]! * 50);
    outliers++;
  }
  assert.ok(Math.abs(outliers - 1000) < 150, `${outliers}`);
});

/** Every finite value of a narrow float with its bits, ascending. */
function ladder(dtype: DType): { value: number; bits: number }[] {
  const wide = dtypes[dtype].bytes === 2;
  const codes = Array.from({ length: wide ? 65536 : 256 }, (_, i) => i);
  const raw = wide ? new Uint8Array(Uint16Array.from(codes).buffer) : Uint8Array.from(codes);
  const decoded = wide ? decode(raw, dtype) : codes.map((code) => fp8(code, dtype));
  return codes
    .map((bits) => ({ value: Number(decoded[bits]), bits }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((x, y) => x.value - y.value);
}

function fp8(code: number, dtype: DType): number {
  const [mantissa, bias] = dtype === "e4m3" ? [3, 7] : [2, 15];
  const sign = code & 128 ? -1 : 1;
  const exponent = (code & 127) >> mantissa;
  const fraction = code & ((1 << mantissa) - 1);
  if (dtype === "e4m3" ? (code & 127) === 127 : exponent === 31) return Number.NaN;
  return exponent === 0
    ? sign * fraction * 2 ** (1 - bias - mantissa)
    : sign * (1 + fraction * 2 ** -mantissa) * 2 ** (exponent - bias);
}

for (const dtype of ["f16", "bf16", "e4m3", "e5m2"] as const) {
  test(`${dtype} fills round the float64 values to nearest, ties to even`, () => {
    const steps = ladder(dtype);
    // A wide range of sizes, subnormals and overflow among them: uniform values with huge and tiny scales.
    for (const b of [1e-9, 1e-6, 0.01, 1, 300, 60_000]) {
      const fill = { count: 3000, seed: 13n, distribution: uniform, a: -b, b };
      const exact = f64(fill);
      const raw = bytes(dtype, fill);
      const codes = dtypes[dtype].bytes === 2 ? new Uint16Array(raw.buffer as ArrayBuffer) : raw;
      for (let i = 0; i < exact.length; i++)
        assert.equal(codes[i], nearest(steps, exact[i]!, dtype), `${exact[i]} of scale ${b}`);
    }
  });
}

function nearest(steps: { value: number; bits: number }[], x: number, dtype: DType): number {
  const sign = x < 0 || Object.is(x, -0) ? (dtypes[dtype].bytes === 2 ? 0x8000 : 0x80) : 0;
  const magnitude = Math.abs(x);
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (steps[middle]!.value <= magnitude) low = middle;
    else high = middle - 1;
  }
  const positive = (at: number): number => steps[at]!.bits & (dtypes[dtype].bytes === 2 ? 0x7fff : 0x7f);
  if (low === steps.length - 1) return sign | positive(low);
  const below = magnitude - steps[low]!.value;
  const above = steps[low + 1]!.value - magnitude;
  if (below === above) return sign | (positive(low) % 2 === 0 ? positive(low) : positive(low + 1));
  return sign | positive(below < above ? low : low + 1);
}

test("f32 fills round as the host does, integer fills round to even and saturate", () => {
  const fill = { count: 5000, seed: 17n, a: 1, b: 100 };
  const exact = f64(fill);
  assert.deepEqual(new Float32Array(bytes("f32", fill).buffer as ArrayBuffer), Float32Array.from(exact));
  const even = (x: number): number => {
    const floor = Math.floor(x);
    return x - floor === 0.5 ? floor + (Math.abs(floor) % 2) : Math.round(x);
  };
  const clamped = (low: number, high: number): number[] =>
    Array.from(exact, (x) => Math.min(high, Math.max(low, even(x))) + 0);
  assert.deepEqual([...new Int8Array(bytes("i8", fill).buffer as ArrayBuffer)], clamped(-128, 127));
  assert.deepEqual([...bytes("u8", fill)], clamped(0, 255));
  assert.deepEqual(
    [...new Int32Array(bytes("i32", fill).buffer as ArrayBuffer)],
    clamped(-(2 ** 31), 2 ** 31 - 1),
  );
});
