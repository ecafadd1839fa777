import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bfloatToFloat,
  decodeBfloat,
  decodeE4M3,
  decodeE5M2,
  decodeHalf,
  encodeBfloat,
  encodeE4M3,
  encodeE5M2,
  encodeHalf,
  floatToBfloat,
  floatToFp8,
  floatToHalf,
  fp8ToFloat,
  halfToFloat,
} from "kernel-lab/dist/core/float";

/** The code whose value is nearest; of two, the one with an even code. Slow and independent of the encoders. */
function nearest(value: number, codes: readonly { code: number; value: number }[]): number {
  let best = codes[0]!;
  for (const candidate of codes) {
    const closer = Math.abs(candidate.value - value) - Math.abs(best.value - value);
    if (closer < 0 || (closer === 0 && candidate.code % 2 === 0)) best = candidate;
  }
  return best.code;
}

const formats = [
  { name: "e4m3", decode: decodeE4M3, encode: encodeE4M3, max: 448 },
  { name: "e5m2", decode: decodeE5M2, encode: encodeE5M2, max: 57344 },
] as const;

for (const { name, decode, encode, max } of formats) {
  test(`${name} encodes every byte's value to that byte`, () => {
    for (let byte = 0; byte < 256; byte++) {
      const value = decode(byte);
      if (Number.isFinite(value)) assert.equal(encode(value), byte, `byte ${byte} is ${value}`);
    }
  });
  test(`${name} rounds to the nearest value, ties to even, and saturates`, () => {
    const codes = Array.from({ length: 128 }, (_, code) => ({ code, value: decode(code) })).filter((x) =>
      Number.isFinite(x.value),
    );
    for (let i = 0; i < codes.length - 1; i++) {
      for (const t of [0.25, 0.5, 0.75]) {
        const value = codes[i]!.value * (1 - t) + codes[i + 1]!.value * t;
        assert.equal(encode(value), nearest(value, codes), `${value}`);
        assert.equal(encode(-value), nearest(value, codes) | 0x80, `${-value}`);
      }
    }
    assert.equal(decode(encode(1e9)), max);
    assert.equal(decode(encode(Number.NEGATIVE_INFINITY)), -max);
    assert.ok(Number.isNaN(decode(encode(Number.NaN))));
  });
}

test("f16 encodes every finite bit pattern's value to that pattern", () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = decodeHalf(bits);
    if (!Number.isNaN(value)) assert.equal(encodeHalf(value), bits, `0x${bits.toString(16)} is ${value}`);
    else assert.ok(Number.isNaN(decodeHalf(encodeHalf(value))));
  }
});

test("f16 rounds midpoints to even and their neighbours to the nearer side", () => {
  const next = new Float32Array(1);
  const bits = new Uint32Array(next.buffer);
  for (let code = 0; code < 0x7bff; code += 7) {
    const middle = (decodeHalf(code) + decodeHalf(code + 1)) / 2;
    assert.equal(encodeHalf(middle), code % 2 === 0 ? code : code + 1, `${middle}`);
    next[0] = middle;
    bits[0]! += 1;
    assert.equal(encodeHalf(next[0]!), code + 1);
    bits[0]! -= 2;
    assert.equal(encodeHalf(next[0]!), code);
  }
  assert.equal(encodeHalf(65519.99), 0x7bff);
  assert.equal(encodeHalf(65520), 0x7c00);
  assert.equal(encodeHalf(1e-30), 0);
  assert.equal(encodeHalf(-1e-30), 0x8000);
});

test("bf16 round-trips every pattern and rounds ties to even", () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = decodeBfloat(bits);
    if (!Number.isNaN(value)) assert.equal(encodeBfloat(value), bits);
  }
  assert.equal(encodeBfloat(1 + 2 ** -8), 0x3f80);
  assert.equal(encodeBfloat(1 + 3 * 2 ** -8), 0x3f82);
  assert.ok(Number.isNaN(decodeBfloat(encodeBfloat(Number.NaN))));
  assert.equal(decodeBfloat(encodeBfloat(3.4e38)), Number.POSITIVE_INFINITY);
});

test("array conversions agree with the single ones", () => {
  const values = [0, -0, 1, -2.5, 1e-8, 65504, 7e4, Number.POSITIVE_INFINITY, 0.1];
  assert.deepEqual([...floatToHalf(values)], values.map(encodeHalf));
  assert.deepEqual([...floatToBfloat(values)], values.map(encodeBfloat));
  assert.deepEqual([...floatToFp8(values, "e4m3")], values.map(encodeE4M3));
  assert.deepEqual(
    [...halfToFloat(floatToHalf(values))],
    values.map((v) => decodeHalf(encodeHalf(v))),
  );
  assert.deepEqual(
    [...bfloatToFloat(floatToBfloat(values))],
    values.map((v) => decodeBfloat(encodeBfloat(v))),
  );
  assert.deepEqual(
    [...fp8ToFloat(floatToFp8(values, "e5m2"), "e5m2")],
    values.map((v) => decodeE5M2(encodeE5M2(v))),
  );
  assert.deepEqual([...floatToHalf(new Float32Array([9, 1, 2]).subarray(1))], [encodeHalf(1), encodeHalf(2)]);
});
