import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { LabError } from "kernel-lab/dist/core/error";
import { resultsPath } from "kernel-lab/dist/core/paths";
import { runDocument } from "kernel-lab/dist/record/document";
import { jsonSchemaText } from "kernel-lab/dist/record/jsonSchema";
import { documentSchema } from "kernel-lab/dist/record/schema";
import { digestOf } from "kernel-lab/dist/record/seal";
import {
  latestRecords,
  loadRuns,
  readRun,
  readRunText,
  recordsOf,
  runText,
  saveRun,
} from "kernel-lab/dist/record/store";
import { verifiedName } from "kernel-lab/dist/record/verified";
import { fixtureRecord } from "./fixtures";

const scratch = mkdtempSync(join(tmpdir(), "kernel-lab-store-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

function fresh(name: string): string {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

test("saveRun() then readRun() gives the same document", () => {
  const folder = fresh("roundtrip");
  const document = runDocument("softmax", [fixtureRecord(), fixtureRecord({ id: "softmax/05_vectorised" })]);
  const path = saveRun(document, folder);
  assert.match(path, /softmax\/nvidia-h200-2026-11-21T05-00-00-000Z\.json$/);
  assert.deepEqual(readRun(path), { ...document, digest: digestOf(document) });
  assert.deepEqual(
    readdirSync(join(folder, "softmax")).filter((n) => n.endsWith(".tmp")),
    [],
  );
});

test("saveRun() never overwrites a file of the same device and time", () => {
  const folder = fresh("collide");
  const paths = [1, 2, 3].map(() => saveRun(runDocument("softmax", [fixtureRecord()]), folder));
  assert.equal(new Set(paths).size, 3);
  assert.equal(loadRuns(folder).runs.length, 3);
});

test("a sample that is no time is found, on writing and on reading", () => {
  const folder = fresh("samples");
  for (const samples of [[1e-3, -1e-9], [1e-3, Number.NaN], [1e-3, "2e-3"], [null], [], "fast", undefined]) {
    const document = runDocument("softmax", [fixtureRecord()]);
    Object.assign(document.records[0], { samples });
    assert.throws(
      () => saveRun(document, folder),
      (e) => LabError.is(e, "bad-record") && /samples: expected at least one time/.test(e.message),
      JSON.stringify(samples),
    );
    assert.throws(
      () => readRunText(runText(document), "a file"),
      (e) => LabError.is(e, "bad-record-file"),
    );
  }
});

test("saveRun() refuses a record that does not fit the schema and leaves nothing behind", () => {
  const folder = fresh("refuse");
  const document = runDocument("softmax", [fixtureRecord()]);
  document.records[0].samples = [];
  assert.throws(
    () => saveRun(document, folder),
    (e) => LabError.is(e, "bad-record"),
  );
  assert.deepEqual(readdirSync(folder), []);
});

test("loadRuns() names truncated, foreign, newer and edited files and keeps the rest", () => {
  const folder = fresh("damaged");
  const good = saveRun(runDocument("softmax", [fixtureRecord()]), folder);
  const text = readFileSync(good, "utf8");
  const put = (name: string, content: string) => writeFileSync(join(folder, "softmax", name), content);
  put("truncated.json", text.slice(0, text.length / 2));
  put("empty.json", "");
  put("foreign.json", '{"hello": 1}');
  put("null.json", "null");
  put("newer.json", text.replace(/"schemaVersion": \d+/, '"schemaVersion": 99'));
  put("edited.json", text.replace('"verdict": "trusted"', '"verdict": "rejected"'));
  put("wrong.json", text.replace('"median"', '"medium"').replace(/"sha256:\w+"/, "null"));
  mkdirSync(join(folder, "softmax", "folder.json"));
  writeFileSync(join(folder, "softmax", ".half-1-ab.tmp"), "{");
  const { runs, skipped } = loadRuns(folder);
  assert.deepEqual(
    runs.map((run) => run.id),
    [readRun(good).id],
  );
  const codes = Object.fromEntries(skipped.map((s) => [s.path.split("/").at(-1), s.error.code]));
  assert.deepEqual(codes, {
    "truncated.json": "bad-record-file",
    "empty.json": "bad-record-file",
    "foreign.json": "foreign-record-file",
    "null.json": "foreign-record-file",
    "newer.json": "newer-record-file",
    "edited.json": "edited-record-file",
    "wrong.json": "bad-record-file",
    "folder.json": "bad-record-file",
  });
  for (const s of skipped) {
    assert.ok(s.error.message.includes(s.path), "the message names the file");
    assert.ok(existsSync(s.path), "and the file is still there");
  }
});

test("loadRuns() of a folder that is not there is empty", () => {
  assert.deepEqual(loadRuns(join(scratch, "nowhere")), { runs: [], paths: [], skipped: [] });
});

test("recordsOf() filters and latestRecords() keeps the newest", () => {
  const old = runDocument("softmax", [fixtureRecord({ date: "2026-01-01T00:00:00.000Z" })]);
  const now = runDocument("softmax", [
    fixtureRecord({ date: "2026-02-01T00:00:00.000Z" }),
    fixtureRecord({ date: "2026-02-01T00:00:00.000Z", id: "torch/eager", kind: "baseline" }),
  ]);
  assert.equal(recordsOf([old, now], { kind: "ours" }).length, 2);
  const latest = latestRecords(recordsOf([now, old]));
  assert.equal(latest.length, 2);
  assert.ok(latest.every((r) => r.environment.date.startsWith("2026-02")));
});

test("runDocument() refuses records of two devices and no records", () => {
  const mixed = [fixtureRecord(), fixtureRecord({ device: "cpu" })];
  assert.throws(
    () => runDocument("softmax", mixed),
    (e) => LabError.is(e, "mixed-devices"),
  );
  assert.throws(
    () => runDocument("softmax", []),
    (e) => LabError.is(e, "no-records"),
  );
});

/** Files that settled long enough ago to be noted as checked, and how many files a load checks. */
function settled(folder: string, files: number): string[] {
  const paths = Array.from({ length: files }, () =>
    saveRun(runDocument("softmax", [fixtureRecord()]), folder),
  );
  return paths;
}

function checksOfALoad(context: TestContext, folder: string): number {
  const check = context.mock.method(documentSchema, "safeParse");
  const now = Date.now();
  const later = context.mock.method(Date, "now", () => now + 60_000);
  loadRuns(folder);
  later.mock.restore();
  check.mock.restore();
  return check.mock.callCount();
}

test("loadRuns() checks a file once, and again after any change to it", (context) => {
  const folder = fresh("verified");
  const paths = settled(folder, 40);
  const first = paths[0];
  assert.equal(checksOfALoad(context, folder), 40);
  assert.equal(checksOfALoad(context, folder), 0);
  // The same size and the same time of modification: only the inode's own time tells.
  const text = readFileSync(first, "utf8");
  const { atime, mtime } = statSync(first);
  writeFileSync(first, text.replace('"trusted"', '"toasted"'));
  utimesSync(first, atime, mtime);
  assert.deepEqual(
    loadRuns(folder).skipped.map((s) => [s.path, s.error.code]),
    [[first, "edited-record-file"]],
  );
  writeFileSync(first, text);
  assert.equal(checksOfALoad(context, folder), 1);
  saveRun(runDocument("softmax", [fixtureRecord()]), folder);
  assert.equal(checksOfALoad(context, folder), 2, "that one, not yet worth noting, and the new one");
});

test("loadRuns() does without its notes when they are damaged, old or cannot be written", (context) => {
  const folder = fresh("unnoted");
  settled(folder, 40);
  assert.equal(checksOfALoad(context, folder), 40);
  const notes = join(folder, verifiedName);
  const kept = readFileSync(notes, "utf8");
  for (const damaged of ["", "{", "[]", kept.replace(/"checkedBy":"\d+/, '"checkedBy":"0')]) {
    writeFileSync(notes, damaged);
    assert.equal(checksOfALoad(context, folder), 40, damaged.slice(0, 40));
  }
  rmSync(notes);
  mkdirSync(notes);
  assert.equal(checksOfALoad(context, folder), 40);
});

test("a file that was just written is not noted: it may change again within the clock's tick", (context) => {
  const folder = fresh("racy");
  settled(folder, 40);
  loadRuns(folder);
  assert.ok(!existsSync(join(folder, verifiedName)));
  assert.equal(checksOfALoad(context, folder), 40);
});

test("results/schema.json is what the definition gives", () => {
  assert.equal(readFileSync(resultsPath("schema.json"), "utf8"), jsonSchemaText());
});

test("loadRuns() leaves the validation's records, which are of another kind, to their own reader", () => {
  const folder = fresh("validation");
  saveRun(runDocument("softmax", [fixtureRecord()]), folder);
  mkdirSync(join(folder, "validation"));
  writeFileSync(join(folder, "validation", "nvidia-h200.json"), '{"kind": "kernel-lab-validation"}');
  const { runs, skipped } = loadRuns(folder);
  assert.deepEqual([runs.length, skipped.length], [1, 0]);
});
