import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChangeReport, ChangeRow } from "kernel-lab/dist/record/change";
import { changeMarkdown, changeText } from "kernel-lab/dist/show/changes";

const row: ChangeRow = {
  suite: "softmax",
  case: "512x4096",
  implementation: "softmax/04_online",
  severity: "acceptable",
  before: 1e-3,
  now: 1.01e-3,
  change: { severity: "acceptable", ratio: 1.01, lo: 0.99, hi: 1.03 },
  how: "in turns",
  note: "",
};
const slower: ChangeRow = {
  ...row,
  implementation: "softmax/05_vector",
  severity: "critical",
  now: 1.5e-3,
  change: { severity: "critical", ratio: 1.5, lo: 1.45, hi: 1.55 },
};
const report: ChangeReport = {
  baseline: "main",
  against: null,
  device: "NVIDIA H200",
  rows: [row, slower],
  notes: ["The lab differs: 0.1.0 before, 0.2.0 now."],
  exitCode: 2,
};

test("changeMarkdown() alerts, tables what changed and folds the rest away", () => {
  const text = changeMarkdown(report);
  assert.match(
    text,
    /^### Now against baseline main, NVIDIA H200\n\n> \[!CAUTION\]\n> 1 critical, 1 acceptable/,
  );
  assert.match(
    text,
    /\| CRITICAL \| softmax\/05_vector \| 512x4096 \|.*\+50\.0% \| \+45\.0% to \+55\.0% \| in turns/,
  );
  assert.match(text, /<details>\n<summary>1 acceptable<\/summary>\n\n\| result/);
  assert.match(text, /- The lab differs: 0\.1\.0 before, 0\.2\.0 now\.\n$/);
  assert.ok(text.indexOf("CRITICAL") < text.indexOf("<details>"));
});

test("changeMarkdown() of nothing but good news is a note", () => {
  const text = changeMarkdown({ ...report, rows: [row], exitCode: 0, notes: [] });
  assert.match(text, /> \[!NOTE\]\n> 1 acceptable\. No regression\./);
  assert.doesNotMatch(text, /CRITICAL/);
});

test("changeText() puts the worst first and says what a missing side is", () => {
  const missing: ChangeRow = {
    ...row,
    severity: "missing",
    now: null,
    change: null,
    how: "not measured",
    note: "gone",
  };
  const text = changeText({ ...report, rows: [row, missing, slower] });
  const at = (what: string) => text.indexOf(what);
  assert.ok(at("CRITICAL") < at("missing") && at("missing") < at(" ok ".trim().padEnd(3)), text);
  assert.match(text, /not measured\s+gone/);
});
