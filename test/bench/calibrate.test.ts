import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { calibrate, gateBy } from "kernel-lab/dist/bench/calibrate";
import {
  calibrationFile,
  calibrationOf,
  calibrationSchema,
  gateFor,
  gates,
} from "kernel-lab/dist/bench/thresholds";
import type { MeasureRecord } from "kernel-lab/dist/record/schema";
import { summarize } from "kernel-lab/dist/record/statistics";
import type { Device } from "kernel-lab/dist/runtime/device";
import { open } from "kernel-lab/dist/runtime/open";
import { fixtureRecord } from "../record/fixtures";

let device: Device;
before(async () => {
  device = await open("cpu");
});
after(() => device?.close());

/** A record whose second half is slower by a share. */
function drifted(share: number): MeasureRecord {
  const samples = Array.from({ length: 50 }, (_, i) => (1e-3 + i * 1e-9) * (i < 25 ? 1 : 1 + share));
  return { ...fixtureRecord(), samples, statistics: summarize(samples) };
}

test("calibrate() writes what clean kernels reach, in its schema", async () => {
  const steps: string[] = [];
  const made = await calibrate(device, { repeats: 1, onProgress: (what) => steps.push(what) });
  calibrationSchema.parse(JSON.parse(JSON.stringify(made)));
  assert.deepEqual(steps, [
    ...["copy, warming up", "small copy, warming up", "spin, warming up"],
    ...["copy", "small copy", "spin"],
  ]);
  assert.equal(made.clean.runs, 3);
  assert.ok(made.bandwidth.read > 1e7 && made.bandwidth.write > 1e7 && made.bandwidth.copy > 1e7);
  assert.ok(made.eventOverhead.median < 1e-3);
  assert.equal(made.device, device.name);
  const { trusted, doubted, runs } = made.clean;
  assert.ok(Math.abs(trusted - (1 - doubted!.length / runs)) < 1e-12);
  assert.ok(doubted!.every((d) => d.reasons.length > 0 && d.samples.length >= 10));
});

test("gateBy() leaves a threshold that only as many clean runs fail as chance lets", () => {
  const runs = (bad: number) => Array.from({ length: 36 }, (_, i) => drifted(i < bad ? 0.02 : 0.001));
  assert.deepEqual(gateBy(runs(4), gates.cuda).why, [], "4 of 36 is chance at one in twenty");
  assert.match(gateBy(runs(5), gates.cuda).why.join(), /drift moved from 0\.01 to 0\.0\d+: 5 of 36/);
});

test("gateBy() leaves thresholds that clean runs keep, and moves those they do not, saying why", () => {
  const steady = Array.from({ length: 20 }, () => drifted(0.001));
  assert.deepEqual(gateBy(steady, gates.cuda).gate, gates.cuda);
  assert.deepEqual(gateBy(steady, gates.cuda).why, []);
  const moved = gateBy(
    steady.map((_, i) => drifted(0.008 + i * 0.0004)),
    gates.cuda,
  );
  assert.ok(moved.gate.drift > 0.015 && moved.gate.drift < 0.021, `${moved.gate.drift}`);
  assert.equal(
    moved.gate.interval > gates.cuda.interval,
    moved.why.some((w) => w.startsWith("interval")),
  );
  assert.match(moved.why.join("\n"), /drift moved from 0\.01 to 0\.0\d+: \d+ of 20 clean runs exceed/);
});

test("gateBy() on a machine too busy moves a threshold no further than three times", () => {
  const wild = Array.from({ length: 20 }, () => drifted(0.5));
  const { gate, why } = gateBy(wild, gates.cuda);
  assert.ok(Math.abs(gate.drift - 0.03) < 1e-12);
  assert.match(why.join("\n"), /too busy to be calibrated/);
});

test("gateFor() is the kind's where a device has no calibration", () => {
  assert.equal(calibrationFile("NVIDIA H200"), "nvidia-h200.json");
  assert.equal(calibrationOf("No Such Device"), null);
  assert.equal(gateFor({ kind: "cuda", name: "No Such Device" }), gates.cuda);
});
