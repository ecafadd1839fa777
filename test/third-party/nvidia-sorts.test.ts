import assert from "node:assert/strict";
import { test } from "node:test";
import type * as lab from "kernel-lab";
import { Bench, values } from "./support";

// Sorts, scans and counts of NVIDIA's CUDA samples 11.8, from their own files; the launches are their host programs'.

const bench = new Bench("nvidia");
const skip = bench.skip;
const concepts = "2_Concepts_and_Techniques";

/** Keys with repeats, and each key's place as its value. */
function keysAndPlaces(count: number): { keys: lab.Tensor; places: lab.Tensor; given: number[] } {
  const given = Array.from({ length: count }, (_, i) => (Math.imul(i + 7, 2654435761) >>> 0) % 5003);
  const keys = bench.device.tensor(Uint32Array.from(given));
  return { keys, places: bench.device.tensor(Uint32Array.from(given.keys())), given };
}

/** Every run of `length` keys in order, with the places they came from. */
function assertSorted(given: readonly number[], keys: number[], places: number[], length: number): void {
  for (let from = 0; from < given.length; from += length) {
    const expected = given.slice(from, from + length).sort((a, b) => a - b);
    assert.deepEqual(keys.slice(from, from + length), expected);
  }
  assert.deepEqual(
    places.map((place) => given[place]),
    keys,
  );
  assert.equal(new Set(places).size, given.length);
}

for (const length of [64, 1024, 8192]) {
  test(`sortingNetworks: bitonic sort of arrays of ${length}`, { skip }, async () => {
    const count = 16384;
    const module = await bench.module(`${concepts}/sortingNetworks/bitonicSort.cu`);
    const { keys, places, given } = keysAndPlaces(count);
    const arrays = [keys, places] as const;
    const config = { grid: count / 1024, block: 512 };
    if (length <= 1024) {
      await module.kernel("bitonicSortShared").launch(config, ...arrays, ...arrays, length, 1);
    } else {
      await module.kernel("bitonicSortShared1").launch(config, ...arrays, ...arrays);
      for (let size = 2048; size <= length; size *= 2) {
        let stride = size / 2;
        for (; stride >= 1024; stride /= 2) {
          const wide = { grid: count / 512, block: 256 };
          const merge = module.kernel("bitonicMergeGlobal");
          await merge.launch(wide, ...arrays, ...arrays, length, size, stride, 1);
        }
        await module.kernel("bitonicMergeShared").launch(config, ...arrays, ...arrays, length, size, 1);
      }
    }
    assertSorted(given, await values(keys), await values(places), length);
  });

  test(`sortingNetworks: odd-even merge sort of arrays of ${length}`, { skip }, async () => {
    const count = 16384;
    const module = await bench.module(`${concepts}/sortingNetworks/oddEvenMergeSort.cu`);
    const { keys, places, given } = keysAndPlaces(count);
    const arrays = [keys, places] as const;
    const sort = module.kernel("oddEvenMergeSortShared");
    await sort.launch({ grid: count / 1024, block: 512 }, ...arrays, ...arrays, Math.min(length, 1024), 1);
    const merge = module.kernel("oddEvenMergeGlobal");
    for (let size = 2048; size <= length; size *= 2) {
      for (let stride = size / 2; stride >= 1; stride /= 2) {
        const wide = { grid: count / 512, block: 256 };
        await merge.launch(wide, ...arrays, ...arrays, length, size, stride, 1);
      }
    }
    assertSorted(given, await values(keys), await values(places), length);
  });
}

test("mergeSort: a stable sort of three runs of unequal length", { skip }, async () => {
  const count = 3072 + 1024;
  const stride = 128;
  const names = [
    "mergeSortSharedKernel<1U>",
    "generateSampleRanksKernel<1U>",
    "mergeElementaryIntervalsKernel<1U>",
  ];
  const file = "0_Introduction/mergeSort/mergeSort.cu";
  const module = await bench.module(file, { names: [...names, "mergeRanksAndIndicesKernel"] });
  const { keys, places, given } = keysAndPlaces(count);
  const { device } = bench;
  const u32 = (): lab.Tensor => device.zeros([count], { dtype: "u32" });
  let [from, to] = [
    [keys, places],
    [u32(), u32()],
  ] as [lab.Tensor[], lab.Tensor[]];
  const [ranksA, ranksB, limitsA, limitsB] = [u32(), u32(), u32(), u32()];
  await module
    .kernel(names[0])
    .launch({ grid: count / 1024, block: 512 }, to[0]!, to[1]!, from[0]!, from[1]!, 1024);
  [from, to] = [to, from];
  for (let run = 1024; run < count; run *= 2) {
    const last = count % (2 * run);
    const threads = (last > run ? count + 2 * run - last : count - last) / (2 * stride);
    const grid = Math.ceil(threads / 256);
    await module.kernel(names[1]).launch({ grid, block: 256 }, ranksA, ranksB, from[0]!, run, count, threads);
    const ranks = module.kernel("mergeRanksAndIndicesKernel");
    await ranks.launch({ grid, block: 256 }, limitsA, ranksA, run, count, threads);
    await ranks.launch({ grid, block: 256 }, limitsB, ranksB, run, count, threads);
    const pairs = last > run ? Math.ceil(count / stride) : (count - last) / stride;
    const merge = module.kernel(names[2]);
    await merge.launch({ grid: pairs, block: stride }, ...to, ...from, limitsA, limitsB, run, count);
    [from, to] = [to, from];
  }
  const sorted = await values(from[0]!);
  assertSorted(given, sorted, await values(from[1]!), count);
  const order = await values(from[1]!);
  for (let i = 1; i < count; i++) {
    if (sorted[i] === sorted[i - 1]) assert.ok(order[i]! > order[i - 1]!, `stable at ${i}`);
  }
});

test("scan: exclusive scans of arrays of 4096, in three kernels", { skip }, async () => {
  const [batch, length] = [3, 4096];
  const module = await bench.module(`${concepts}/scan/scan.cu`);
  const { device } = bench;
  const given = Array.from({ length: batch * length }, (_, i) => (i * 37) % 11);
  const source = device.tensor(Uint32Array.from(given));
  const target = device.zeros([batch * length], { dtype: "u32" });
  const sums = device.zeros([256], { dtype: "u32" });
  const blocks = (batch * length) / 1024;
  await module.kernel("scanExclusiveShared").launch({ grid: blocks, block: 256 }, target, source, 1024);
  const between = module.kernel("scanExclusiveShared2");
  await between.launch({ grid: 1, block: 256 }, sums, target, source, blocks, length / 1024);
  await module.kernel("uniformUpdate").launch({ grid: blocks, block: 256 }, target, sums);
  let sum = 0;
  const expected = given.map((value, i) => {
    if (i % length === 0) sum = 0;
    sum += value;
    return sum - value;
  });
  assert.deepEqual(await values(target), expected);
});

test("shfl_scan: an inclusive scan by shuffles", { skip }, async () => {
  const count = 2048;
  const module = await bench.module(`${concepts}/shfl_scan/shfl_scan.cu`, {
    names: ["shfl_scan_test", "uniform_add"],
  });
  const given = Array.from({ length: count }, (_, i) => (i * 7) % 13);
  const data = bench.device.tensor(Int32Array.from(given));
  const parts = bench.device.zeros([256], { dtype: "i32" });
  const nothing = bench.device.zeros([256], { dtype: "i32" });
  const scan = module.kernel("shfl_scan_test");
  await scan.launch({ grid: 8, block: 256, shared: 32 }, data, 32, parts);
  await scan.launch({ grid: 1, block: 256, shared: 32 }, parts, 32, nothing);
  const rest = data.slice(256, count);
  await module.kernel("uniform_add").launch({ grid: 7, block: 256 }, rest, parts, count - 256);
  let sum = 0;
  assert.deepEqual(
    await values(data),
    given.map((value) => (sum += value)),
  );
});

for (const bins of [64, 256]) {
  test(`histogram: ${bins} bins of ${bins === 64 ? 40000 : 30007 * 4} bytes`, { skip }, async () => {
    const bytes = Uint8Array.from(
      { length: bins === 64 ? 40000 : 30007 * 4 },
      (_, i) => (i * i * 31 + i) % 251,
    );
    const file = `${concepts}/histogram/histogram${bins}.cu`;
    const [count, merge] = [`histogram${bins}Kernel`, `mergeHistogram${bins}Kernel`];
    const module = await bench.module(file);
    const { device } = bench;
    const data = device.tensor(bytes).as("u32");
    const parts = bins === 64 ? Math.ceil(bytes.length / (64 * 240)) : 24;
    const partial = device.zeros([parts * bins], { dtype: "u32" });
    const words = bytes.length / (bins === 64 ? 16 : 4);
    await module.kernel(count).launch({ grid: parts, block: bins === 64 ? 64 : 192 }, partial, data, words);
    const result = device.zeros([bins], { dtype: "u32" });
    await module.kernel(merge).launch({ grid: bins, block: 256 }, result, partial, parts);
    const expected = new Array<number>(bins).fill(0);
    for (const byte of bytes) expected[bins === 64 ? byte >> 2 : byte]!++;
    assert.deepEqual(await values(result), expected);
  });
}

test("warpAggregatedAtomicsCG: the positive values, each once", { skip }, async () => {
  const given = Array.from({ length: 3001 }, (_, i) => ((i * 7919) % 2003) - 900);
  const filter = await bench.kernel(
    "3_CUDA_Features/warpAggregatedAtomicsCG/warpAggregatedAtomicsCG.cu",
    "filter_arr",
  );
  const { device } = bench;
  const kept = device.zeros([given.length], { dtype: "i32" });
  const count = device.zeros([1], { dtype: "i32" });
  await filter.launch(
    { grid: 5, block: 200 },
    kept,
    count,
    device.tensor(Int32Array.from(given)),
    given.length,
  );
  const expected = given.filter((value) => value > 0).sort((a, b) => a - b);
  const [number] = await values(count);
  assert.equal(number, expected.length);
  const found = (await values(kept)).slice(0, number);
  assert.deepEqual(
    found.sort((a, b) => a - b),
    expected,
  );
});

test("binaryPartitionCG: odds counted, odds and evens summed", { skip }, async () => {
  const given = Array.from({ length: 5000 }, (_, i) => (i * 31) % 97);
  const kernel = await bench.kernel(
    "3_CUDA_Features/binaryPartitionCG/binaryPartitionCG.cu",
    "oddEvenCountAndSumCG",
  );
  const { device } = bench;
  const odds = device.zeros([1], { dtype: "i32" });
  const sums = device.zeros([2], { dtype: "i32" });
  await kernel.launch(
    { grid: 3, block: 256 },
    device.tensor(Int32Array.from(given)),
    odds,
    sums,
    given.length,
  );
  const odd = given.filter((value) => value % 2 === 1);
  const sum = (list: number[]): number => list.reduce((a, b) => a + b, 0);
  assert.deepEqual(await values(odds), [odd.length]);
  assert.deepEqual(await values(sums), [sum(odd), sum(given) - sum(odd)]);
});

test("simpleVoteIntrinsics: any and all over a warp", { skip }, async () => {
  const module = await bench.module("0_Introduction/simpleVoteIntrinsics/simpleVoteIntrinsics.cu", {
    names: ["VoteAnyKernel1", "VoteAllKernel2", "VoteAnyKernel3"],
  });
  const { device } = bench;
  const given = Uint32Array.from({ length: 128 }, (_, i) => (i < 32 ? 0 : i < 64 ? 1 : i < 96 ? i % 2 : 9));
  const input = device.tensor(given);
  for (const [name, expected] of [
    ["VoteAnyKernel1", [0, 1, 1, 1]],
    ["VoteAllKernel2", [0, 1, 0, 1]],
  ] as const) {
    const result = device.full([128], 7, { dtype: "u32" });
    await module.kernel(name).launch({ grid: 1, block: 128 }, input, result, 128);
    const perWarp = expected.flatMap((vote) => new Array<number>(32).fill(vote));
    assert.deepEqual(await values(result), perWarp, name);
  }
  const info = device.zeros([96 * 3], { dtype: "u8" });
  await module.kernel("VoteAnyKernel3").launch({ grid: 1, block: 96 }, info, 32);
  const flags = await values(info);
  for (let t = 0; t < 96; t++) {
    assert.deepEqual(flags.slice(3 * t, 3 * t + 3), [t >= 32, t >= 48, t >= 64].map(Number), `thread ${t}`);
  }
});
