import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Device, findRung, ladders, open, sweepRung } from "kernel-lab";
import { LabError } from "kernel-lab/dist/core/error";

let device: Device;
before(async () => {
  device = await open("cpu");
});
after(() => device.close());

const effort = { samples: 10, warmup: 1, budget: 0.05, flushL2: false };

test("sweepRung() measures the valid settings, names the rule the others break, and frees what it made", async () => {
  const { ladder, variant } = findRung("matmul/05_vector");
  const size = ladder.makeCase({ m: 33, n: 40, k: 24 }, undefined, device.info);
  const before = (await device.memory()).used;
  const seen: number[] = [];
  const { records, failures, best } = await sweepRung(device, variant, size, {
    axes: { BM: [16, 32], BN: [16, 32], BK: [8], TM: [4], TN: [4] },
    options: effort,
    onProgress: (_, done) => seen.push(done),
  });
  assert.deepEqual(seen, [1, 2, 3, 4]);
  assert.equal(records.length, 3);
  assert.ok(records.every((r) => r.check?.passed && r.check.timedOutput && r.case.params.m === 33));
  assert.deepEqual(
    failures.map((f) => [f.kind, f.implementation.parameters.BM, f.implementation.parameters.BN]),
    [["skipped", 16, 16]],
  );
  assert.match(failures[0].reason, /16 threads are no whole number of warps/);
  assert.ok(best.length >= 1 && best.every((r) => r.method.interleaved));
  assert.equal((await device.memory()).used, before);
});

test("sweepRung() refuses a parameter that the rung has not", async () => {
  const { ladder, variant } = findRung("softmax/03_warp");
  await assert.rejects(
    sweepRung(device, variant, ladder.benchCase(device.info), { axes: { BM: [1] } }),
    (e) => LabError.is(e, "bad-options") && /no parameter BM/.test(e.message) && /block/.test(e.message),
  );
});

test("every rung's own axes hold at least one setting that it can run", () => {
  for (const { variants, benchCase, makeCase } of ladders) {
    for (const variant of variants) {
      // The decoder takes few queries only.
      const decodes = variant.id === "attention/13_decode";
      const size = decodes
        ? makeCase({ queries: 1, keys: 512 }, undefined, device.info)
        : benchCase(device.info);
      const usual = variant.parameters(device.info, size);
      const axes = variant.axes?.(device.info, size) ?? {};
      if (["softmax", "matmul"].includes(variant.topic)) assert.ok(Object.keys(axes).length > 0, variant.id);
      for (const name of Object.keys(axes)) assert.ok(name in usual, `${variant.id}: ${name}`);
      let points: Record<string, string | number | boolean>[] = [usual];
      for (const [name, values] of Object.entries(axes)) {
        points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
      }
      assert.ok(
        points.some((point) => variant.needs(device.info, size, point) === null),
        variant.id,
      );
    }
  }
});

test("findRung() throws no-such-variant", () => {
  assert.throws(
    () => findRung("softmax/99_none"),
    (e) => LabError.is(e, "no-such-variant") && /softmax\/01_naive/.test(e.message),
  );
});
