import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LabError } from "kernel-lab/dist/core/error";
import { homePath } from "kernel-lab/dist/core/paths";
import { criteriaOf, gradeFor } from "kernel-lab/dist/grade/criteria";
import { gradeSubmission, gradeSubmissions, type SubmissionGrade } from "kernel-lab/dist/grade/grade";
import { gradesCsv, gradeText } from "kernel-lab/dist/grade/gradeView";
import { readSubmissions } from "kernel-lab/dist/grade/submission";
import { packBundle } from "kernel-lab/dist/record/bundle";
import type { RunDocument } from "kernel-lab/dist/record/schema";
import { runText } from "kernel-lab/dist/record/store";
import { follow, honestRun, now, references, type Times } from "./fixtures";

function graded(run: RunDocument, recorded = [references()]): SubmissionGrade {
  const files = [{ name: "s.json", document: run, error: null, findings: [] }];
  return gradeSubmission({ student: "s", files }, { recorded, now });
}

test("criteriaOf() reads the published tables", () => {
  const criteria = criteriaOf();
  assert.deepEqual(criteria.acceptable, { maxAbs: 1e-3, meanAbs: 1e-4, maxRel: 1e-2 });
  assert.deepEqual(criteria.excellent, { maxAbs: 1e-4, meanAbs: 1e-5, maxRel: 1e-3 });
  assert.deepEqual(criteria.gates, { attention: 0.6, moe: 0.7, endToEnd: 0.4 });
  const grades: [number, string | null][] = [
    [0.81, "A"],
    [0.8, "B"],
    [0.71, "B"],
    [0.65, "C"],
    [0.41, "D"],
    [0.4, null],
  ];
  for (const [share, grade] of grades) assert.equal(gradeFor(share, criteria), grade, String(share));
});

test("gradeSubmission() takes the lower share of attention and MoE", () => {
  // The references: 0.6 ms, and 23.6 TFLOP at the rate of 739 GFLOP in 0.9 ms, 28.8 ms.
  const cases: [Times, string][] = [
    [{ attention: 0.7e-3, moe: 34e-3 }, "A"],
    [{ attention: 0.8e-3, moe: 34e-3 }, "B"],
    [{ attention: 0.7e-3, moe: 45e-3 }, "C"],
    [{ attention: 1.3e-3, moe: 34e-3 }, "D"],
    [{ attention: 2e-3, moe: 34e-3 }, "below D"],
  ];
  for (const [times, grade] of cases) {
    const made = graded(honestRun(times));
    assert.equal(made.grade, grade, `${JSON.stringify(times)}: ${made.why}`);
    assert.deepEqual(made.findings, []);
  }
  const made = graded(honestRun());
  assert.ok(Math.abs(made.attention.share! - 0.6 / 0.7) < 0.003, String(made.attention.share));
  assert.ok(Math.abs(made.moe.share! - 28.8 / 34) < 0.003, String(made.moe.share));
  assert.ok(Math.abs(made.endToEnd.share! - (40 / 25 - 1)) < 0.01);
  assert.deepEqual([made.attention.met, made.moe.met, made.endToEnd.met], [true, true, true]);
});

test("gradeSubmission() names the record of every deduction", () => {
  const run = honestRun({ attention: 0.8e-3, moe: 50e-3, endToEnd: 35e-3 });
  const { deductions, endToEnd } = graded(run);
  assert.equal(endToEnd.met, false);
  const of = (part: string) => deductions.filter((d) => d.part === part);
  assert.match(
    of("attention")[0]!.what,
    /75\.\d% of the reference, not above the 80\.0% of grade A.*800 us|75\.\d%/,
  );
  assert.equal(of("attention")[0]!.record, run.records[0]!.id);
  assert.match(of("moe")[0]!.what, /57\.\d% of cuBLAS, not above the minimum 70\.0%/);
  assert.equal(of("moe")[0]!.record, run.records[1]!.id);
  assert.match(of("endToEnd")[0]!.what, /faster than PyTorch naive, not above the minimum 40\.0%/);
  assert.ok(deductions.every((d) => d.file === "s.json" && d.case.length > 0));
});

test("gradeSubmission() says what is not shown, and what the rest allows", () => {
  const run = honestRun();
  run.records.splice(0, 1);
  const made = graded(run);
  assert.equal(made.grade, null);
  assert.match(made.why, /not shown: attention; what is shown allows A at best/);
  assert.deepEqual(
    [made.attention.share, made.attention.met, made.attention.note],
    [null, null, "not shown: no record"],
  );
  const nothing = graded({ ...run, records: [] });
  assert.match(nothing.why, /attention and MoE/);
  assert.equal(nothing.numerical.level, null);
  const unreferenced = graded(honestRun(), []);
  assert.equal(unreferenced.moe.share, null);
  assert.match(unreferenced.moe.note, /no reference/);
});

test("gradeSubmission() grades errors by the published levels, the relative one only beyond the absolute", () => {
  const level = (errors: { maxAbs?: number; meanAbs?: number; maxRel?: number }) => {
    const run = honestRun();
    Object.assign(run.records[0]!.check!, errors);
    return graded(run).numerical.level;
  };
  assert.equal(level({}), "excellent");
  assert.equal(level({ maxAbs: 5e-4, maxRel: 5e-3 }), "acceptable");
  assert.equal(level({ maxAbs: 5e-4, meanAbs: 5e-5 }), "acceptable");
  assert.equal(level({ maxAbs: 5e-3, maxRel: 5e-3 }), "not acceptable");
  assert.equal(level({ maxRel: 1 }), "excellent");
  assert.equal(level({ maxAbs: 5e-4, maxRel: 1 }), "acceptable");
  const run = honestRun();
  run.records[0]!.check!.maxAbs = 5e-3;
  const [deduction] = graded(run).deductions.filter((d) => d.part === "numerical");
  assert.equal(deduction?.record, run.records[0]!.id);
  assert.match(deduction!.what, /max absolute error 0\.005 is not below 0\.001/);
});

test("gradeSubmission() counts no rejected record and says why", () => {
  const run = honestRun();
  run.records[0]!.verdict = { verdict: "rejected", reasons: ["the output is wrong"] };
  const made = graded(run);
  assert.match(made.why, /not shown: attention/);
  assert.match(made.deductions.find((d) => d.part === "trust")!.what, /does not count: the output is wrong/);
});

test("gradeSubmission() takes a reference from the student's file only where nothing else is, and says so", () => {
  const own = honestRun();
  own.records.push(...references().records);
  const made = graded(own, []);
  assert.equal(made.grade, "A");
  assert.match(made.deductions.map((d) => d.what).join("\n"), /reference comes from the student's own file/);
  own.records[4]!.samples = own.records[4]!.samples.map((s) => s * 4);
  assert.ok(graded(own).attention.cases.every((c) => c.reference?.own === false));
});

test("gradeSubmission() falls back to the published reference on the chip it was published for", () => {
  const run = honestRun({ attention: 7e-3 });
  run.environment = {
    ...run.environment,
    device: {
      ...run.environment.device,
      name: "NVIDIA A100-SXM4-80GB",
      capability: [8, 0],
      memoryBytes: 80e9,
    },
  };
  const { attention } = graded(run, []);
  assert.match(attention.cases[0]!.reference!.source, /flash-attention-b16-s2048, NVIDIA A100 80GB/);
  assert.ok(Math.abs(attention.share! - 6.8 / 7) < 0.01);
});

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), "handed-in-"));
  writeFileSync(join(root, "ada.json"), runText(honestRun()));
  mkdirSync(join(root, "=bob"));
  writeFileSync(join(root, "=bob", "one.json"), runText(honestRun({ attention: 0.8e-3 })));
  writeFileSync(join(root, "=bob", "two.json"), "{");
  writeFileSync(join(root, "eve.json"), runText(honestRun()).replace('"passed": true', '"passed": false'));
  const { digest: _, ...unsealed } = JSON.parse(runText(honestRun())) as { digest: string };
  writeFileSync(join(root, "mal.json"), JSON.stringify(unsealed));
  writeFileSync(join(root, "notes.txt"), "not a result");
  return root;
}

test("readSubmissions() takes each file and each folder of a folder as a student's", () => {
  const found = readSubmissions([folder()]);
  assert.deepEqual(
    found.map((s) => [s.student, s.files.map((f) => f.name)]),
    [
      ["=bob", ["one.json", "two.json"]],
      ["ada", ["ada.json"]],
      ["eve", ["eve.json"]],
      ["mal", ["mal.json"]],
    ],
  );
  const [bob, ada, eve, mal] = found;
  assert.equal(ada?.files[0]?.error, null);
  assert.match(bob?.files[1]?.error ?? "", /whole JSON document/);
  assert.deepEqual(
    eve?.files[0]?.findings.map((f) => [f.kind, f.severity]),
    [["seal", "forged"]],
  );
  assert.ok(eve?.files[0]?.document, "an edited file is looked into all the same");
  assert.deepEqual(
    mal?.files[0]?.findings.map((f) => [f.kind, f.severity]),
    [["seal", "suspicious"]],
  );
  assert.throws(
    () => readSubmissions([join(tmpdir(), "no-such-folder")]),
    (e) => LabError.is(e, "no-submission"),
  );
  assert.throws(
    () => readSubmissions([mkdtempSync(join(tmpdir(), "empty-"))]),
    (e) => LabError.is(e, "no-submission"),
  );
});

test("a student whose folder holds no result is graded as one who handed nothing in", () => {
  const root = folder();
  mkdirSync(join(root, "zoe"));
  writeFileSync(join(root, "zoe", "excuse.txt"), "next week");
  mkdirSync(join(root, ".git"));
  const grades = gradeSubmissions(readSubmissions([root]), { recorded: [references()], now });
  assert.deepEqual(
    grades.map((g) => g.student),
    ["=bob", "ada", "eve", "mal", "zoe"],
  );
  assert.deepEqual([grades[4]?.grade, grades[4]?.files.length], [null, 0]);
  assert.match(grades[4]?.why ?? "", /nothing was handed in/);
});

test("gradeSubmissions() tells both students of one measurement, under whatever name, and of a multiple of it", () => {
  const root = mkdtempSync(join(tmpdir(), "shared-"));
  const put = (name: string, run: RunDocument) => writeFileSync(join(root, name), runText(run));
  const [ada, bob] = [honestRun(), honestRun()];
  put("ada.json", ada);
  put("bob.json", bob);
  const renamed = structuredClone(ada);
  renamed.id = "another";
  for (const [i, record] of renamed.records.entries()) record.id = bob.records[i]!.id;
  renamed.records[0] = follow({
    ...renamed.records[0]!,
    samples: renamed.records[0]!.samples.map((s) => s / 2),
  });
  put("cy.json", renamed);
  const grades = gradeSubmissions(readSubmissions([root]), { recorded: [references()], now });
  const copied = grades.map((g) => g.findings.filter((f) => f.kind === "copied"));
  assert.deepEqual(
    copied.map((found) => found.map((f) => [f.severity, f.file, f.what.replace(/ the samples.*that/, "")])),
    [
      [["suspicious", "ada.json", "4 records have cy handed in"]],
      [],
      [["suspicious", "cy.json", "4 records have ada handed in"]],
    ],
  );
  assert.match(gradesCsv(grades).split("\r\n")[1]!, /,suspicious: copied$/);
});

test("readSubmissions() reads the bundles of lab export, and names an edited run in one", () => {
  const root = mkdtempSync(join(tmpdir(), "bundles-"));
  const run = honestRun();
  writeFileSync(join(root, "ada.zip"), packBundle({ results: [{ run, path: null }], baselines: [] }));
  writeFileSync(join(root, "bad.zip"), "no bundle");
  mkdirSync(join(root, "eve"));
  const edited = runText(run).replace('"passed": true', '"passed": false');
  writeFileSync(join(root, "eve", "edited.json"), edited);
  const zipped = packBundle({ results: [{ run, path: join(root, "eve", "edited.json") }], baselines: [] });
  writeFileSync(join(root, "eve.zip"), zipped);
  const [ada, bad, , eve] = readSubmissions([root]);
  assert.deepEqual([ada?.student, ada?.files[0]?.document?.id, ada?.files[0]?.findings], ["ada", run.id, []]);
  assert.match(bad?.files[0]?.error ?? "", /bundle of lab export/);
  assert.equal(eve?.student, "eve");
  assert.deepEqual(
    eve?.files[0]?.findings.map((f) => [f.kind, f.severity]),
    [["seal", "forged"]],
  );
});

test("gradeText() and gradesCsv() show grades, shares and findings, and no formula reaches a spreadsheet", () => {
  const grades = readSubmissions([folder()]).map((s) =>
    gradeSubmission(s, { recorded: [references()], now }),
  );
  assert.deepEqual(
    grades.map((g) => g.grade),
    ["B", "A", null, "A"],
  );
  const text = grades.map(gradeText).join("\n");
  assert.match(text, /ada: A \(the lower of attention 8\d\.\d% and MoE 8\d\.\d% of the reference\)/);
  assert.match(text, /unreadable {3}two\.json/);
  assert.match(text, /forged +eve\.json: .*digest/);
  const rows = gradesCsv(grades).trimEnd().split("\r\n");
  assert.equal(rows.length, 5);
  assert.match(rows[0]!, /^student,grade,why,numerical,attention share/);
  assert.match(rows[1]!, /^'=bob,B,/);
  assert.match(rows[2]!, /^ada,A,.*,excellent,0\.8\d+,0\.8\d+,0\.6\d+,0,0,0,0,$/);
  assert.match(rows[3]!, /^eve,,withheld.*,"forged: (?:\w+, )*seal/);
});

test("lab grade prints CSV and JSON, and exits 1 where a file is forged or cannot be read", () => {
  const root = folder();
  const lab = (...args: string[]) =>
    spawnSync(process.execPath, [homePath("lib", "bin", "lab.js"), "grade", ...args], { encoding: "utf8" });
  const csv = lab(root, "--csv");
  assert.equal(csv.status, 1);
  assert.equal(csv.stdout.trimEnd().split("\r\n").length, 5);
  const json = lab(join(root, "ada.json"), "--json");
  assert.equal(json.status, 0, json.stderr);
  const [ada] = JSON.parse(json.stdout) as SubmissionGrade[];
  assert.equal(ada?.student, "ada");
  assert.ok(readFileSync(join(root, "ada.json"), "utf8").includes(ada!.attention.cases[0]!.record));
});
