import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { strToU8, zipSync } from "fflate";
import { LabError } from "kernel-lab/dist/core/error";
import { packBundle, readBundle } from "kernel-lab/dist/record/bundle";
import { runDocument } from "kernel-lab/dist/record/document";
import { readRun, saveRun } from "kernel-lab/dist/record/store";
import { saveTrace } from "kernel-lab/dist/record/traceFile";
import { fixtureRecord } from "./fixtures";

const scratch = mkdtempSync(join(tmpdir(), "kernel-lab-bundle-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

function written(name: string, bytes: Uint8Array): string {
  const path = join(scratch, name);
  writeFileSync(path, bytes);
  return path;
}

test("a bundle gives back runs, baselines and the traces beside them, oldest run first", () => {
  const late = saveRun(
    runDocument("softmax", [fixtureRecord({ date: "2026-03-01T00:00:00.000Z" })]),
    scratch,
  );
  const early = saveRun(
    runDocument("softmax", [fixtureRecord({ date: "2026-01-01T00:00:00.000Z" })]),
    scratch,
  );
  const trace = { kernel: "k", fileName: "k.cu", source: "", sampled: false, lines: [] };
  saveTrace(trace, late, "a look");
  const cut = runDocument("matmul", [fixtureRecord({ suite: "matmul", kind: "baseline" })]);
  const path = written(
    "whole.zip",
    packBundle({
      results: [late, early].map((file) => ({ run: readRun(file), path: file })),
      baselines: [{ run: cut, path: null }],
    }),
  );
  const bundle = readBundle(path);
  assert.deepEqual(bundle.runs, [readRun(early), readRun(late)]);
  assert.deepEqual(
    bundle.baselines.map((run) => run.id),
    [cut.id],
  );
  assert.deepEqual(
    bundle.traces.map((t) => [t.of, t.title, t.trace]),
    [["lens", "a look", trace]],
  );
  assert.deepEqual(bundle.skipped, []);
});

test("readBundle() names a damaged or edited run and keeps the rest", () => {
  const good = saveRun(runDocument("softmax", [fixtureRecord()]), scratch);
  const run = readRun(good);
  const head = strToU8(JSON.stringify({ kind: "kernel-lab-bundle", version: 1 }));
  const path = written(
    "damaged.zip",
    zipSync({
      "bundle.json": head,
      "results/softmax/torn.json": strToU8('{"kind": "kernel'),
      "results/softmax/edited.json": strToU8(JSON.stringify({ ...run, notes: ["forged"] })),
      "results/softmax/good.json": strToU8(JSON.stringify(run)),
      "../../outside.json": strToU8("{}"),
    }),
  );
  const { runs, skipped } = readBundle(path);
  assert.deepEqual(runs, [run]);
  assert.deepEqual(
    skipped.map((s) => [s.path, s.error.code]),
    [
      ["results/softmax/torn.json", "bad-record-file"],
      ["results/softmax/edited.json", "edited-record-file"],
    ],
  );
});

test("readBundle() says why a file is no bundle", () => {
  const head = (fields: object) => zipSync({ "bundle.json": strToU8(JSON.stringify(fields)) });
  const whole = packBundle({
    results: [{ run: runDocument("softmax", [fixtureRecord()]), path: null }],
    baselines: [],
  });
  const wrong: [string, Uint8Array, RegExp][] = [
    ["text.zip", strToU8("hello"), /invalid zip/],
    ["cut.zip", whole.slice(0, whole.length / 2), /invalid zip/],
    ["other.zip", zipSync({ "a.txt": strToU8("a") }), /no bundle\.json/],
    ["foreign.zip", head({ kind: "something" }), /something else/],
    ["newer.zip", head({ kind: "kernel-lab-bundle", version: 9 }), /version 9/],
  ];
  for (const [name, bytes, why] of wrong) {
    const path = written(name, bytes);
    assert.throws(
      () => readBundle(path),
      (e) => LabError.is(e, "bad-bundle") && why.test(e.message) && e.message.includes(name),
      name,
    );
  }
});

test("packBundle() of nothing throws no-records", () => {
  assert.throws(
    () => packBundle({ results: [], baselines: [] }),
    (e) => LabError.is(e, "no-records"),
  );
});
