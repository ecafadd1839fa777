import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { compareBaselines, compareWithBaseline, measureBaseline } from "kernel-lab/dist/bench/regression";
import { LabError } from "kernel-lab/dist/core/error";
import { variantSource } from "kernel-lab/dist/ops/variant";
import {
  freeBaselinePath,
  readBaseline,
  type SavedBaseline,
  saveBaseline,
  savedBaselineNames,
} from "kernel-lab/dist/record/savedBaseline";
import type { Device } from "kernel-lab/dist/runtime/device";
import { open } from "kernel-lab/dist/runtime/open";

const folder = mkdtempSync(join(tmpdir(), "kernel-lab-baselines-"));
const rungs = ["softmax/03_warp"];
const options = { samples: 12, warmup: 1, flushL2: false, budget: 2 };
let device: Device;
let baseline: SavedBaseline;

before(async () => {
  device = await open("cpu");
  saveBaseline(await measureBaseline(device, "main", { rungs, options, source: withHeader }), { folder });
  baseline = readBaseline("main", folder);
});
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await device?.close();
});

/** The kernel file as it would be with a header of the project. */
const withHeader = ({ file }: { file: string }) => `#include "reduce.cuh"\n${variantSource({ file })}`;

/** The kernel file with a loop in front of its work, so that it takes several times as long. */
function slowed(file: string): string {
  const waste = "{ volatile float w = 1.0f; for (int r = 0; r < 2000; ++r) w = w * 1.0001f; }";
  return variantSource({ file }).replace(/(__global__[^{;]*\{)/, `$1 ${waste}`);
}

test("a baseline keeps records and the sources they were made of, headers too", () => {
  assert.deepEqual(savedBaselineNames(folder), ["main"]);
  assert.equal(baseline.run.records.length, 1);
  const kept = baseline.sources[baseline.run.records[0].implementation.sourceHash!];
  assert.equal(kept.text, withHeader({ file: kept.file }));
  assert.match(kept.headers["reduce.cuh"], /__device__/);
});

test("saveBaseline() replaces only when asked to; readBaseline() names what is wrong", async () => {
  const again = { name: "main", run: baseline.run, sources: baseline.sources };
  assert.throws(
    () => saveBaseline(again, { folder }),
    (e) => LabError.is(e, "baseline-exists"),
  );
  saveBaseline(again, { folder, replace: true });
  assert.throws(
    () => readBaseline("nobody", folder),
    (e) => LabError.is(e, "no-such-baseline"),
  );
  assert.throws(
    () => readBaseline("../main", folder),
    (e) => LabError.is(e, "bad-options"),
  );
  writeFileSync(join(folder, "torn.json"), '{"kind": "kernel-lab-base');
  assert.throws(
    () => readBaseline("torn", folder),
    (e) => LabError.is(e, "bad-baseline"),
  );
  rmSync(join(folder, "torn.json"));
  const text = readFileSync(join(folder, "main.json"), "utf8");
  writeFileSync(join(folder, "faster.json"), text.replace(/"median": [\d.e-]+/, '"median": 1e-9'));
  assert.throws(
    () => readBaseline("faster", folder),
    (e) => LabError.is(e, "edited-baseline"),
  );
  rmSync(join(folder, "faster.json"));
});

test("freeBaselinePath() refuses a taken or a bad name before anything is measured", () => {
  assert.equal(freeBaselinePath("next", { folder }), join(folder, "next.json"));
  assert.equal(freeBaselinePath("main", { folder, replace: true }), join(folder, "main.json"));
  assert.throws(
    () => freeBaselinePath("main", { folder }),
    (e) => LabError.is(e, "baseline-exists"),
  );
  assert.throws(
    () => freeBaselinePath("../main", { folder }),
    (e) => LabError.is(e, "bad-options"),
  );
});

test("a comparison of nothing is refused: it would always pass", async () => {
  const nothing = (e: unknown) => LabError.is(e, "no-such-record") && /holds nothing of/.test(e.message);
  await assert.rejects(compareWithBaseline(device, baseline, { rungs: ["softmax/99_none"] }), nothing);
  await assert.rejects(compareWithBaseline(device, baseline, { suites: ["moe"] }), nothing);
  assert.throws(() => compareBaselines(baseline, baseline, { suites: ["moe"] }), nothing);
  const { rows } = compareBaselines(baseline, baseline, { suites: [baseline.run.records[0].case.suite] });
  assert.equal(rows.length, 1);
});

test("compareWithBaseline() runs both sides in turns; a slower kernel is critical", async () => {
  const source = ({ file }: { file: string }) => slowed(file);
  const report = await compareWithBaseline(device, baseline, { options, source });
  assert.equal(report.rows.length, 1);
  const [row] = report.rows;
  assert.equal(row.how, "in turns");
  assert.equal(row.severity, "critical", JSON.stringify(row));
  assert.ok(row.change!.lo > 1.2);
  assert.equal(report.exitCode, 2);
});

test("compareWithBaseline() of an old side that was slower is faster now", async () => {
  const [hash] = Object.keys(baseline.sources);
  const sources = { [hash]: { ...baseline.sources[hash], text: slowed(baseline.sources[hash].file) } };
  const report = await compareWithBaseline(device, { ...baseline, sources }, { options });
  assert.equal(report.rows[0].severity, "faster", JSON.stringify(report.rows[0]));
  assert.equal(report.exitCode, 0);
});

test("compareWithBaseline() falls back on records where the old side does not compile, and says so", async () => {
  const [hash] = Object.keys(baseline.sources);
  const sources = { [hash]: { ...baseline.sources[hash], text: "__global__ void old( {" } };
  const report = await compareWithBaseline(device, { ...baseline, sources }, { options });
  assert.equal(report.rows[0].how, "records");
  assert.match(report.rows[0].note, /the old side cannot run: /);
  assert.match(report.notes.join("\n"), /1 compared by records taken at different times/);
});

test("compareWithBaseline() tells a kernel that is wrong now, and one that is gone", async () => {
  const empty = ({ file }: { file: string }) => {
    const text = variantSource({ file });
    return text.replace(/(__global__[^{;]*\{)/, "$1 return; ");
  };
  const wrong = await compareWithBaseline(device, baseline, { options, source: empty });
  assert.equal(wrong.rows[0].severity, "wrong", JSON.stringify(wrong.rows[0]));
  assert.equal(wrong.exitCode, 2);
  const broken = await compareWithBaseline(device, baseline, { options, source: () => "nonsense" });
  assert.equal(broken.rows[0].severity, "missing");
  assert.equal(broken.exitCode, 1);
});

test("baselines of different devices are refused, other labs are named", async () => {
  const other = structuredClone(baseline);
  other.run.environment.lab = { version: "9.9.9", commit: null, dirty: null };
  const report = compareBaselines(baseline, { ...other, name: "next" });
  assert.equal(report.rows[0].how, "records");
  assert.match(report.notes.join("\n"), /The lab differs: .* before, 9\.9\.9 now/);
  assert.equal(report.exitCode, 0);
  other.run.environment.device.name = "NVIDIA H200";
  assert.throws(
    () => compareBaselines(baseline, other),
    (e) => LabError.is(e, "different-device"),
  );
  await assert.rejects(compareWithBaseline(device, other), (e) => LabError.is(e, "different-device"));
});
