import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { dataPath, homePath } from "kernel-lab/dist/core/paths";
import { runDocument } from "kernel-lab/dist/record/document";
import { saveRun } from "kernel-lab/dist/record/store";
import { fixtureRecord } from "../record/fixtures";

// One home with results, and one with none: a machine that only has the bundle.
const scratch = mkdtempSync(join(tmpdir(), "kernel-lab-export-"));
for (const home of ["here", "there"]) {
  for (const folder of ["kernels", "native", "data/baselines", "results"]) {
    mkdirSync(join(scratch, home, folder), { recursive: true });
  }
  copyFileSync(dataPath("gpus.json"), join(scratch, home, "data", "gpus.json"));
}
const slow = Array.from({ length: 50 }, (_, i) => 3e-3 + ((i * 7) % 11) * 1e-7);
saveRun(runDocument("softmax", [fixtureRecord()]), join(scratch, "here", "results"));
saveRun(
  runDocument("baselines", [fixtureRecord({ id: "torch/eager", kind: "baseline", samples: slow })]),
  join(scratch, "here", "data"),
);
after(() => rmSync(scratch, { recursive: true, force: true }));

function lab(home: "here" | "there", ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [homePath("lib", "bin", "lab.js"), ...args],
    { encoding: "utf8", cwd: scratch, env: { ...process.env, KERNEL_LAB_HOME: join(scratch, home) } },
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

test("lab export writes CSV and Parquet by the file's ending, a row a record or a sample", () => {
  assert.match(lab("here", "export", "all.csv"), /2 rows of \d+ columns/);
  const rows = readFileSync(join(scratch, "all.csv"), "utf8").trimEnd().split("\r\n");
  assert.equal(rows.length, 3);
  assert.match(rows[0], /^record,date,suite,/);
  const made = JSON.parse(lab("here", "export", "some.parquet", "--samples", "--no-baselines", "--json"));
  assert.equal(made.rows, 50);
  const bytes = readFileSync(join(scratch, "some.parquet"));
  assert.equal(bytes.subarray(0, 4).toString(), "PAR1");
});

test("lab report --from a bundle on another machine draws the same report", () => {
  lab("here", "export", "bundle.zip");
  lab("here", "report", "--out", "first.html");
  lab("there", "report", "--from", "bundle.zip", "--out", "second.html");
  const undated = (name: string) =>
    readFileSync(join(scratch, name), "utf8").replaceAll(/\d{4}-\d\d-\d\d(T[\d:.]+Z| \d\d:\d\d UTC)/g, "now");
  for (const ending of ["html", "md"]) {
    assert.equal(undated(`second.${ending}`), undated(`first.${ending}`));
  }
  assert.match(undated("second.md"), /3\.00x torch\/eager/);
});

test("lab report --from takes result files of others too, and names a damaged one of a bundle", () => {
  const path = saveRun(
    runDocument("matmul", [fixtureRecord({ suite: "matmul", id: "matmul/mine" })]),
    scratch,
  );
  lab("there", "report", "--from", path, "--out", "third.html");
  assert.match(readFileSync(join(scratch, "third.html"), "utf8"), /matmul\/mine/);
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.slice(0, 200));
  const { status, stderr } = spawnSync(
    process.execPath,
    [homePath("lib", "bin", "lab.js"), "report", "--from", path],
    { encoding: "utf8" },
  );
  assert.equal(status, 1);
  assert.match(stderr, /\[bad-record-file\]/);
});

test("lab export refuses an ending that it does not know", () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [homePath("lib", "bin", "lab.js"), "export", join(scratch, "x.xlsx")],
    { encoding: "utf8" },
  );
  assert.equal(status, 2);
  assert.match(stderr, /\.csv, \.parquet or \.zip/);
});
