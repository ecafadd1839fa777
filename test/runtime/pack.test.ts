import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "kernel-lab/dist/backend/connection";
import { LabError } from "kernel-lab/dist/core/error";
import { ArgumentPacker, type KernelArg } from "kernel-lab/dist/runtime/pack";
import { SourceReader } from "kernel-lab/dist/runtime/signature";

const nowhere = {} as Connection;

function packer(params: string, before = ""): ArgumentPacker {
  return new ArgumentPacker(new SourceReader(`${before}\n__global__ void k(${params}) {}`).signature("k"));
}

function view(of: ArgumentPacker, ...args: KernelArg[]): DataView {
  of.pack(args, nowhere);
  return new DataView(of.bytes.buffer);
}

test("numbers are packed in their parameter's type and place", () => {
  const bytes = view(
    packer("float a, double b, int c, unsigned d, long long e, half f, bool g, char h"),
    1.5,
    2.5,
    -3,
    4e9,
    -5n,
    0.5,
    true,
    -7,
  );
  assert.equal(bytes.getFloat32(0, true), 1.5);
  assert.equal(bytes.getFloat64(8, true), 2.5);
  assert.equal(bytes.getInt32(16, true), -3);
  assert.equal(bytes.getUint32(20, true), 4e9);
  assert.equal(bytes.getBigInt64(24, true), -5n);
  assert.equal(bytes.getUint16(32, true), 0x3800);
  assert.equal(bytes.getUint8(34), 1);
  assert.equal(bytes.getInt8(35), -7);
});

test("structs, vectors and arrays are packed field by field", () => {
  const of = packer("P p, float4 v", "struct P { int n; float2 s; int a[2]; const float* x; };");
  const bytes = view(of, { n: 1, s: [2, 3], a: [4, 5], x: null }, { x: 6, y: 7, z: 8, w: 9 });
  assert.deepEqual(
    [bytes.getInt32(0, true), bytes.getFloat32(8, true), bytes.getFloat32(12, true)],
    [1, 2, 3],
  );
  assert.deepEqual(
    [bytes.getInt32(16, true), bytes.getInt32(20, true), bytes.getBigUint64(24, true)],
    [4, 5, 0n],
  );
  assert.deepEqual(
    [0, 4, 8, 12].map((i) => bytes.getFloat32(32 + i, true)),
    [6, 7, 8, 9],
  );
});

test("a wrong count names what is expected", () => {
  const source = 'extern "C" __global__ void saxpy(float a, const float* x, float* y, int n) {}';
  const saxpy = new ArgumentPacker(new SourceReader(source).signature("saxpy"));
  assert.throws(
    () => saxpy.pack([1, null, null], nowhere),
    (e) =>
      LabError.is(e, "wrong-argument-count") &&
      e.what === "saxpy expects 4 arguments (float a, const float* x, float* y, int n) but received 3.",
  );
});

const wrong: [string, KernelArg, RegExp][] = [
  ["int n", 1.5, /integer.*1\.5/],
  ["int n", Number.NaN, /NaN/],
  ["int n", 2 ** 31, /integer from -2147483648/],
  ["unsigned n", -1, /integer from 0/],
  ["unsigned long long n", -1n, /fits/],
  ["size_t n", 2 ** 60 + 2 ** 8, /bigint beyond/],
  ["long n", true, /integer/],
  ["char n", 128, /-128 to 127/],
  ["float x", "1" as unknown as number, /number \(float\).*string "1"/],
  ["float x", undefined as unknown as number, /undefined/],
  ["bool x", 2, /true or false/],
  ["const float* x", 5, /tensor \(or null\).*number 5/],
  ["const float* x", [1, 2], /array of 2/],
  ["S s", { a: 1 }, /s\.b/],
  ["S s", { a: 1, b: 2, c: 3 }, /s\.c .*absent \(S has a, b\)/],
  ["S s", 3, /object with a, b/],
  ["const CUtensorMap m", null, /lab\.tensorMap/],
];
for (const [param, value, message] of wrong) {
  test(`${param} refuses ${typeof value === "bigint" ? value : JSON.stringify(value)}`, () => {
    const of = packer(param, "struct S { int a; float b; };");
    assert.throws(
      () => of.pack([value], nowhere),
      (e) => LabError.is(e, "wrong-argument-type") && message.test(e.what),
    );
  });
}
