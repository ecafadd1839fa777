import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { program } from "kernel-lab/dist/cli/main";
import { findNotebooks } from "kernel-lab/dist/cli/run";
import { LabError } from "kernel-lab/dist/core/error";
import { dataPath, homePath } from "kernel-lab/dist/core/paths";
import { runDocument } from "kernel-lab/dist/record/document";
import { saveRun } from "kernel-lab/dist/record/store";
import { fixtureRecord } from "../record/fixtures";

// A home of its own: commands that write must not touch the checkout.
const scratch = mkdtempSync(join(tmpdir(), "kernel-lab-cli-"));
for (const folder of ["kernels", "native", "notebooks"]) mkdirSync(join(scratch, folder));
mkdirSync(join(scratch, "data"));
cpSync(dataPath("gpus.json"), join(scratch, "data", "gpus.json"));
after(() => rmSync(scratch, { recursive: true, force: true }));

function lab(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [homePath("lib", "bin", "lab.js"), ...args],
    {
      encoding: "utf8",
      env: { ...process.env, KERNEL_LAB_HOME: scratch, KERNEL_LAB_CACHE: join(scratch, "cache") },
    },
  );
  return { status, stdout, stderr };
}

test("every command has a description, --json and examples", () => {
  const { commands } = program();
  assert.deepEqual(commands.map((c) => c.name()).sort(), [
    "baselines",
    "bench",
    "bundle",
    "clean",
    "doctor",
    "list",
    "report",
    "run",
  ]);
  for (const command of commands) {
    assert.ok(command.description().length > 10, command.name());
    assert.ok(
      command.options.some((o) => o.long === "--json"),
      `${command.name()} has no --json`,
    );
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    assert.match(help, /Examples:\n {2}lab /, command.name());
  }
});

test("lab --help exits 0 and documents the exit codes; a wrong command exits 2", () => {
  const help = lab("--help");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /Exit codes:\n {2}0 {2}done/);
  assert.equal(lab("nonsense").status, 2);
  assert.equal(lab("list", "--nonsense").status, 2);
});

test("lab list --json prints the rungs", () => {
  const { status, stdout } = lab("list", "softmax", "--json");
  assert.equal(status, 0);
  const rows = JSON.parse(stdout) as { id: string; file: string }[];
  assert.ok(rows.length >= 6);
  assert.ok(rows.every((r) => r.id.startsWith("softmax/") && r.file.startsWith("kernels/softmax/")));
});

test("lab report writes both forms and warns of a damaged file", () => {
  saveRun(runDocument("softmax", [fixtureRecord()]), join(scratch, "results"));
  writeFileSync(join(scratch, "results", "softmax", "torn.json"), '{"kind": "kernel-lab-run", "rec');
  const { status, stdout } = lab("report", "--json");
  assert.equal(status, 0);
  const made = JSON.parse(stdout) as { html: string; markdown: string; warnings: string[] };
  assert.match(readFileSync(made.html, "utf8"), /softmax\/04_online/);
  assert.match(readFileSync(made.markdown, "utf8"), /softmax\/04_online/);
  assert.equal(made.warnings.length, 1);
  assert.match(made.warnings[0], /torn\.json/);
});

test("lab clean deletes the cache and keeps the results", () => {
  mkdirSync(join(scratch, "cache"), { mode: 0o700 });
  assert.equal(lab("clean", "--dry-run").status, 0);
  assert.ok(existsSync(join(scratch, "cache")));
  assert.equal(lab("clean", "--all").status, 0);
  assert.ok(!existsSync(join(scratch, "cache")));
  assert.ok(existsSync(join(scratch, "results", "softmax")));
});

test("an error is one line with its code, or JSON", () => {
  const text = lab("run", "no-such-notebook");
  assert.equal(text.status, 1);
  assert.match(text.stderr, /^lab: .*\n.*\[no-such-notebook\]\n$/);
  const json = lab("run", "no-such-notebook", "--json");
  assert.equal((JSON.parse(json.stdout) as { error: { code: string } }).error.code, "no-such-notebook");
});

test("findNotebooks() throws no-such-notebook", () => {
  assert.throws(
    () => findNotebooks("99"),
    (e) => LabError.is(e, "no-such-notebook"),
  );
});

test("lab doctor exits 0 and tells what mends each missing part", () => {
  const { status, stdout } = lab("doctor", "--json");
  assert.equal(status, 0);
  const parts = JSON.parse(stdout) as { name: string; found: boolean; mend: string }[];
  const names = [
    "C++ compiler",
    "NVIDIA driver",
    "NVRTC",
    "NVML",
    "cuBLASLt",
    "NCCL",
    "Python",
    "PyTorch",
    "Jupyter",
    "device",
  ];
  for (const name of names) {
    const part = parts.find((p) => p.name === name);
    assert.ok(part, name);
    assert.ok(part.found || part.mend.length > 5, `${name} is missing and nothing mends it`);
  }
});
