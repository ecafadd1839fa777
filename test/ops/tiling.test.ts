import assert from "node:assert/strict";
import { test } from "node:test";
import { tileCost, tileGrid, tileNeeds, tileResources } from "kernel-lab/dist/ops/tiling";
import { h200 } from "../kernels/instances";

const usual = { BM: 128, BN: 128, BK: 8, TM: 8, TN: 8 };

test("tileCost() counts threads, shared memory, registers and loads", () => {
  assert.deepEqual(tileCost("04_register", usual), {
    threads: 256,
    sharedBytes: 8192,
    registers: 80,
    loadsPerFma: 0.25,
  });
  assert.equal(tileCost("06_pipelined", { ...usual, STAGES: 4 }).sharedBytes, 4 * 8 * 260 * 4);
});

test("tileNeeds() accepts the usual tiles", () => {
  assert.equal(tileNeeds("05_vector", h200, usual, 4096), null);
  const tuned = { BM: 128, BN: 256, BK: 8, TM: 8, TN: 16, STAGES: 4, ALIGNED: true };
  assert.equal(tileNeeds("06_pipelined", h200, tuned, 4096), null);
});

const broken: [string, Record<string, number>, RegExp][] = [
  ["a fraction", { ...usual, BM: 64.5 }, /BM is 64.5/],
  ["a missing value", { BM: 64, BN: 64, BK: 8, TM: 8 }, /TN is NaN/],
  ["a tile the threads do not divide", { ...usual, BM: 100 }, /BM 100 is no multiple of TM 8/],
  ["too many threads", { ...usual, TM: 4, TN: 2 }, /2048 threads/],
  ["half a warp", { BM: 16, BN: 16, BK: 8, TM: 4, TN: 4 }, /no whole number of warps/],
  ["too many accumulators", { BM: 256, BN: 256, BK: 8, TM: 16, TN: 16 }, /do not fit in 255 registers/],
  ["too much shared memory", { ...usual, BK: 64 }, /bytes of shared memory/],
  ["narrow threads", { BM: 64, BN: 64, BK: 8, TM: 2, TN: 8 }, /multiples of 4/],
];
for (const [what, parameters, reason] of broken) {
  test(`tileNeeds() refuses ${what}, with the rule`, () => {
    assert.match(tileNeeds("05_vector", h200, parameters, 4096) ?? "accepted", reason);
  });
}

test("tileGrid() lists every combination once", () => {
  const grid = tileGrid("05_vector", h200, 4096, { BM: [64, 128], BN: [64], BK: [8], TM: [3, 8], TN: [8] });
  assert.equal(grid.length, 4);
  assert.equal(grid.filter((point) => point.reason === null).length, 2);
});

test("tileResources() counts the blocks of an H200's multiprocessor", () => {
  // 80 + 24 registers = 104: 8 warps x 3,328 registers = 26,624 a block, two blocks of 65,536.
  const usualTile = tileResources("05_vector", usual);
  assert.deepEqual([usualTile.registers, usualTile.occupancy, usualTile.limitedBy], [104, 0.25, "registers"]);
  const deep = tileResources("06_pipelined", { BM: 64, BN: 64, BK: 32, TM: 4, TN: 4, STAGES: 4 });
  assert.equal(deep.limitedBy, "shared memory");
});
