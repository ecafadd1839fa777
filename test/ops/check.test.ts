import assert from "node:assert/strict";
import { test } from "node:test";
import { compareOutput, joinChecks, sampleIndices } from "kernel-lab/dist/ops/check";

const expectation = (values: number[], shape = [values.length], allowed = 0.1) => ({
  shape,
  at: (i: number) => values[i]!,
  tolerance: () => allowed,
  rule: "test",
});

test("compareOutput() passes equal outputs and measures their errors", () => {
  const check = compareOutput([1, 2.05], expectation([1, 2]));
  assert.equal(check.passed, true);
  assert.equal(check.compared, 2);
  assert.ok(Math.abs(check.maxAbs! - 0.05) < 1e-12 && Math.abs(check.maxRel! - 0.025) < 1e-12);
  assert.equal(check.mismatch, null);
});

test("compareOutput() names the first mismatch with its coordinates", () => {
  const check = compareOutput([1, 2, 3, 9, 5, 9], expectation([1, 2, 3, 4, 5, 6], [2, 3]));
  assert.equal(check.passed, false);
  assert.match(check.mismatch!, /^\[1, 0\] is 9, expected 4 \(error 5, allowed 0.1\); 2 of 6 differ$/);
});

for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
  test(`compareOutput() fails on ${value}, at any tolerance`, () => {
    const check = compareOutput([1, value], expectation([1, 2], [2], 1e300));
    assert.equal(check.passed, false);
    assert.equal(check.maxAbs, null);
  });
}

test("compareOutput() fails when NaN is expected, when nothing is compared, and when elements are missing", () => {
  assert.equal(compareOutput([Number.NaN], expectation([Number.NaN])).passed, false);
  assert.equal(compareOutput([], expectation([])).passed, false);
  assert.equal(compareOutput([1], expectation([1, 2])).passed, false);
});

test("joinChecks() is failed by any part and keeps its mismatch", () => {
  const good = compareOutput([1], expectation([1]));
  const bad = compareOutput([2], expectation([1]));
  assert.equal(joinChecks([["a", good]]).passed, true);
  const both = joinChecks([
    ["a", good],
    ["b ", bad],
  ]);
  assert.equal(both.passed, false);
  assert.match(both.mismatch!, /^b \[0\] is 2/);
  assert.equal(joinChecks([]).passed, false);
});

test("sampleIndices() takes all of few, and of many the ends and no index twice", () => {
  assert.deepEqual(sampleIndices(3, 10), [0, 1, 2]);
  const some = sampleIndices(100_000, 50);
  assert.equal(some.length, 50);
  assert.equal(new Set(some).size, 50);
  assert.equal(some[0], 0);
  assert.equal(some.at(-1), 99_999);
});
