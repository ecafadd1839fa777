import assert from "node:assert/strict";
import { test } from "node:test";
import { driftOf, type Evidence, judge, modeGap } from "kernel-lab/dist/bench/gate";
import { seededRandom } from "kernel-lab/dist/record/random";
import type { CheckRecord, StateReading } from "kernel-lab/dist/record/schema";
import { summarize } from "kernel-lab/dist/record/statistics";

const passed: CheckRecord = {
  passed: true,
  compared: 10,
  maxAbs: 0,
  meanAbs: 0,
  maxRel: 0,
  tolerance: "exact",
  mismatch: null,
  timedOutput: true,
};

function steady(count = 50, center = 1e-3, spread = 0.004): number[] {
  const random = seededRandom(7);
  return Array.from({ length: count }, () => center * (1 + spread * (random() / 2 ** 32 - 0.5)));
}

function evidence(change: Partial<Evidence> & { samples?: readonly number[] } = {}): Evidence {
  const samples = change.samples ?? steady();
  return {
    kind: "cuda",
    statistics: summarize(samples),
    method: { eventOverhead: 2e-6, batch: 1 },
    floorSeconds: 0.5e-3,
    check: passed,
    state: [],
    ...change,
    samples,
  };
}

const reading = (smClockHz: number, throttleReasons: string[] = []): StateReading => ({
  at: 0,
  smClockHz,
  memoryClockHz: null,
  temperatureC: null,
  powerW: null,
  powerLimitW: null,
  throttleReasons,
});

test("judge() trusts steady, checked samples above the floor", () => {
  assert.deepEqual(judge(evidence()), { verdict: "trusted", reasons: [] });
});

test("judge() rejects what is faster than physics", () => {
  const { verdict, reasons } = judge(evidence({ floorSeconds: 2e-3 }));
  assert.equal(verdict, "rejected");
  assert.match(reasons[0], /faster than physics: 2\.\d+x/);
});

test("judge() rejects wrong output and zero times", () => {
  assert.equal(
    judge(evidence({ check: { ...passed, passed: false, mismatch: "[3] is NaN" } })).verdict,
    "rejected",
  );
  assert.equal(judge(evidence({ samples: Array(40).fill(0) })).verdict, "rejected");
});

const doubtful: [string, Partial<Evidence>, RegExp][] = [
  ["too few samples", { samples: steady(20) }, /20 samples, fewer than 30/],
  ["noise", { samples: steady(50, 1e-3, 0.4) }, /the median is known to/],
  ["drift", { samples: steady().map((x, i) => x * (1 + i * 0.001)) }, /second half is .* slower/],
  ["two modes", { samples: steady().map((x, i) => (i % 2 ? x : x * 1.1)) }, /two modes, \d+\.?\d*% apart/],
  ["short against the clock", { method: { eventOverhead: 4e-4, batch: 1 } }, /shorter than 5 times/],
  ["a moving clock", { state: [reading(3e8), reading(1.98e9), reading(1.8e9)] }, /clock moved by 9\.1%/],
  ["throttling", { state: [reading(1.9e9), reading(1.9e9, ["power-cap"])] }, /throttled: power-cap/],
  ["no check", { check: null }, /not checked/],
  [
    "a check of an earlier run only",
    { check: { ...passed, timedOutput: false } },
    /timed runs was not checked/,
  ],
];

for (const [what, change, expected] of doubtful) {
  test(`judge() calls ${what} ambiguous`, () => {
    const { verdict, reasons } = judge(evidence(change));
    assert.equal(verdict, "ambiguous");
    assert.match(reasons.join("; "), expected);
  });
}

test("judge() ignores the idle clock before the work and the idle reason", () => {
  const state = [reading(3e8), reading(1.98e9, ["gpu-idle"]), reading(1.98e9)];
  assert.equal(judge(evidence({ state })).verdict, "trusted");
});

test("judge() multiplies by the batch before it looks at the event overhead", () => {
  const method = { eventOverhead: 4e-4, batch: 100 };
  assert.equal(judge(evidence({ method })).verdict, "trusted");
});

test("driftOf() and modeGap() are zero for what is steady", () => {
  assert.ok(Math.abs(driftOf(steady())) < 0.002);
  assert.equal(modeGap(steady()), 0);
  assert.equal(modeGap([1, 1, 1]), 0);
  assert.ok(Math.abs(modeGap([...Array(20).fill(1), ...Array(20).fill(2)]) - 1 / 1.5) < 1e-12);
});
