import assert from "node:assert/strict";
import { test } from "node:test";
import { gpuFacts, unitOf } from "kernel-lab/dist/bench/gpus";
import { physicalFloor, type Roof, ratesOf } from "kernel-lab/dist/bench/roofline";
import { pointsOf } from "kernel-lab/dist/bench/sweep";
import { LabError } from "kernel-lab/dist/core/error";

test("gpuFacts() knows GPUs by the names drivers give them", () => {
  const names: [string, string | undefined][] = [
    ["NVIDIA H200", "NVIDIA H200"],
    ["NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3"],
    ["NVIDIA A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB"],
    ["NVIDIA A100-SXM4-40GB", "NVIDIA A100-SXM4-40GB"],
    ["NVIDIA A10", "NVIDIA A10"],
    ["NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 3090"],
    ["NVIDIA GeForce RTX 4090", "NVIDIA GeForce RTX 4090"],
    ["NVIDIA A1000", undefined],
    ["Intel(R) Xeon(R)", undefined],
  ];
  for (const [given, expected] of names) assert.equal(gpuFacts(given)?.name, expected, given);
});

test("unitOf() sends narrow types to the tensor cores", () => {
  assert.deepEqual(["f32", "f16", "bf16", "e4m3", "f64"].map(unitOf), [
    "fp32",
    "fp16",
    "bf16",
    "fp8",
    "fp64",
  ]);
});

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
