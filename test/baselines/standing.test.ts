import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { standing, standingRows } from "kernel-lab/dist/baselines/standing";
import { homePath } from "kernel-lab/dist/core/paths";

const lab = (...args: string[]) =>
  spawnSync(process.execPath, [homePath("lib", "bin", "lab.js"), ...args], { encoding: "utf8" });

test("standingRows() works from committed results: every recorded baseline case has a row", () => {
  const rows = standingRows();
  assert.ok(rows.some((r) => r.suite === "softmax" && r.ours && r.best && r.ratio));
  assert.ok(rows.some((r) => r.suite === "attention" && r.best));
  for (const row of rows.filter((r) => r.ratio))
    assert.ok(row.ratio!.lo <= row.ratio!.value && row.ratio!.value <= row.ratio!.hi);
  for (const row of rows.filter((r) => r.share !== null && r.kind === "cuda"))
    assert.ok(row.share! < 1, `${row.suite} ${row.case}`);
  assert.match(standing({ suite: "softmax" }) ?? "", /best baseline/);
});

test("lab standing --json prints an array of rows and nothing else", () => {
  const { stdout, status } = lab("standing", "softmax", "--json");
  assert.equal(status, 0);
  const rows = JSON.parse(stdout) as Record<string, unknown>[];
  assert.ok(Array.isArray(rows) && rows.length > 0);
  for (const row of rows) {
    assert.deepEqual(Object.keys(row).sort(), [
      "best",
      "case",
      "device",
      "limit",
      "ours",
      "ratio",
      "suite",
      "target",
    ]);
    assert.equal(row.suite, "softmax");
  }
});

test("lab standing --json of a suite that is not there is an error, as JSON too", () => {
  const { stdout, status } = lab("standing", "nothing", "--json");
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string; advice: string } };
  assert.equal(error.code, "no-such-suite");
  assert.match(error.message, /"nothing"/);
  assert.match(error.advice, /softmax/);
  assert.notEqual(status, 0);
});

test("lab audit --json holds rows, rule and counts", () => {
  const { stdout, status } = lab("audit", "--verdict", "impossible", "--json");
  assert.equal(status, 0);
  const { rows, rule, counts } = JSON.parse(stdout) as {
    rows: { verdict: string }[];
    rule: string;
    counts: { impossible: number };
  };
  assert.equal(rows.length, counts.impossible);
  assert.ok(rows.every((row) => row.verdict === "impossible"));
  assert.match(rule, /85%/);
});
