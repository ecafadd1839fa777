import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import * as matmul from "kernel-lab/dist/ops/matmul";
import { Moe } from "kernel-lab/dist/ops/moe";
import * as patterns from "kernel-lab/dist/ops/patterns";
import * as softmax from "kernel-lab/dist/ops/softmax";
import { checkVariant, type OpCase, type Variant } from "kernel-lab/dist/ops/variant";
import { coverageSource } from "../native/coverage-support";
import { type Launched, launchesOf } from "./launches";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu", { workers: 1 });
});
after(() => dev.close());

/** Every launch is clean, without so much as a note, in natural order and in a random one. */
async function assertClean(launches: readonly Launched[]): Promise<void> {
  assert.ok(launches.length > 0);
  for (const { kernel, config, args } of launches) {
    const found = await lab.explore(kernel, config, args, { schedules: 1, seed: 11 });
    assert.deepEqual(found.hazards, [], `${kernel.name}: ${found.text}`);
    assert.ok(found.clean, `${kernel.name}: ${found.text}`);
  }
}

function clean<Case extends OpCase>(variants: readonly Variant<Case>[], cases: readonly Case[]): void {
  for (const variant of variants) {
    test(`no false alarm: ${variant.id}`, async () => {
      await assertClean(await launchesOf(() => checkVariant(dev, variant, cases)));
    });
  }
}
clean(softmax.variants, softmax.checkCases("f32"));
clean(matmul.variants, matmul.checkCases());
clean(patterns.variants, patterns.checkCases());

test("no false alarm: a layer of experts, forward by both paths", async () => {
  const moe = await Moe.create(dev, { dim: 40, hidden: 36, experts: 5, k: 2, dtype: "f32" });
  const run = moe.bind(dev.randn([33, 40], { seed: 5 }));
  run.poison();
  await assertClean(
    await launchesOf(async () => {
      for (const path of ["loop", "grouped"] as const) await run.forward(path);
    }),
  );
});

test("no false alarm: pipelines of asynchronous copies, by primitives, cuda::pipeline and cuda::barrier", async () => {
  const names = ["gemmPrimitives<16, 3, false>", "gemmPipeline<16, 2>", "producerConsumer", "barrierCopy"];
  const unit = await dev.compileModule(coverageSource("async_gemm.cu"), { fileName: "async_gemm.cu", names });
  const n = 32;
  const square = (): lab.Tensor => dev.randn([n, n]);
  const gemm = { grid: [2, 2], block: [16, 16] };
  const numbers = dev.arange([64], { dtype: "i32" });
  await assertClean([
    { kernel: unit.kernel(names[0]!), config: gemm, args: [square(), square(), square(), n, n] },
    { kernel: unit.kernel(names[1]!), config: gemm, args: [square(), square(), square(), n, n] },
    {
      kernel: unit.kernel("producerConsumer"),
      config: { grid: 1, block: 64, shared: 2 * 16 * 4 },
      args: [numbers, dev.zeros([64], { dtype: "i32" }), 4, 16],
    },
  ]);
});

test("a wait that was forgotten is found, where the mended pipeline is clean", async () => {
  const name = "gemmPrimitives<16, 3, true>";
  const unit = await dev.compileModule(coverageSource("async_gemm.cu"), {
    fileName: "async_gemm.cu",
    names: [name],
  });
  const [a, b, c] = [dev.randn([32, 32]), dev.randn([32, 32]), dev.zeros([32, 32])];
  const report = await lab.lens(
    unit.kernel(name),
    { grid: [2, 2], block: [16, 16], lens: { hazards: true } },
    ...[a, b, c, 32, 32],
  );
  assert.equal(report.hazards!.clean, false);
  const lines = coverageSource("async_gemm.cu").split("\n");
  for (const { acts, kind } of report.hazards!.hazards) {
    assert.equal(kind, "uninitialised");
    assert.match(lines[acts[0]!.line!.line - 1]!, /sum \+= As/);
  }
});
