import assert from "node:assert/strict";
import { test } from "node:test";
import { allGpus, gpuFacts, unitOf } from "kernel-lab/dist/targets/gpus";

test("gpuFacts() knows GPUs by the names drivers give them", () => {
  const names: [string, string | undefined][] = [
    ["NVIDIA H200", "NVIDIA H200"],
    ["NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3"],
    ["NVIDIA H100 PCIe", "NVIDIA H100 PCIe"],
    ["NVIDIA A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB"],
    ["NVIDIA A100 80GB PCIe", "NVIDIA A100 80GB PCIe"],
    ["NVIDIA A100 80GB", "NVIDIA A100-SXM4-80GB"],
    ["NVIDIA GH200 480GB", undefined],
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

test("allGpus() gives every chip of the seeds an fp16 peak, a bandwidth, and clocks that rise", () => {
  const names = allGpus().map((gpu) => gpu.name);
  for (const chip of ["H100", "A100-SXM4-80GB", "A10", "RTX 4090", "RTX 3090"]) {
    assert.ok(
      names.some((name) => name.includes(chip)),
      chip,
    );
  }
  for (const gpu of allGpus()) {
    assert.ok(gpu.flops.fp16! > gpu.flops.fp32!, gpu.name);
    assert.ok(gpu.clock.max >= gpu.clock.boost, gpu.name);
    assert.ok(gpu.bandwidth > 1e11 && gpu.bandwidth < 1e13, gpu.name);
  }
});
