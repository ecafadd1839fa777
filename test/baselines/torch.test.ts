import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

test("runBaselines() counts the cases that the program tells of, for a bar with the time left", async () => {
  const venv = join(scratch, "venv");
  mkdirSync(join(venv, "bin"), { recursive: true });
  const program = `#!/bin/sh
[ "$1" = -c ] && { echo "2.9.0 1"; exit; }
echo "softmax 64x256 f32 torch eager: 0.01 ms"
echo "some warning"
echo "softmax 64x256 f32 torch compiled: RuntimeError"
echo "1 measured, 1 not, 2 s: ${join(scratch, "made.json")}"
`;
  writeFileSync(join(venv, "bin", "python"), program, { mode: 0o755 });
  const before = process.env.VIRTUAL_ENV;
  process.env.VIRTUAL_ENV = venv;
  try {
    const told: [string, number, number][] = [];
    const path = await runBaselines({ suites: ["softmax"], onProgress: (...step) => told.push(step) });
    assert.equal(path, join(scratch, "made.json"));
    const last = recordedRuns().runs.at(-1)!;
    const expected = [...last.records, ...last.failures].filter((r) => r.case.suite === "softmax").length;
    assert.deepEqual(told, [
      ["softmax 64x256 f32 torch eager", 1, expected],
      ["softmax 64x256 f32 torch compiled", 2, expected],
    ]);
  } finally {
    if (before === undefined) delete process.env.VIRTUAL_ENV;
    else process.env.VIRTUAL_ENV = before;
  }
});
