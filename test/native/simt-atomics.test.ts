import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { fixture, ints, numbers, range } from "./simt";

const blocks = 40;
const threads = 256;
const total = blocks * threads;
let dev: lab.Device;
let unit: lab.Module;
before(async () => {
  dev = await lab.open("cpu", { workers: 2, timeLimit: 20 });
  unit = await fixture(dev, "atomics");
});
after(() => dev.close());

test("integer atomics lose nothing between blocks on two workers", async () => {
  const i = dev.tensor([0, 0, 0, -9999, -1, 0, 0, 0, 0], [9], "i32");
  const u = dev.tensor([0, 0, 0, 0xffffffff], [4], "u32");
  const l = dev.zeros([3], { dtype: "i64" });
  await unit.kernel("integers").launch({ grid: blocks, block: threads }, i, u, l);
  const xor = range(total, (t) => t).reduce((a, b) => a ^ b);
  const low31 = 0x7fffffff;
  assert.deepEqual(await ints(i), [
    total,
    -2 * total,
    -(total - 1),
    total - 5001,
    ~low31,
    low31,
    xor,
    total,
    total,
  ]);
  const decremented = (7 - (total % 7)) % 7;
  assert.deepEqual(Array.from((await u.read()) as Uint32Array), [
    total % 7,
    decremented,
    0x80000000 + total - 1,
    0x80000000 - total + 1,
  ]);
  assert.deepEqual(Array.from((await l.read()) as BigInt64Array), [
    BigInt(total) << 33n,
    (1n << 40n) + BigInt(total - 1),
    77n,
  ]);
});

test("floating atomics add every contribution", async () => {
  const f = dev.zeros([8]);
  const d = dev.zeros([1], { dtype: "f64" });
  await unit.kernel("floats").launch({ grid: blocks, block: threads }, f, d);
  assert.deepEqual(await numbers(f), [total, total / 2, 3.5, 0, blocks, 2 * blocks, 0, 0]);
  assert.deepEqual(await numbers(d), [total / 4]);
});

test("half and bfloat16 atomics", async () => {
  const h = dev.zeros([1], { dtype: "f16" });
  const b = dev.zeros([1], { dtype: "bf16" });
  const h2 = dev.zeros([2], { dtype: "f16" });
  await unit.kernel("halves").launch({ grid: 4, block: 32 }, h, b, h2);
  assert.deepEqual(await numbers(h), [128]);
  assert.deepEqual(await numbers(b), [128]);
  assert.deepEqual(await numbers(h2), [128, 256]);
});

test("loops of compare-and-swap, 16, 32 and 64 bits wide", async () => {
  const f = dev.full([1], -1);
  const s = dev.zeros([1], { dtype: "f16" });
  const l = dev.zeros([1], { dtype: "i64" });
  await unit.kernel("swaps").launch({ grid: blocks, block: threads }, f, s, l);
  assert.deepEqual(await numbers(f), [4095]);
  const bytes = new Uint8Array(await s.readRaw());
  assert.equal(bytes[0]! + 256 * bytes[1]!, total % 65536);
  assert.deepEqual(Array.from((await l.read()) as BigInt64Array), [BigInt(3 * total)]);
});

test("a histogram in shared memory, merged in global memory", async () => {
  const n = 50_001;
  const values = range(n, (i) => (i * 7919 * (i % 13)) % 64);
  const bins = dev.zeros([64], { dtype: "i32" });
  const x = dev.tensor(values, [n], "i32");
  await unit.kernel("histogram").launch({ grid: 13, block: 128 }, x, bins, n);
  const expected = range(64, (b) => values.filter((v) => v === b).length);
  assert.deepEqual(await ints(bins), expected);
});
