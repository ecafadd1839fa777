import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LabError } from "kernel-lab/dist/core/error";
import { medianInterval, quantile, summarize } from "kernel-lab/dist/record/statistics";

const times = fc.array(fc.double({ min: 1e-9, max: 10, noNaN: true }), { minLength: 1, maxLength: 60 });

// The definition, written down without regard for speed.
function naiveQuantile(samples: number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const weight = at - Math.floor(at);
  return sorted[Math.floor(at)] * (1 - weight) + sorted[Math.ceil(at)] * weight;
}

const close = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

test("summarize() agrees with the definitions", () => {
  fc.assert(
    fc.property(times, (samples) => {
      const s = summarize(samples, { resamples: 200 });
      const mean = samples.reduce((a, b) => a + b, 0) / samples.length;
      const variance = samples.reduce((a, x) => a + (x - mean) ** 2, 0) / Math.max(1, samples.length - 1);
      const middle = naiveQuantile(samples, 0.5);
      assert.ok(close(s.mean, mean));
      assert.ok(close(s.std, Math.sqrt(variance)));
      assert.equal(s.min, Math.min(...samples));
      assert.equal(s.max, Math.max(...samples));
      assert.ok(close(s.median, middle));
      assert.ok(close(s.p95, naiveQuantile(samples, 0.95)));
      assert.ok(close(s.p99, naiveQuantile(samples, 0.99)));
      assert.ok(
        close(
          s.mad,
          naiveQuantile(
            samples.map((x) => Math.abs(x - middle)),
            0.5,
          ),
        ),
      );
      assert.ok(s.ci95[0] <= s.ci95[1] && s.ci95[0] >= s.min && s.ci95[1] <= s.max);
    }),
    { numRuns: 100 },
  );
});

test("summarize() does not depend on the order of the samples", () => {
  const samples = Array.from({ length: 51 }, (_, i) => 1 + ((i * 13) % 17) / 100);
  assert.deepEqual(summarize(samples).ci95, summarize([...samples].reverse()).ci95);
});

test("medianInterval() covers the true median about 95 times in 100", () => {
  // A skewed distribution with the median ln 2; a fixed generator keeps the test the same every time.
  let state = 12345;
  const uniform = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return (state + 0.5) / 2147483648;
  };
  let covered = 0;
  for (let run = 0; run < 300; run++) {
    const samples = Array.from({ length: 50 }, () => -Math.log(uniform()));
    const [lo, hi] = medianInterval(samples, { resamples: 400, seed: run });
    if (lo <= Math.LN2 && Math.LN2 <= hi) covered++;
  }
  assert.ok(covered >= 270 && covered <= 297, `covered ${covered} of 300`);
});

test("quantile() throws bad-samples on nothing, NaN and negative times", () => {
  for (const samples of [[], [Number.NaN], [1, -1], [Number.POSITIVE_INFINITY]]) {
    assert.throws(
      () => quantile(samples, 0.5),
      (e) => LabError.is(e, "bad-samples"),
    );
  }
});
