import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { source } from "./kernels";

let dev: lab.Device;
let report: lab.LensReport;
before(async () => {
  dev = await lab.open("cpu", { workers: 1 });
  const kernels = await dev.compileModule(source, { fileName: "kernels.cu" });
  report = await lab.lens(
    kernels.kernel("halves"),
    { grid: 1, block: 256 },
    dev.zeros([256]),
    dev.zeros([512]),
  );
});
after(() => dev.close());

test("the annotated source tells requests, their ideal, lanes and splits beside each line", () => {
  const text = lab.lensText(report);
  const line = text.split("\n").find((row) => row.includes("if (i % 32 < 16)"))!;
  assert.match(line, /8 ld: 2, 8 st: 2 .* 16; 8 of 8 split .* 128 fadd/);
  assert.match(text, /Branches: 8 of warps, 8 split one/);
  assert.equal(lab.showLens(report), text);
  const html = lab.lensHtml(report);
  assert.match(html, /if \(i % 32 &#60; 16\)/);
  assert.doesNotMatch(html, /<script|https?:/);
});

test("a launch of low intensity is bound by memory, at the bandwidth the data sheet tells", () => {
  const place = lab.lensRoofline(report, "H200")!;
  assert.equal(place.bound, "memory");
  assert.equal(place.attainable, place.intensity * 4.8e12);
  assert.equal(place.intensity, report.summary.intensity);
  for (const gpu of ["H100", "A100", "A10", "RTX 3090", "RTX 4090"]) assert.ok(lab.lensRoofline(report, gpu));
  assert.throws(
    () => lab.lensRoofline(report, "Voodoo 2"),
    (error: lab.LabError) => error.code === "no-such-gpu",
  );
  const summary = {
    ...report.summary,
    flops: { fp32: 0, fp64: 0, fp16: 0 },
    tensor: { bf16: 1e12 },
    bytesMoved: 1e6,
  };
  const tensor = lab.lensRoofline({ ...report, summary }, "H200")!;
  assert.equal(tensor.bound, "compute");
  assert.ok(Math.abs(tensor.attainable / 989.5e12 - 1) < 1e-12);
});
