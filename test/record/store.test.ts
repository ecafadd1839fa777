import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "kernel-lab/dist/core/error";
import { resultsPath } from "kernel-lab/dist/core/paths";
import { runDocument } from "kernel-lab/dist/record/document";
import { jsonSchemaText } from "kernel-lab/dist/record/jsonSchema";
import { schemaVersion } from "kernel-lab/dist/record/schema";
import { latestRecords, loadRuns, readRun, recordsOf, saveRun } from "kernel-lab/dist/record/store";
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
  assert.deepEqual(readRun(path), document);
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

test("readRun() brings a document of an older version up to the present one", () => {
  const folder = fresh("older");
  const path = saveRun(runDocument("softmax", [fixtureRecord()]), folder);
  writeFileSync(path, readFileSync(path, "utf8").replace(/"schemaVersion": \d+/, '"schemaVersion": 1'));
  const run = readRun(path);
  assert.equal(run.schemaVersion, schemaVersion);
  assert.equal(run.records[0].samples.length, fixtureRecord().samples.length);
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
  put("edited.json", text.replace('"median"', '"medium"'));
  const { runs, skipped } = loadRuns(folder);
  assert.equal(runs.length, 1);
  const codes = Object.fromEntries(skipped.map((s) => [s.path.split("/").at(-1), s.error.code]));
  assert.deepEqual(codes, {
    "truncated.json": "bad-record-file",
    "empty.json": "bad-record-file",
    "foreign.json": "foreign-record-file",
    "null.json": "foreign-record-file",
    "newer.json": "newer-record-file",
    "edited.json": "bad-record-file",
  });
  for (const s of skipped) assert.ok(s.error.message.includes(s.path), "the message names the file");
});

test("loadRuns() of a folder that is not there is empty", () => {
  assert.deepEqual(loadRuns(join(scratch, "nowhere")), { runs: [], skipped: [] });
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

test("a writer killed at any moment leaves whole files only", async () => {
  const folder = fresh("killed");
  const program = `
    const { saveRun } = require(${JSON.stringify(require.resolve("kernel-lab/dist/record/store"))});
    const { runDocument } = require(${JSON.stringify(require.resolve("kernel-lab/dist/record/document"))});
    const { fixtureRecord } = require(${JSON.stringify(join(__dirname, "fixtures.js"))});
    const records = Array.from({ length: 40 }, () => fixtureRecord());
    process.stdout.write("go");
    for (;;) saveRun(runDocument("softmax", records), process.argv[1]);`;
  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, ["-e", program, folder], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    // The first write may take long on a busy machine; then the kill comes at another moment each round.
    while (round === 0 && readdirSync(folder, { recursive: true }).length < 3) await sleep(5);
    await sleep(20 + round * 9);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
  }
  const { runs, skipped } = loadRuns(folder);
  assert.deepEqual(skipped, []);
  assert.ok(runs.length > 0, "the writers wrote something before they died");
  assert.ok(runs.every((run) => run.records.length === 40));
});

test("results/schema.json is what the definition gives", () => {
  assert.equal(readFileSync(resultsPath("schema.json"), "utf8"), jsonSchemaText());
});
