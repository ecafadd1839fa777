import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { values } from "kernel-lab/dist/cli/completionValues";
import { leavesOf, program } from "kernel-lab/dist/cli/main";
import { exitCodes, exitWith } from "kernel-lab/dist/cli/output";
import { findNotebooks } from "kernel-lab/dist/cli/run";
import { LabError } from "kernel-lab/dist/core/error";
import { dataPath, homePath } from "kernel-lab/dist/core/paths";
import { runDocument } from "kernel-lab/dist/record/document";
import { saveBaseline } from "kernel-lab/dist/record/savedBaseline";
import { readRun, saveRun } from "kernel-lab/dist/record/store";
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
  const lab = program();
  for (const name of [
    "baseline",
    "baselines",
    "bench",
    "bundle",
    "calibrate",
    "clean",
    "compare",
    "completion",
    "doctor",
    "export",
    "list",
    "report",
    "run",
    "sweep",
    "validate",
  ]) {
    assert.ok(
      lab.commands.some((c) => c.name() === name),
      name,
    );
  }
  const leaves = leavesOf(lab);
  assert.ok(leaves.length >= lab.commands.length);
  for (const command of leaves) {
    assert.ok(command.description().length > 10, command.name());
    assert.ok(
      command.options.some((o) => o.long === "--json"),
      `${command.name()} has no --json`,
    );
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    assert.match(help, /Examples:\n {2}\S*.*lab /, command.name());
  }
});

test("every value that an argument or option takes completes, or is a text or number by its name", () => {
  const free = new Set(["seconds", "count", "name", "text", "sizes", "settings", "date", "number"]);
  const bare = leavesOf(program()).flatMap((command) =>
    [...command.registeredArguments, ...command.options].flatMap((target) => {
      const name = "flags" in target ? /[<[]([\w-]+)/.exec(target.flags)?.[1] : target.name();
      return name === undefined || target.argChoices || name in values || free.has(name)
        ? []
        : [`${command.name()} <${name}>`];
    }),
  );
  assert.deepEqual(bare, [], "name it as completionValues.ts does, or add it there");
});

test("lab --help exits 0 and documents the exit codes, as CONTRIBUTING.md does", () => {
  const help = lab("--help");
  assert.equal(help.status, 0);
  const contributing = readFileSync(homePath("CONTRIBUTING.md"), "utf8");
  for (const [code, meaning] of Object.entries(exitCodes)) {
    assert.ok(help.stdout.includes(`  ${code}  ${meaning}`), code);
    assert.ok(contributing.includes(`| ${code} | ${meaning} |`), `CONTRIBUTING.md: ${code}`);
  }
});

test("a wrong command line exits 2, with --json as JSON", () => {
  assert.equal(lab("nonsense").status, 2);
  assert.equal(lab("list", "--nonsense").status, 2);
  assert.equal(lab("bench", "nonsense").status, 2);
  const { status, stdout } = lab("list", "--nonsense", "--json");
  assert.equal(status, 2);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
  assert.equal(error.code, "usage");
  assert.match(error.message, /unknown option '--nonsense'/);
});

test("what is typed and is not there exits 2: a device, a suite, a topic, a student's file, an option that says nothing", () => {
  saveRun(runDocument("softmax", [fixtureRecord()]), join(scratch, "results"));
  const refused: readonly (readonly [code: string, ...args: string[]])[] = [
    ["usage", "bench", "softmax", "--device", "moon"],
    ["usage", "run", "01", "--device", "moon"],
    ["bad-options", "bench", "figures", "--device", "cpu"],
    ["bad-options", "bench", "--statistics", "--counters"],
    ["no-such-suite", "standing", "nosuch"],
    ["no-such-suite", "report", "--suite", "nosuch"],
    ["no-such-device", "report", "--device", "nosuch"],
    ["no-such-suite", "export", join(scratch, "none.csv"), "--suite", "nosuch"],
    ["no-such-file", "report", "--from", join(scratch, "nobody.zip")],
    ["no-such-topic", "list", "nosuch"],
    ["no-submission", "grade", join(scratch, "nobody.json")],
    ["bad-options", "baseline", "save", "../main"],
  ];
  for (const [code, ...args] of refused) {
    const { status, stdout } = lab(...args, "--json");
    assert.equal(status, 2, args.join(" "));
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, code, args.join(" "));
  }
  assert.ok(!existsSync(join(scratch, "none.csv")));
});

test("lab compare exits 0, 1 and 2 by how much slower it is, and says it in Markdown", () => {
  const folder = join(scratch, "baselines");
  const save = (name: string, slower: number) => {
    const samples = Array.from({ length: 50 }, (_, i) => slower * (1e-3 + ((i * 7) % 11) * 1e-7));
    saveBaseline(
      { name, run: runDocument("softmax", [fixtureRecord({ samples })]), sources: {} },
      { folder },
    );
  };
  save("main", 1);
  for (const [name, slower, exit, alert, said] of [
    ["same", 1.05, 0, "NOTE", /No regression/],
    ["slow", 1.15, 1, "WARNING", /1 warning\. Look at the warnings/],
    ["slower", 1.3, 2, "CAUTION", /1 critical\. A critical regression/],
  ] as const) {
    save(name, slower);
    const summary = join(scratch, `${name}.md`);
    const { status, stdout } = lab("compare", "main", "--against", name, "--summary", summary);
    assert.equal(status, exit, stdout);
    assert.match(stdout, said);
    const markdown = readFileSync(summary, "utf8");
    assert.match(markdown, new RegExp(`^### ${name} against baseline main, .*\\n\\n> \\[!${alert}\\]\\n> `));
    assert.match(markdown, said);
    assert.match(markdown, /\| softmax\/04_online \|/);
  }
});

test("lab baseline list names a damaged baseline and lists the others", () => {
  const folder = join(scratch, "baselines");
  saveBaseline({ name: "whole", run: runDocument("softmax", [fixtureRecord()]), sources: {} }, { folder });
  writeFileSync(join(folder, "torn.json"), '{"kind": "kernel-lab-base');
  const { status, stdout, stderr } = lab("baseline", "list", "--json");
  assert.equal(status, 0);
  assert.ok((JSON.parse(stdout) as { name: string }[]).some(({ name }) => name === "whole"));
  assert.match(stderr, /^warning: skipped: .*torn\.json/m);
});

test("exitWith() keeps the worst code", () => {
  const before = process.exitCode;
  try {
    process.exitCode = undefined;
    exitWith(2);
    exitWith(1);
    assert.equal(process.exitCode, 2);
  } finally {
    process.exitCode = before;
  }
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

test("lab report --run takes runs and single records, and says which id it does not know", () => {
  const only = runDocument("matmul", [
    fixtureRecord({ suite: "matmul", id: "matmul/one" }),
    fixtureRecord({ suite: "matmul", id: "matmul/two" }),
  ]);
  saveRun(only, join(scratch, "results"));
  const out = join(scratch, "chosen.html");
  assert.equal(lab("report", "--run", only.records[1].id, "--out", out).status, 0);
  const page = readFileSync(out, "utf8");
  assert.match(page, /matmul\/two/);
  assert.doesNotMatch(page, /matmul\/one|softmax\/04/);
  const unknown = lab("report", "--run", "nobody");
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /"nobody"\. \[no-such-run\]/);
});

test("lab sweep prints every setting and writes the records and what it skipped", () => {
  const own = { ...process.env, KERNEL_LAB_HOME: sweepHome() };
  const args = ["sweep", "softmax/05_vector", "--device", "cpu", "--json", "--samples", "10"];
  const size = ["--size", "rows=3", "cols=64", "--set", "THREADS=32,96,64", "PACKS=1,2"];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [homePath("lib", "bin", "lab.js"), ...args, ...size],
    { encoding: "utf8", env: own },
  );
  assert.equal(status, 0, stderr);
  // On a host so busy that it takes half a minute, a line now and again is as it should be.
  assert.equal(stderr.replace(/^\d+\/\d+ .*\n/gm, ""), "", "quiet when piped");
  const { file, best, records, failures } = JSON.parse(stdout);
  assert.equal(records.length + failures.length, 6);
  assert.ok(records.length >= 3 && best.length >= 1);
  const saved = readRun(file);
  assert.equal(saved.records.length, records.length + best.length);
  assert.match(saved.notes[0], /sweep of softmax\/05_vector at 3x64/);
});

/** The checkout's kernels with results of its own. */
function sweepHome(): string {
  const own = join(scratch, "sweep-home");
  mkdirSync(own);
  for (const name of ["kernels", "native", "lib", "data"]) symlinkSync(homePath(name), join(own, name));
  return own;
}

test("lab clean deletes the cache and keeps the results", () => {
  mkdirSync(join(scratch, "cache"), { mode: 0o700 });
  const [left, young] = [".old-1-ab.tmp", ".young-1-ab.tmp"].map((name) =>
    join(scratch, "results", "softmax", name),
  );
  for (const path of [left, young]) writeFileSync(path, "{");
  utimesSync(left, 0, 0);
  assert.equal(lab("clean", "--dry-run").status, 0);
  assert.ok(existsSync(join(scratch, "cache")));
  assert.equal(lab("clean", "--all").status, 0);
  assert.ok(!existsSync(join(scratch, "cache")));
  assert.ok(existsSync(join(scratch, "results", "softmax")));
  assert.ok(!existsSync(left), "what a killed writer left is gone");
  assert.ok(existsSync(young), "what may still be written stays");
});

test("lab clean leaves what is not the lab's where KERNEL_LAB_CACHE points, and what a link points to", () => {
  const cache = join(scratch, "cache");
  const entry = join(cache, `cpu-${"0".repeat(40)}`);
  mkdirSync(entry, { recursive: true, mode: 0o700 });
  writeFileSync(join(cache, "thesis.tex"), "not the lab's");
  const elsewhere = join(scratch, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "kept"), "");
  symlinkSync(elsewhere, join(scratch, ".lab"));
  const { paths } = JSON.parse(lab("clean", "--all", "--json").stdout) as { paths: string[] };
  assert.ok(paths.includes(entry) && !paths.includes(cache));
  assert.ok(!existsSync(entry) && !existsSync(join(scratch, ".lab")));
  assert.ok(existsSync(join(cache, "thesis.tex")) && existsSync(join(elsewhere, "kept")));
});

test("an error is a message, its code and what to do, or JSON; never a stack", () => {
  const text = lab("run", "no-such-notebook");
  assert.equal(text.status, 2);
  assert.equal(text.stdout, "");
  assert.match(text.stderr, /^lab: Running notebooks: found none .* \[no-such-notebook\]\nThere are .*\n$/);
  const json = lab("run", "no-such-notebook", "--json");
  const { error } = JSON.parse(json.stdout) as { error: Record<string, string> };
  assert.equal(error.code, "no-such-notebook");
  assert.match(error.message, /found none/);
  assert.match(error.advice, /all/);
});

test("an error that is no LabError is told without a stack, and exits 1", () => {
  const program = `require(${JSON.stringify(require.resolve("kernel-lab/dist/cli/output"))}).fail(process.argv[1] === "json", new TypeError("broken"))`;
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["-e", program, ...args], { encoding: "utf8" });
  const text = run();
  assert.equal(text.status, 1);
  assert.match(text.stderr, /^lab: broken \[internal\]\n/);
  assert.doesNotMatch(text.stderr, / at /);
  assert.equal(JSON.parse(run("json").stdout).error.code, "internal");
});

test("a reader that goes away is no error", () => {
  const program = homePath("lib", "bin", "lab.js");
  const { status, stderr } = spawnSync(
    "sh",
    ["-c", `"$0" "$1" list --json | head -c 1`, process.execPath, program],
    {
      encoding: "utf8",
    },
  );
  assert.equal(status, 0);
  assert.equal(stderr, "");
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
    "lens",
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
  assert.ok(
    parts.find((p) => p.name === "lens")!.found,
    "this machine's compiler instruments: the lens's tests need it",
  );
});
