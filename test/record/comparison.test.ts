import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LabError } from "kernel-lab/dist/core/error";
import { compareSamples, tiedForBest } from "kernel-lab/dist/record/comparison";
import { seededRandom } from "kernel-lab/dist/record/random";

function noisy(center: number, spread: number, seed: number, count = 50): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => center * (1 + spread * (random() / 2 ** 32 - 0.5)));
}

test("compareSamples() names the faster one when the difference is clear", () => {
  const result = compareSamples(noisy(1, 0.02, 1), noisy(1.1, 0.02, 2));
  assert.equal(result.outcome, "a");
  assert.ok(result.lo < 1.1 && 1.1 < result.hi, `${result.lo}..${result.hi}`);
});

test("compareSamples() calls two draws of one distribution a tie", () => {
  assert.equal(compareSamples(noisy(1, 0.05, 3), noisy(1, 0.05, 4)).outcome, "tie");
});

test("compareSamples() paired sees through a drift both share, unpaired does not", () => {
  const drift = Array.from({ length: 60 }, (_, i) => 1 + i / 60);
  const a = drift.map((d, i) => d * (1 + 0.001 * (i % 3)));
  const b = drift.map((d, i) => 1.02 * d * (1 + 0.001 * ((i + 1) % 3)));
  assert.equal(compareSamples(a, b, { paired: true }).outcome, "a");
  assert.equal(compareSamples(a, b).outcome, "tie");
});

test("compareSamples() swapped gives the reciprocal", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.double({ min: 0.5, max: 2, noNaN: true }),
      (seed, factor) => {
        const a = noisy(1, 0.1, seed, 30);
        const b = noisy(factor, 0.1, seed + 1, 30);
        const there = compareSamples(a, b, { resamples: 200 });
        const back = compareSamples(b, a, { resamples: 200 });
        assert.ok(Math.abs(there.ratio * back.ratio - 1) < 1e-12);
      },
    ),
    { numRuns: 20 },
  );
});

test("compareSamples() paired refuses series of different length", () => {
  assert.throws(
    () => compareSamples([1, 2], [1], { paired: true }),
    (e) => LabError.is(e, "bad-samples"),
  );
});

test("tiedForBest() keeps the fastest and what cannot be told from it", () => {
  const fast = { name: "fast", samples: noisy(1, 0.05, 5) };
  const same = { name: "same", samples: noisy(1, 0.05, 6) };
  const slow = { name: "slow", samples: noisy(1.2, 0.05, 7) };
  const tied = tiedForBest([slow, same, fast]).map((c) => c.name);
  assert.deepEqual(tied.sort(), ["fast", "same"]);
  assert.deepEqual(tiedForBest([]), []);
});
