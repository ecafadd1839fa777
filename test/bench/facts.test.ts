import assert from "node:assert/strict";
import { test } from "node:test";
import { physicalFloor, type Roof, ratesOf } from "kernel-lab/dist/bench/roofline";
import { pointsOf } from "kernel-lab/dist/bench/sweep";
import { LabError } from "kernel-lab/dist/core/error";

const roof: Roof = {
  bandwidth: 4e12,
  bandwidthSource: "measured copy",
  hardBandwidth: 4.8e12,
  peak: 64e12,
  peakSource: "peak",
};

test("ratesOf() takes the higher of the two floors", () => {
  const memory = ratesOf(2e-3, 4e9, 1e9, roof).roofline!;
  assert.equal(memory.bound, "memory");
  assert.ok(Math.abs(memory.share - 0.5) < 1e-12);
  const compute = ratesOf(2e-3, 4e6, 64e9, roof).roofline!;
  assert.equal(compute.bound, "compute");
  assert.ok(Math.abs(compute.share - 0.5) < 1e-12);
});

test("ratesOf() claims no share where compute may limit and its peak is unknown", () => {
  const unknown = { ...roof, peak: null };
  assert.equal(ratesOf(1, 1e6, 1e9, unknown).roofline, null);
  assert.equal(ratesOf(1, 1e9, 1e9, unknown).roofline?.bound, "memory");
  assert.equal(ratesOf(1, null, null, roof).roofline, null);
});

test("physicalFloor() counts bytes only where the cache cannot hold them", () => {
  assert.equal(physicalFloor(1e6, null, roof, 5e7), null);
  assert.equal(physicalFloor(4.8e12, null, roof, 5e7), 1);
  assert.equal(physicalFloor(1e6, 64e12, roof, 5e7), 1);
});

test("pointsOf() answers every combination once and refuses an empty axis", () => {
  const points = pointsOf({ a: [1, 2], b: ["x", "y", "z"] });
  assert.equal(points.length, 6);
  assert.deepEqual(points[1], { a: 1, b: "y" });
  assert.throws(
    () => pointsOf({ a: [] }),
    (e) => LabError.is(e, "bad-options"),
  );
});
