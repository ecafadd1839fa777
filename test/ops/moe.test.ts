import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { balanceByBias, balanceByGradient } from "kernel-lab/dist/ops/balanceTraining";
import { Moe } from "kernel-lab/dist/ops/moe";
import { checkMoe } from "kernel-lab/dist/ops/moeCheck";
import type { MoeConfig } from "kernel-lab/dist/ops/moeConfig";
import { zipfTokens } from "kernel-lab/dist/ops/text";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

const outliers = { fraction: 0.01, scale: 8 };
const small: MoeConfig = { dim: 40, hidden: 36, experts: 5, k: 2, dtype: "f32" };

const shapes: [string, MoeConfig, number][] = [
  ["odd sizes", small, 77],
  ["one token", small, 1],
  ["all experts chosen", { ...small, experts: 3, k: 3 }, 50],
  ["more experts than a warp has lanes", { ...small, experts: 37, k: 4 }, 300],
  ["rows no vector divides", { ...small, dim: 33, hidden: 17 }, 29],
];
for (const [what, config, tokens] of shapes) {
  for (const path of ["loop", "grouped"] as const) {
    test(`a MoE layer with ${what} is right by ${path}`, async () => {
      const moe = await Moe.create(dev, config);
      const x = dev.randn([tokens, config.dim], { seed: 5, outliers });
      const run = moe.bind(x);
      run.poison();
      await run.forward(path);
      const check = await checkMoe(run);
      assert.equal(check.mismatch, null);
      assert.ok(check.passed && check.compared > 0);
      for (const part of [run, moe, x]) part.free();
    });
  }
}

// More rows than a tile, experts without any, sizes that no tile divides, and fewer columns than a panel has.
for (const tensorCores of ["mma", "wgmma"] as const) {
  for (const [tokens, config] of [
    [70, { dim: 64, hidden: 48, experts: 3, k: 2, dtype: "bf16" }],
    [333, { dim: 72, hidden: 328, experts: 2, k: 1, dtype: "bf16" }],
    [1, { dim: 8, hidden: 16, experts: 5, k: 2, dtype: "bf16" }],
  ] as const) {
    test(`bf16 experts by ${tensorCores} are right for ${tokens} tokens of ${config.dim} to ${config.hidden}`, async () => {
      const moe = await Moe.create(dev, config, 1, { tensorCores });
      const run = moe.bind(dev.randn([tokens, config.dim], { seed: 5, outliers, dtype: "bf16" }));
      for (const path of ["loop", "grouped"] as const) {
        run.poison();
        await run.forward(path);
        const check = await checkMoe(run);
        assert.equal(check.mismatch, null, path);
        assert.ok(check.passed && check.compared > 0);
      }
      for (const part of [run, moe]) part.free();
    });
  }
}

test("a capacity drops the last rows of a full expert, and the output does without them", async () => {
  const moe = await Moe.create(dev, small);
  const run = moe.bind(dev.randn([64, small.dim], { seed: 6 }), { capacity: 10 });
  run.poison();
  await run.forward();
  const check = await checkMoe(run);
  assert.equal(check.mismatch, null);
  assert.ok(((await run.slot.read()) as Int32Array).includes(-1));
});

test("a step left out fails the check", async () => {
  const moe = await Moe.create(dev, small);
  const run = moe.bind(dev.randn([40, small.dim], { seed: 7 }));
  await run.forward();
  assert.equal((await checkMoe(run)).passed, true);
  run.poison();
  run.route();
  run.place();
  run.gather();
  run.combine();
  assert.equal((await checkMoe(run)).passed, false);
});

test("ties of equal logits go to the lower expert", async () => {
  const moe = await Moe.create(dev, small);
  moe.router.fill(0);
  const run = moe.bind(dev.randn([9, small.dim], { seed: 8 }));
  run.route();
  const chosen = (await run.expert.read()) as Int32Array;
  assert.ok(chosen.every((expert, i) => expert === i % 2));
});

for (const [what, balance, rate] of [
  ["the auxiliary loss", balanceByGradient, 2],
  ["the bias", balanceByBias, 0.1],
] as const) {
  test(`${what} brings the balance loss of Zipf tokens under 0.001`, async () => {
    const moe = await Moe.create(dev, { dim: 32, hidden: 16, experts: 8, k: 2, dtype: "f32" });
    const run = moe.bind(moe.embed(zipfTokens(512, 500), 500));
    const { history, reached } = await balance(run, { rate, steps: 200 });
    assert.ok(history[0]!.loss > 0.01, `it starts at ${history[0]!.loss}`);
    assert.ok(reached && Math.abs(history.at(-1)!.loss) < 0.001, `it ends at ${history.at(-1)!.loss}`);
  });
}

for (const [what, config] of [
  ["no experts", { ...small, experts: 0 }],
  ["more choices than experts", { ...small, k: 6 }],
  ["NaN", { ...small, dim: Number.NaN }],
] as const) {
  test(`Moe.create() refuses ${what}`, async () => {
    await assert.rejects(Moe.create(dev, config), (error: Error) => lab.LabError.is(error, "invalid-config"));
  });
}
