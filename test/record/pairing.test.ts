import assert from "node:assert/strict";
import { test } from "node:test";
import { runDocument } from "kernel-lab/dist/record/document";
import {
  bestOfOurs,
  comparableRecords,
  compareRecords,
  sameRun,
  withCounters,
} from "kernel-lab/dist/record/pairing";
import type { MeasureRecord } from "kernel-lab/dist/record/schema";
import { recordsOf } from "kernel-lab/dist/record/store";
import { type FixtureOptions, fixtureRecord } from "./fixtures";

const record = (id: string, seconds: number, options: FixtureOptions = {}): MeasureRecord =>
  fixtureRecord({
    id,
    params: { rows: 4 },
    kind: id.startsWith("torch/") ? "baseline" : "ours",
    samples: Array.from({ length: 40 }, (_, i) => seconds * (1 + (i % 7) * 1e-4)),
    ...options,
  });
const day = (n: number) => ({ date: `2026-11-0${n}T00:00:00.000Z` });
const run = (...records: MeasureRecord[]) => runDocument("softmax", records);
const millis = (records: readonly MeasureRecord[]) =>
  Object.fromEntries(
    records.map((r) => [r.implementation.id, Number((r.statistics.median * 1e3).toPrecision(2))]),
  );

test("comparableRecords() takes the run that has both sides before a newer one of ours alone", () => {
  const both = run(record("a", 1e-3, day(1)), record("torch/x", 2e-3, day(1)));
  const alone = run(record("a", 0.9e-3, day(2)));
  const chosen = comparableRecords(recordsOf([both, alone]));
  assert.deepEqual(millis(chosen), { a: 1, "torch/x": 2 });
  assert.ok(sameRun(chosen[0]!, chosen[1]!));
});

test("comparableRecords() takes the newest of ours where its source changed since, or it never had company", () => {
  const older = record("a", 1e-3, day(1));
  const changed = {
    ...older,
    implementation: { ...older.implementation, sourceHash: "another" },
  };
  const both = run(changed, record("torch/x", 2e-3, day(1)));
  const alone = run(record("a", 0.9e-3, day(2)), record("b", 3e-3, day(2)));
  assert.deepEqual(millis(comparableRecords(recordsOf([both, alone]))), { a: 0.9, b: 3, "torch/x": 2 });
});

test("comparableRecords() takes baselines of the run of the best of ours before newer ones, others as they are", () => {
  const both = run(record("a", 1e-3, day(1)), record("torch/x", 2e-3, day(1)));
  const later = run(record("torch/x", 1.5e-3, day(3)), record("torch/y", 5e-3, day(3)));
  assert.deepEqual(millis(comparableRecords(recordsOf([both, later]))), { a: 1, "torch/x": 2, "torch/y": 5 });
  const elsewhere = run(record("torch/x", 9e-3, { ...day(3), deviceName: "NVIDIA A10" }));
  assert.equal(comparableRecords(recordsOf([both, elsewhere])).length, 3, "devices stay apart");
});

test("bestOfOurs() takes a trusted record before a faster ambiguous one, and none that is rejected", () => {
  const slow = record("a", 2e-3);
  const fast = record("b", 1e-3, { verdict: "ambiguous" });
  const wrong = record("c", 1e-4, { verdict: "rejected" });
  assert.equal(bestOfOurs([fast, wrong, slow]), slow);
  assert.equal(bestOfOurs([wrong, fast]), fast);
  assert.equal(bestOfOurs([wrong, record("torch/x", 1)]), null);
});

test("compareRecords() pairs samples only of one run that took them in turns", () => {
  const drifting = (factor: number) => Array.from({ length: 40 }, (_, i) => factor * (1e-3 + i * 1e-5));
  const made = (id: string, factor: number, interleaved: boolean) => {
    const one = record(id, 1, { samples: drifting(factor) });
    return { ...one, method: { ...one.method, interleaved } };
  };
  const outcome = (interleaved: boolean) => {
    const [a, b] = recordsOf([run(made("a", 1, interleaved), made("torch/x", 1.02, interleaved))]);
    return compareRecords(a!, b!).outcome;
  };
  assert.equal(outcome(true), "a");
  assert.equal(outcome(false), "tie");
});

test("withCounters() gives a record the counters that the same source had at the same case in another run", () => {
  const counters = [{ kernel: "k", device: "NVIDIA H200", metrics: { a: 1 }, units: {} }];
  const timed = record("a", 1e-3, day(2));
  const counted = { ...record("a", 1e-3, day(1)), counters };
  const hashed = (r: MeasureRecord, sourceHash: string | null): MeasureRecord => ({
    ...r,
    implementation: { ...r.implementation, sourceHash },
  });
  const read = (r: MeasureRecord, from: MeasureRecord) => withCounters([r], [r, from])[0]!.counters;
  assert.equal(read(hashed(timed, "x"), hashed(counted, "x")), counters);
  assert.equal(read(hashed(timed, "x"), hashed(counted, "y")), undefined, "another kernel");
  assert.equal(read(hashed(timed, null), hashed(counted, null)), undefined, "nobody knows which kernel");
  assert.equal(read(hashed(record("a", 1, { params: { rows: 8 } }), "x"), hashed(counted, "x")), undefined);
});
