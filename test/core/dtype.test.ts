import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type DType, decode, dtypeInfo, dtypeOf, dtypes, encode } from "kernel-lab/dist/core/dtype";
import { LabError } from "kernel-lab/dist/core/error";
import { home } from "kernel-lab/dist/core/paths";

test("dtypes have the numbers of native/core/commands.h", () => {
  const header = readFileSync(join(home(), "native/core/commands.h"), "utf8");
  const line = header.match(/enum class DType[^{]*\{([^}]*)\}/)![1]!;
  const native = Object.fromEntries(
    [...line.matchAll(/k(\w+) = (\d+)/g)].map((m) => [m[1]!.toLowerCase(), Number(m[2])]),
  );
  assert.deepEqual(Object.fromEntries(Object.values(dtypes).map((d) => [d.name, d.code])), native);
});

test("encode() and decode() return what a dtype can hold", () => {
  const cases: [DType, (number | bigint)[]][] = [
    ["f32", [0.5, -1e30]],
    ["f16", [0.5, -2048]],
    ["bf16", [1, -256]],
    ["f64", [Math.PI]],
    ["i8", [-128, 127]],
    ["u8", [0, 255]],
    ["i32", [-(2 ** 31)]],
    ["u32", [2 ** 32 - 1]],
    ["i64", [-(2n ** 63n), 5n]],
  ];
  for (const [dtype, values] of cases) {
    const bytes = encode(values as number[], dtype);
    assert.equal(bytes.byteLength, values.length * dtypes[dtype].bytes);
    assert.deepEqual(
      Array.from(decode(bytes, dtype) as ArrayLike<number | bigint>),
      dtype === "f32" ? values.map((v) => Math.fround(Number(v))) : values,
    );
  }
});

test("encode() does not copy what is already in the dtype's storage", () => {
  const floats = new Float32Array([1, 2]);
  assert.equal(encode(floats, "f32").buffer, floats.buffer);
  const halves = new Uint16Array([0x3c00]);
  assert.deepEqual([...(decode(encode(halves, "f16"), "f16") as Float32Array)], [1]);
});

test("decode() reads bytes at an odd offset", () => {
  const bytes = new Uint8Array([0, 0, 0, 0x80, 0x3f]).subarray(1);
  assert.deepEqual([...(decode(bytes, "f32") as Float32Array)], [1]);
});

test("encode() refuses integers that do not fit", () => {
  for (const [value, dtype] of [
    [1.5, "i32"],
    [Number.NaN, "u8"],
    [-1, "u32"],
    [128, "i8"],
    [2 ** 60, "i64"],
  ] as const) {
    assert.throws(
      () => encode([value], dtype),
      (e) => LabError.is(e, "wrong-dtype"),
      `${value} as ${dtype}`,
    );
  }
});

test("dtypeOf() names the dtype of a typed array, dtypeInfo() refuses others", () => {
  assert.equal(dtypeOf([1, 2]), "f32");
  assert.equal(dtypeOf(new Int32Array(1)), "i32");
  assert.equal(dtypeOf([1n]), "i64");
  assert.throws(
    () => dtypeInfo("f8" as DType),
    (e) => LabError.is(e, "invalid-dtype") && /e4m3/.test(e.advice),
  );
});
