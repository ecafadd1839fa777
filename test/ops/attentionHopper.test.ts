import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { watchLaunch } from "kernel-lab/dist/lens/watch";
import * as attention from "kernel-lab/dist/ops/attention";
import { checkVariant, type Parameters, prepare } from "kernel-lab/dist/ops/variant";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

const rungs = [8, 9, 10, 11, 12, 14, 15].map((number) => attention.variant(number));

async function failures(
  variant: (typeof rungs)[number],
  cases: attention.AttentionCase[],
  parameters?: Parameters,
): Promise<string[]> {
  const results = await checkVariant(dev, variant, cases, parameters ? { parameters } : {});
  return results
    .filter((result) => result.status !== "passed")
    .map(({ case: name, detail }) => `${name}: ${detail}`);
}

for (const variant of rungs) {
  test(`${variant.id}: every head dim, tiles that are cut off, rows without a key`, async () => {
    const cases = [
      attention.makeCase({ heads: 4, keyHeads: 2, queries: 200, keys: 300, headDim: 64, causal: true }),
      attention.makeCase({ batch: 2, heads: 2, queries: 77, keys: 1, headDim: 64, layout: "bshd" }),
      attention.makeCase({ heads: 3, queries: 333, keys: 100, headDim: 128, causal: true, dtype: "bf16" }),
      attention.makeCase({ heads: 2, queries: 130, keys: 333, headDim: 128, magnitude: 6 }),
      attention.makeCase({ heads: 1, queries: 17, keys: 200, headDim: 256, causal: true }),
    ];
    assert.deepEqual(await failures(variant, cases), []);
  });
}

test("other tiles are right too: one warpgroup, three, more stages, a single tile of queries, no turns", async () => {
  const c = attention.makeCase({ batch: 2, heads: 3, queries: 150, keys: 170, headDim: 64, causal: true });
  assert.deepEqual(await failures(attention.variant(8), [c], { WARPGROUPS: 1, BN: 96 }), []);
  assert.deepEqual(await failures(attention.variant(9), [c], { WARPGROUPS: 1, BN: 48, STAGES: 3 }), []);
  assert.deepEqual(await failures(attention.variant(10), [c], { WARPGROUPS: 3, BN: 64, STAGES: 3 }), []);
  assert.deepEqual(await failures(attention.variant(11), [c], { WARPGROUPS: 1, BN: 32, STAGES: 4 }), []);
  const single = { WARPGROUPS: 2, BN: 80, STAGES: 2, QUERY_STAGES: 1, TURNS: false };
  assert.deepEqual(await failures(attention.variant(12), [c], single), []);
  assert.deepEqual(await failures(attention.variant(14), [c], { ...single, STAGES: 3 }), []);
  assert.deepEqual(await failures(attention.variant(15), [c], { ...single, UPWARD: false }), []);
});

for (const number of [11, 12, 14, 15]) {
  test(`${number}: a second launch finds the counter as the first did, and gives the same bits`, async () => {
    const c = attention.makeCase({ heads: 5, queries: 300, headDim: 64, causal: true });
    const prepared = await prepare(dev, attention.variant(number), c);
    const { out, counter } = prepared.tensors;
    prepared.run();
    const first = await out!.readRaw();
    prepared.run();
    assert.deepEqual(await out!.readRaw(), first);
    assert.deepEqual([...((await counter!.read()) as Int32Array)], [0]);
    prepared.free();
  });
}

for (const variant of rungs) {
  test(`${variant.id}: no hazards`, async () => {
    const c = attention.makeCase({ heads: 3, queries: 140, keys: 150, headDim: 64, causal: true });
    const prepared = await prepare(dev, variant, c);
    const [launch] = prepared.launches;
    const { report } = await watchLaunch(launch!.kernel, launch!.config, launch!.args);
    assert.equal(report.ended, null);
    assert.deepEqual(
      report.hazards.map((hazard) => hazard.message),
      [],
    );
    prepared.free();
  });
}

test("15 takes the keys upward too: with and without a mask, cut-off tiles, rows without a key, another order's base", async () => {
  const c = (sizes: Partial<attention.AttentionSizes>) =>
    attention.makeCase({ heads: 2, queries: 150, keys: 170, headDim: 64, causal: true, ...sizes });
  const cases = [
    c({}),
    c({ causal: false }),
    c({ queries: 300, keys: 100 }),
    c({ queries: 5, keys: 333, magnitude: 6 }),
  ];
  const upward = { WARPGROUPS: 2, BN: 64, STAGES: 2, QUERY_STAGES: 2, TURNS: true, UPWARD: true };
  assert.deepEqual(await failures(attention.variant(15), cases, upward), []);
  assert.deepEqual(
    await failures(attention.variant(15), [c({ headDim: 128, dtype: "bf16" })], {
      ...upward,
      QUERY_STAGES: 1,
    }),
    [],
  );
});

test("a base that stays is right where maxima creep, leap and fall from one tile of keys to the next", async () => {
  const c = attention.makeCase({ heads: 1, queries: 70, keys: 640, headDim: 64 });
  const noise = (salt: number) => (_: unknown, i: number) => Math.fround(Math.sin(i * 12.9898 + salt));
  const q = Float32Array.from({ length: c.queries * c.headDim }, noise(1));
  const v = Float32Array.from({ length: c.keys * c.headDim }, noise(3));
  // By the factor of each 128 keys, the first tiles to be seen last: below the slack of 2^8, and far beyond it.
  for (const factors of [
    [3, 2.5, 2, 1.5, 1],
    [0.1, 60, 0.1, 30, 0.1],
    [0.5, 1, 2, 4, 8],
  ]) {
    const k = Float32Array.from(
      { length: c.keys * c.headDim },
      (_, i) => noise(2)(_, i) * factors[Math.floor(i / c.headDim / 128)]!,
    );
    for (const number of [14, 15]) {
      const variant = attention.variant(number);
      const problem = await variant.problem(dev, c);
      const tensors = problem.tensors as Record<"q" | "k" | "v", lab.Tensor>;
      await Promise.all([tensors.q.write(q), tensors.k.write(k), tensors.v.write(v)]);
      const prepared = await prepare(dev, variant, c, { problem, parameters: { BN: 64 } });
      prepared.run();
      const [out, keys, values, rows] = await Promise.all(
        [prepared.tensors.out!, tensors.k, tensors.v, tensors.q].map(
          (t) => t.read() as Promise<Float32Array>,
        ),
      );
      for (let row = 0; row < c.queries; ++row) {
        const query = rows!.subarray(row * c.headDim, (row + 1) * c.headDim);
        const want = lab.reference.attentionRow(query, keys!, values!, c.keys, c.scale).out;
        const worst = Math.max(...want.map((value, i) => Math.abs(value - out![row * c.headDim + i]!)));
        assert.ok(worst < 2e-3, `rung ${number}, factors ${factors}, row ${row}: off by ${worst}`);
      }
      prepared.free();
    }
  }
});
