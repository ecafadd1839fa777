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

function method(change: Partial<Evidence["method"]>): Evidence["method"] {
  return {
    eventOverhead: 2e-6,
    batch: 1,
    flushBytes: 2 ** 27,
    mode: "short",
    persistingReset: true,
    ...change,
  };
}

function evidence(change: Partial<Evidence> & { samples?: readonly number[] } = {}): Evidence {
  const samples = change.samples ?? steady();
  return {
    kind: "cuda",
    statistics: summarize(samples),
    method: method({}),
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
  ["two modes", { samples: steady().map((x, i) => (i % 2 ? x : x * 1.1)) }, /; two modes, \d+\.?\d*% apart/],
  [
    "a step",
    { samples: steady().map((x, i) => (i < 10 ? x : x * 1.1)) },
    /made a step: two modes, one after the other, \d+\.?\d*% apart/,
  ],
  ["short against the clock", { method: method({ eventOverhead: 4e-4 }) }, /shorter than 5 times/],
  ["a moving clock", { state: [reading(1.9e9), reading(1.98e9), reading(1.8e9)] }, /clock moved by 9\.1%/],
  ["a flush of less than twice the cache", { l2Bytes: 2 ** 27 }, /less than twice their size/],
  [
    "persisting lines that stay",
    { method: method({ persistingReset: false }) },
    /persisting lines of the L2 cache could not be reset/,
  ],
  ["events that outrun the host", { method: method({ clockRatio: 0.85 }) }, /events say 15% less/],
  [
    "rounded samples",
    { samples: steady(50, 1e-3, 0.01).map((s) => Number(s.toPrecision(3))) },
    /were rounded/,
  ],
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

test("judge() ignores the idle reason and clocks set on purpose", () => {
  const state = [reading(1.98e9, ["gpu-idle"]), reading(1.98e9, ["applications-clocks-setting"])];
  assert.equal(judge(evidence({ state })).verdict, "trusted");
});

test("judge() multiplies by the batch before it looks at the event overhead", () => {
  assert.equal(judge(evidence({ method: method({ eventOverhead: 4e-4, batch: 100 }) })).verdict, "trusted");
});

test("judge() says throttled in so many words", () => {
  const verdict = judge(evidence({ state: [reading(1.9e9, ["software-power-cap"])] }));
  assert.equal(verdict.throttled, true);
  assert.equal(judge(evidence()).throttled, undefined);
});

test("judge() rejects work that goes on after its end, beyond what an idle device takes", () => {
  const late = judge(evidence({ method: method({ unfinished: 400e-6, idle: 4e-6 }) }));
  assert.equal(late.verdict, "rejected");
  assert.match(late.reasons[0], /work went on for 396 us .* another stream or thread/);
  const idle = judge(evidence({ method: method({ unfinished: 6e-6, idle: 4e-6 }) }));
  assert.equal(idle.verdict, "trusted");
});

const output = { name: "y", dtype: "f32", elements: 100, hash: "0", nan: 0, untouched: 0, zeros: 0 };
const input = { name: "x", dtype: "f32", elements: 4096, hash: "0", changed: false };
const normal = { zeros: 0, distinct: 4000, sampled: 4096, kurtosis: 3.1 };
const seen: [string, Partial<Evidence>, "rejected" | "ambiguous", RegExp][] = [
  [
    "nothing written",
    { outputs: [{ ...output, nan: 100, untouched: 100 }] },
    "rejected",
    /wrote nothing to y/,
  ],
  [
    "a part unwritten",
    { outputs: [{ ...output, nan: 30, untouched: 30 }] },
    "rejected",
    /left 30 of 100 elements of y unwritten/,
  ],
  ["NaN", { outputs: [{ ...output, nan: 2 }] }, "rejected", /y holds 2 NaN/],
  [
    "a changed input",
    { inputs: [{ ...input, changed: true, profile: normal }] },
    "rejected",
    /changed its input x/,
  ],
  [
    "inputs of zeros",
    { inputs: [{ ...input, profile: { ...normal, zeros: 0.9 } }] },
    "ambiguous",
    /90% of the input x is zero/,
  ],
  [
    "inputs of few values",
    { inputs: [{ ...input, profile: { ...normal, distinct: 2 } }] },
    "ambiguous",
    /input x holds 2 values only/,
  ],
  [
    "inputs spread evenly",
    { inputs: [{ ...input, profile: { ...normal, kurtosis: 1.8 } }] },
    "ambiguous",
    /input x is spread evenly/,
  ],
];
for (const [what, change, verdict, reason] of seen) {
  test(`judge() sees ${what} whatever the check says`, () => {
    const judged = judge(evidence(change));
    assert.equal(judged.verdict, verdict);
    assert.match(judged.reasons[0], reason);
  });
}

test("judge() believes tensors that are as they should be", () => {
  const clean = evidence({ inputs: [{ ...input, profile: normal }], outputs: [output] });
  assert.deepEqual(judge(clean), { verdict: "trusted", reasons: [] });
  // Whole numbers have no NaN, and -1 is as good as any.
  const whole = { ...output, dtype: "i32", untouched: 3 };
  assert.equal(judge(evidence({ outputs: [whole] })).verdict, "trusted");
});

test("driftOf() and modeGap() are zero for what is steady", () => {
  assert.ok(Math.abs(driftOf(steady())) < 0.002);
  assert.equal(modeGap(steady()), 0);
  assert.equal(modeGap([1, 1, 1]), 0);
  assert.ok(Math.abs(modeGap([...Array(20).fill(1), ...Array(20).fill(2)]) - 1 / 1.5) < 1e-12);
  // A handful of outliers is no mode.
  assert.equal(modeGap([...steady(50, 1), 5, 5, 5]), 0);
});
