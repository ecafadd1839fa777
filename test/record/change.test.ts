import assert from "node:assert/strict";
import { test } from "node:test";
import { changeOf, exitCodeOf, type Severity, severityOf } from "kernel-lab/dist/record/change";
import { seededRandom } from "kernel-lab/dist/record/random";

function around(center: number, spread: number, seed: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: 50 }, () => center * (1 + spread * (random() / 2 ** 32 - 0.5)));
}

const ratios: [number, number, number, Severity][] = [
  [1.05, 1.04, 1.06, "acceptable"],
  [1.0999, 1.09, 1.11, "acceptable"],
  [1.1, 1.09, 1.11, "warning"],
  [1.2, 1.19, 1.21, "warning"],
  [1.21, 1.2, 1.22, "critical"],
  // What cannot be told from no change is none, however large it looks.
  [1.5, 0.98, 2.1, "acceptable"],
  [0.8, 0.79, 0.81, "faster"],
  [0.8, 0.7, 1.02, "acceptable"],
  [0.95, 0.94, 0.96, "acceptable"],
];
for (const [ratio, lo, hi, expected] of ratios) {
  test(`severityOf() calls ${ratio} within ${lo} to ${hi} ${expected}`, () => {
    assert.equal(severityOf({ ratio, lo, hi }), expected);
  });
}

test("changeOf() is a ratio of now over before, by samples", () => {
  const change = changeOf(around(1e-3, 0.02, 1), around(1.3e-3, 0.02, 2), false);
  assert.equal(change.severity, "critical");
  assert.ok(Math.abs(change.ratio - 1.3) < 0.02 && change.lo < change.ratio && change.ratio < change.hi);
  assert.equal(changeOf(around(1e-3, 0.02, 1), around(1.01e-3, 0.02, 2), false).severity, "acceptable");
});

test("exitCodeOf() is the worst severity's", () => {
  assert.equal(exitCodeOf([]), 0);
  assert.equal(exitCodeOf(["acceptable", "faster"]), 0);
  assert.equal(exitCodeOf(["acceptable", "missing"]), 1);
  assert.equal(exitCodeOf(["warning", "faster"]), 1);
  assert.equal(exitCodeOf(["warning", "critical"]), 2);
  assert.equal(exitCodeOf(["wrong"]), 2);
});
