import assert from "node:assert/strict";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { hopperSource } from "./hopper-cases";

test("the lens sees a wgmma kernel without the CPU device's own work: no hazards, no products counted as the threads'", async () => {
  const device = await lab.open("cpu");
  const kernel = await device.compile(hopperSource("attention"), {
    name: "attention",
    fileName: "attention.cu",
  });
  const [q, k, v] = [1, 2, 3].map((seed) => device.randn([128, 64], { dtype: "f16", seed }));
  const map = (tensor: lab.Tensor) => lab.tensorMap(tensor, { box: [128, 64], swizzle: 128 });
  const out = device.full([128, 64], Number.NaN);
  const config = { grid: 1, block: 384, shared: 81920, lens: { hazards: true, keep: true } };
  const report = await lab.lens(kernel, config, map(q!), map(k!), map(v!), out, 128, Math.LOG2E / 8);
  assert.ok(report.hazards, "hazards were looked for");
  assert.doesNotMatch(JSON.stringify(report.hazards), /"kind"/);
  // 128 x 128 x 64 twice is two million multiply-adds on the tensor cores; the softmax's are far fewer.
  const fused = report.totals["smsp__sass_thread_inst_executed_op_ffma_pred_on.sum"]!;
  assert.ok(fused > 10_000 && fused < 300_000, `${fused} fused multiply-adds`);
  assert.ok(((await out.read()) as Float32Array).every(Number.isFinite));
  await device.close();
});
