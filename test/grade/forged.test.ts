import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedRuns } from "kernel-lab/dist/baselines/recorded";
import { inspectRun } from "kernel-lab/dist/grade/documentChecks";
import type { Finding } from "kernel-lab/dist/grade/findings";
import { gradeSubmission } from "kernel-lab/dist/grade/grade";
import type { RunDocument, StoredRecord } from "kernel-lab/dist/record/schema";
import { loadRuns } from "kernel-lab/dist/record/store";
import { eventSamples, follow, honestRun, now, references } from "./fixtures";

type Forge = (run: RunDocument) => void;

/** Changes the attention record, then makes everything else follow from it, as a careful forger would. */
const resampled = (change: (samples: number[]) => number[]) => (run: RunDocument) => {
  run.records[0] = follow({ ...run.records[0]!, samples: change(run.records[0]!.samples) });
};
const inFirst = (change: (record: StoredRecord) => void) => (run: RunDocument) => change(run.records[0]!);
const event = (seconds: number) => Math.fround(seconds * 1e3) * 1e-3;

/** One way to cheat each, and what notices it. */
const ways: readonly (readonly [
  way: string,
  kind: Finding["kind"],
  severity: Finding["severity"],
  forge: Forge,
])[] = [
  [
    "a lower median written in",
    "statistics",
    "forged",
    inFirst((r) => {
      r.statistics.median *= 0.8;
    }),
  ],
  [
    "a smaller deviation written in",
    "statistics",
    "forged",
    inFirst((r) => {
      r.statistics.std = 1e-9;
    }),
  ],
  [
    "an interval drawn narrow",
    "statistics",
    "forged",
    inFirst((r) => {
      r.statistics.ci95 = [r.statistics.min, r.statistics.min * (1 + 1e-6)];
    }),
  ],
  [
    "slow samples deleted",
    "statistics",
    "forged",
    inFirst((r) => {
      r.samples = r.samples.slice(10);
    }),
  ],
  [
    "a rate written in",
    "rates",
    "forged",
    inFirst((r) => {
      r.rates.flopsPerSecond! *= 1.2;
    }),
  ],
  [
    "a share of the roof written in",
    "rates",
    "forged",
    inFirst((r) => {
      r.rates.roofline!.share = 0.99;
    }),
  ],
  [
    "FLOPs counted twice",
    "work",
    "forged",
    (run) => {
      run.records[0] = follow({ ...run.records[0]!, flops: 2 * run.records[0]!.flops! });
    },
  ],
  [
    "bytes counted twice",
    "work",
    "forged",
    (run) => {
      run.records[3] = follow({ ...run.records[3]!, bytes: 2 * run.records[3]!.bytes! });
    },
  ],
  ["samples divided by ten", "physics", "forged", resampled((s) => s.map((x) => event(x / 10)))],
  ["identical samples", "samples", "forged", resampled((s) => s.map(() => event(0.65e-3)))],
  ["an even ramp", "samples", "forged", resampled((s) => s.map((_, i) => 0.65e-3 + i * 1e-7))],
  ["a block of samples repeated", "samples", "forged", resampled((s) => s.map((_, i) => s[i % 10]!))],
  ["samples scaled by a factor", "samples", "forged", resampled((s) => s.map((x) => x * 0.93))],
  [
    "samples typed in by hand",
    "samples",
    "forged",
    resampled((s) => s.map((_, i) => Number((6.5e-4 + ((i * 7) % 13) * 1e-6).toPrecision(3)))),
  ],
  ["samples sorted", "samples", "suspicious", resampled((s) => [...s].sort((a, b) => a - b))],
  [
    "three values far apart",
    "samples",
    "suspicious",
    resampled((s) => s.map((_, i) => event(0.65e-3 + ((i * i) % 3) * 4e-6))),
  ],
  [
    "another record's samples",
    "copied",
    "forged",
    (run) => {
      run.records[3] = follow({ ...run.records[3]!, samples: [...run.records[0]!.samples] });
    },
  ],
  [
    "another record's samples, halved",
    "copied",
    "forged",
    (run) => {
      run.records[0] = follow({ ...run.records[0]!, samples: run.records[1]!.samples.map((s) => s / 64) });
    },
  ],
  [
    "another kernel under the name",
    "source",
    "suspicious",
    (run) => {
      run.records[3]!.implementation.sourceHash = "ffffffffffffffff";
    },
  ],
  [
    "no hash under the name of a kernel",
    "source",
    "suspicious",
    (run) => {
      run.records[3]!.implementation.sourceHash = null;
    },
  ],
  [
    "a date to come",
    "time",
    "forged",
    (run) => {
      run.environment.date = "2027-06-01T00:00:00.000Z";
    },
  ],
  [
    "an old record under a new date",
    "time",
    "forged",
    (run) => {
      run.environment.date = "2026-11-01T00:00:00.000Z";
    },
  ],
  [
    "samples longer than the run",
    "time",
    "forged",
    (run) => {
      run.records[1]!.state = run.records[1]!.state.map((s, i) => ({ ...s, at: i * 0.01 }));
    },
  ],
  [
    "sensors read backwards",
    "time",
    "forged",
    inFirst((r) => {
      r.state.reverse();
    }),
  ],
  [
    "another chip's name",
    "environment",
    "forged",
    (run) => {
      run.environment.device.name = "NVIDIA A100-SXM4-80GB";
    },
  ],
  [
    "a chip's name on the CPU device",
    "environment",
    "forged",
    (run) => {
      run.environment.device.kind = "cpu";
    },
  ],
  [
    "a clock above the chip's",
    "environment",
    "suspicious",
    inFirst((r) => {
      for (const reading of r.state) reading.smClockHz = 2.6e9;
    }),
  ],
  [
    "a noisy series called trusted",
    "verdict",
    "suspicious",
    resampled(() => {
      const calm = eventSamples(0.65e-3, 50, 77);
      return calm.map((x, i) => event(x * (1 + 0.08 * (((i * 37) % 50) / 50))));
    }),
  ],
  [
    "a failed check called trusted",
    "verdict",
    "forged",
    inFirst((r) => {
      r.check!.passed = false;
    }),
  ],
  [
    "an output full of NaN called trusted",
    "verdict",
    "forged",
    inFirst((r) => {
      r.outputs = [{ name: "o", dtype: "f16", elements: 10, hash: "0", nan: 10, untouched: 0, zeros: 0 }];
    }),
  ],
  [
    "a check that passed with a mismatch",
    "check",
    "forged",
    inFirst((r) => {
      r.check!.mismatch = "[0] is 1, expected 2";
    }),
  ],
  [
    "a check that compared nothing",
    "check",
    "forged",
    inFirst((r) => {
      r.check!.compared = 0;
    }),
  ],
  [
    "a mean error above the largest",
    "check",
    "forged",
    inFirst((r) => {
      r.check!.maxAbs = 1e-9;
    }),
  ],
];

test("inspectRun() finds nothing in an honest file", () => {
  assert.deepEqual(inspectRun(honestRun(), "honest.json", now), []);
});

test("inspectRun() calls no committed result of this lab forged", () => {
  const runs = [...loadRuns().runs, ...recordedRuns().runs];
  assert.ok(runs.length >= 4);
  for (const run of runs) {
    const forged = inspectRun(run, run.id, new Date()).filter((f) => f.severity === "forged");
    assert.deepEqual(
      forged.map((f) => `${f.record}: ${f.what}`),
      [],
    );
  }
});

for (const [way, kind, severity, forge] of ways) {
  test(`inspectRun() notices ${way}`, () => {
    const run = structuredClone(honestRun());
    forge(run);
    const found = inspectRun(run, "forged.json", now);
    const match = found.find((f) => f.kind === kind && f.severity === severity);
    assert.ok(
      match,
      `${kind} expected, found ${JSON.stringify(found.map((f) => [f.kind, f.severity, f.what]))}`,
    );
    assert.equal(match.file, "forged.json");
    assert.ok(match.what.length > 10);
  });
}

test("gradeSubmission() withholds the grade of a forged file and takes a doubtful verdict for what it is", () => {
  const hand = (run: RunDocument) =>
    gradeSubmission(
      { student: "s", files: [{ name: "s.json", document: run, error: null, findings: [] }] },
      { recorded: [references()], now },
    );
  const honest = hand(honestRun());
  assert.equal(honest.grade, "A");
  for (const [way, , severity, forge] of ways) {
    const run = structuredClone(honestRun());
    forge(run);
    const made = hand(run);
    if (severity === "forged") assert.equal(made.grade, null, way);
    assert.ok(made.findings.length > 0, way);
  }
});
