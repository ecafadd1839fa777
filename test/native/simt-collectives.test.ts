import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { fixture, ints, mask, numbers, range } from "./simt";

let dev: lab.Device;
let unit: lab.Module;
before(async () => {
  dev = await lab.open("cpu", { workers: 2, timeLimit: 20 });
  unit = await fixture(dev, "collectives");
});
after(() => dev.close());

async function run(name: string, outputs: number, threads = 32, grid = 1): Promise<number[]> {
  const out = dev.full([outputs], -1, { dtype: "i32" });
  await unit.kernel(name).launch({ grid, block: threads }, out);
  return ints(out);
}

test("shuffles deliver what CUDA's do, in two warps and with a width", async () => {
  const values = range(64, (i) => i * i - 50);
  const x = dev.tensor(values, [64], "i32");
  const out = dev.zeros([384], { dtype: "i32" });
  await unit.kernel("shuffles").launch({ grid: 1, block: 64 }, x, out);
  const from = (t: number, lane: number): number => values[(t & ~31) + lane]!;
  const expected = [
    ...range(64, (t) => from(t, 5)),
    ...range(64, (t) => from(t, t % 32 >= 3 ? (t % 32) - 3 : t % 32)),
    ...range(64, (t) => from(t, (t % 8) + 4 < 8 ? (t % 32) + 4 : t % 32)),
    ...range(64, (t) => from(t, (t % 32) ^ 16)),
    ...range(64, (t) => from(t, (t & 16) + ((t + 1) % 16))),
    ...range(64, (t) => from(t, t % 4 >= 2 ? (t % 32) - 2 : t % 32)),
  ];
  assert.deepEqual(await ints(out), expected);
});

test("shuffles carry 64 bits", async () => {
  const d = dev.tensor(
    range(32, (i) => i / 3),
    [32],
    "f64",
  );
  const l = dev.tensor(BigInt64Array.from(range(32, (i) => BigInt(i) << 40n)), [32], "i64");
  const f = dev.tensor(
    range(32, (i) => i + 0.5),
    [32],
    "f32",
  );
  await unit.kernel("wide").launch({ grid: 1, block: 32 }, d, l, f);
  assert.deepEqual(
    await numbers(d),
    range(32, (i) => (i ^ 1) / 3),
  );
  assert.deepEqual(
    Array.from((await l.read()) as BigInt64Array),
    range(32, (i) => BigInt(i < 31 ? i + 1 : 31) << 40n),
  );
  assert.deepEqual(
    await numbers(f),
    range(32, (i) => 31 - i + 0.5),
  );
});

test("diverged groups of one warp meet among themselves, out of step", async () => {
  const lanes = range(32, (i) => i);
  const rounds = (bit: number, times: number, member: (i: number) => boolean): void => {
    for (let i = 0; i < times; i++) {
      const before = [...lanes];
      for (let t = 0; t < 32; t++) if (member(t)) lanes[t] = before[t]! + before[t ^ bit]!;
    }
  };
  rounds(2, 7, (t) => t % 2 === 0);
  rounds(4, 3, (t) => t % 4 === 1);
  const sum = range(8, (i) => 4 * i + 3).reduce((a, b) => a + b);
  const expected = lanes.map((v, t) => (t % 4 === 3 ? sum : v) + 9000);
  assert.deepEqual(await run("diverged", 32), expected);
});

test("votes and matches", async () => {
  const expected = [
    ...range(32, () => mask((t) => t % 3 === 0)),
    ...range(32, () => 10),
    ...range(32, () => 10),
    ...range(32, (t) => mask((other) => other % 4 === t % 4)),
    ...range(32, () => -1 + 1),
    ...range(32, () => 0),
  ];
  assert.deepEqual(await run("votes", 192), expected);
});

test("reductions, signed and unsigned", async () => {
  const values = range(32, (i) => ((i * 2654435761) % 1000) - 400);
  const x = dev.tensor(values, [32], "i32");
  const out = dev.zeros([224], { dtype: "i32" });
  await unit.kernel("reductions").launch({ grid: 1, block: 32 }, x, out);
  const folds = [
    values.reduce((a, b) => a + b),
    Math.min(...values),
    Math.max(...values),
    values.reduce((a, b) => a & b),
    values.reduce((a, b) => a | b),
    values.reduce((a, b) => a ^ b),
    values.map((v) => v >>> 0).reduce((a, b) => Math.max(a, b)) | 0,
  ];
  assert.deepEqual(
    await ints(out),
    folds.flatMap((value) => range(32, () => value)),
  );
});

test("exited lanes are not waited for and show nothing", async () => {
  const out = await run("exited", 64);
  assert.deepEqual(
    out.slice(0, 20),
    range(20, () => mask((t) => t < 20)),
  );
  assert.deepEqual(
    out.slice(32, 52),
    range(20, () => 100),
  );
});

test("__activemask() groups the lanes that are at the same place", async () => {
  const out = await run("active", 64);
  assert.deepEqual(
    out.slice(0, 32),
    range(32, (t) => mask((other) => other < 12 === t < 12)),
  );
  assert.deepEqual(
    out.slice(32),
    range(32, () => -1),
  );
});

test("warp-aggregated atomics by __activemask() keep every element once", async () => {
  const n = 1024;
  const values = range(n, (i) => ((i * 7919) % 5) - 2);
  const x = dev.tensor(values, [n], "i32");
  const count = dev.zeros([1], { dtype: "i32" });
  const place = dev.full([n], -1, { dtype: "i32" });
  await unit.kernel("aggregated").launch({ grid: 8, block: 128 }, x, count, place);
  const kept = range(n, (i) => i).filter((i) => values[i]! > 0);
  assert.deepEqual(await ints(count), [kept.length]);
  const placed = (await ints(place)).slice(0, kept.length).sort((a, b) => a - b);
  assert.deepEqual(placed, kept);
});

test("a warp that the block does not fill", async () => {
  const out = await run("partial", 10, 10);
  assert.deepEqual(
    out.slice(0, 9),
    range(9, (t) => 1023 + t + 1),
  );
});
