import assert from "node:assert/strict";
import { test } from "node:test";
import { attemptsOf, ladderOf } from "kernel-lab/dist/show/report/attempts";
import { fixtureRecord } from "../../record/fixtures";

const at = (ms: number) => Array.from({ length: 30 }, (_, i) => (ms + (i % 5) * 1e-4) * 1e-3);

function setting(ms: number, parameters: Record<string, number>, verdict?: "rejected") {
  const record = fixtureRecord({ samples: at(ms), ...(verdict ? { verdict } : {}) });
  return { ...record, implementation: { ...record.implementation, parameters } };
}

test("attemptsOf() orders the settings of a sweep, marks ties for best and counts what was skipped", () => {
  const records = [
    setting(2, { BM: 64, BN: 64, BK: 8 }),
    setting(1, { BM: 128, BN: 64, BK: 8 }),
    setting(1.00001, { BM: 128, BN: 128, BK: 8 }),
    setting(0.1, { BM: 999, BN: 999, BK: 8 }, "rejected"),
    fixtureRecord({ id: "torch/eager", kind: "baseline" }),
  ];
  const { case: size, implementation } = records[0];
  const failure = { case: size, implementation, kind: "skipped" as const, reason: "too large" };
  const other = { ...failure, implementation: { ...implementation, id: "softmax/other" } };
  const [swept, ...rest] = attemptsOf(records, [failure, failure, other]);
  assert.deepEqual(rest, []);
  assert.deepEqual(
    swept.attempts.map((a) => [a.setting, a.best]),
    [
      ["BM 128, BN 64", true],
      ["BM 128, BN 128", true],
      ["BM 64, BN 64", false],
    ],
  );
  assert.ok(Math.abs(swept.attempts[2].slower - 2) < 0.01);
  assert.deepEqual(swept.skipped, [{ reason: "too large", count: 2 }]);
});

test("attemptsOf() takes one setting for no sweep", () => {
  assert.deepEqual(attemptsOf([setting(1, { block: 256 })], []), []);
});

test("ladderOf() holds each rung against the first of its case, in the ladder's order", () => {
  const rung = (id: string, ms: number) => fixtureRecord({ id, samples: at(ms) });
  const steps = ladderOf([
    rung("softmax/05_vector", 1),
    rung("softmax/01_naive", 8),
    rung("softmax/04_online", 2),
    rung("experts", 1),
    fixtureRecord({ id: "torch/02_eager", kind: "baseline" }),
  ]);
  assert.deepEqual(
    steps.map((s) => [s.record.implementation.id, Math.round(s.faster)]),
    [
      ["softmax/01_naive", 1],
      ["softmax/04_online", 4],
      ["softmax/05_vector", 8],
    ],
  );
});
