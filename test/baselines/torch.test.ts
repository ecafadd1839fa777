import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { recordedRuns } from "kernel-lab/dist/baselines/recorded";
import { findTorch, runBaselines } from "kernel-lab/dist/baselines/run";
import { summarize } from "kernel-lab/dist/record/statistics";
import { readRun } from "kernel-lab/dist/record/store";

const scratch = mkdtempSync(join(tmpdir(), "kernel-lab-baselines-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

test("every recorded baseline is readable", () => {
  assert.deepEqual(
    recordedRuns().skipped.map((s) => s.error.message),
    [],
  );
});

test("torch_baselines.py writes a document of our schema with the same statistics", async (t) => {
  if (!(await findTorch())) return t.skip("no Python here has torch");
  const path = await runBaselines({
    quick: true,
    suites: ["matmul", "attention"],
    out: join(scratch, "baselines"),
  });
  const run = readRun(path);
  assert.equal(run.writer, "torch_baselines");
  assert.ok(run.records.length >= 2);
  for (const record of run.records) {
    const again = summarize(record.samples);
    assert.ok(Math.abs(again.median - record.statistics.median) <= 1e-15);
    assert.ok(Math.abs(again.ci95[0] - record.statistics.ci95[0]) <= 1e-15, "the bootstrap draws differ");
    assert.ok(Math.abs(again.ci95[1] - record.statistics.ci95[1]) <= 1e-15, "the bootstrap draws differ");
    assert.equal(record.check?.passed, true);
  }
});
