import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LabError } from "kernel-lab/dist/core/error";
import { homePath } from "kernel-lab/dist/core/paths";
import { migrate } from "kernel-lab/dist/record/migrations";
import { schemaVersion } from "kernel-lab/dist/record/schema";
import { readRun } from "kernel-lab/dist/record/store";

const fixtures = (version: number) => homePath("test", "record", `v${version}`);

test("there is a file of every older version, and each is read as the present one", () => {
  for (let version = 1; version < schemaVersion; version++) {
    const folder = fixtures(version);
    assert.ok(existsSync(folder), folder);
    for (const name of readdirSync(folder)) {
      const stored = JSON.parse(readFileSync(join(folder, name), "utf8"));
      assert.equal(stored.schemaVersion, version, name);
      const run = readRun(join(folder, name));
      assert.equal(run.schemaVersion, schemaVersion);
      assert.equal(run.records.length, stored.records.length);
      assert.deepEqual(run.records[0].samples, stored.records[0].samples);
    }
  }
});

test("migrate() from 1 changes nothing but the version, and not its argument", () => {
  const stored = JSON.parse(readFileSync(join(fixtures(1), "softmax.json"), "utf8"));
  const before = structuredClone(stored);
  const now = migrate(stored);
  assert.deepEqual(stored, before);
  assert.deepEqual({ ...now, schemaVersion: 1 }, before);
});

test("migrate() passes what is damaged on to the schema, and refuses a version it has no way from", () => {
  assert.deepEqual(migrate({ schemaVersion: 1, records: [null, 3] }).records, [null, 3]);
  assert.equal(migrate({ schemaVersion: 1, records: "none" }).records, "none");
  for (const version of [0, -1, 1.5, "one", undefined]) {
    assert.throws(
      () => migrate({ schemaVersion: version }),
      (e) => LabError.is(e, "unknown-record-version"),
    );
  }
});
