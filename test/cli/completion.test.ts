import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { candidates, completionScript } from "kernel-lab/dist/cli/completion";
import { filesWanted } from "kernel-lab/dist/cli/completionValues";
import { program } from "kernel-lab/dist/cli/main";
import { homePath } from "kernel-lab/dist/core/paths";
import { runDocument } from "kernel-lab/dist/record/document";
import { saveRun } from "kernel-lab/dist/record/store";
import { fixtureRecord } from "../record/fixtures";

// A home with one run of a device whose name has a blank, as NVIDIA's have.
const home = mkdtempSync(join(tmpdir(), "kernel-lab-completion-"));
for (const folder of ["kernels", "native", "results"]) mkdirSync(join(home, folder));
const run = runDocument("softmax", [fixtureRecord()]);
saveRun(run, join(home, "results"));
after(() => rmSync(home, { recursive: true, force: true }));

const of = (...words: string[]) => candidates(program(), words).map((c) => c.value);

test("candidates() knows commands, choices, options and values by name", () => {
  assert.ok(of("").includes("doctor"));
  assert.deepEqual(of("rep"), ["report"]);
  assert.deepEqual(of("bench", "so"), ["softmax"]);
  assert.deepEqual(of("bench", "--device", ""), ["auto", "cpu", "cuda"]);
  assert.deepEqual(of("bench", "--device", "=", "cu"), ["cuda"]);
  assert.deepEqual(of("bench", "--device", "cpu", "mat"), ["matmul"]);
  assert.ok(of("bench", "--").includes("--json"));
  assert.ok(!of("bench", "--json", "--").includes("--json"), "given already");
  assert.deepEqual(of("report", "--out", "x"), [filesWanted]);
  assert.ok(of("run", "0").some((name) => name.startsWith("01-")));
  assert.deepEqual(of("doctor", "x"), []);
});

/** What a shell offers for each line, with its home at the scratch folder. */
function offered(shell: string, args: string[], harness: string) {
  const { status, stdout, stderr } = spawnSync(shell, args, {
    input: harness,
    encoding: "utf8",
    env: { ...process.env, KERNEL_LAB_HOME: home },
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  return stdout.trimEnd().split("\n");
}

const bin = JSON.stringify(homePath("lib", "bin", "lab.js"));
const load = (shell: string) =>
  `eval "$(KERNEL_LAB_HOME='${homePath()}' ${JSON.stringify(process.execPath)} ${bin} completion ${shell})"`;

test("bash completes commands, and suites, devices and runs from the results", () => {
  const lines = offered(
    "bash",
    ["--norc"],
    `${load("bash")}
[[ "$(complete -p lab)" == *"-F _lab lab" ]] || exit 1
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lab; compgen -W '"\${COMPREPLY[@]}"' -- "" | paste -sd,; }
ask lab rep
ask lab bench m
ask lab report --device ""
ask lab report --run ""
`,
  );
  assert.deepEqual(lines, ["report", "matmul,moe", "NVIDIA\\ H200", run.id]);
});

const zsh = spawnSync("zsh", ["--version"]).status === 0;

test("zsh completes with what each candidate is", {
  skip: zsh ? false : "found no zsh; install it (Debian, Ubuntu: apt-get install zsh)",
}, () => {
  const lines = offered(
    "zsh",
    ["-f"],
    `compdef() { [[ "$*" == "_lab lab" ]] || exit 1 }
_describe() { print -rl -- \${(P)2} }
_files() { print files }
${load("zsh")}
ask() { words=("$@"); CURRENT=$#; _lab }
ask lab bench so
ask lab bench --device cp
ask lab report --out x
`,
  );
  assert.deepEqual(lines, ["softmax:suite", "cpu:the CPU device", "files"]);
});

test("completionScript() asks this copy of the lab, however its path is spelt", () => {
  for (const shell of ["bash", "zsh"] as const) {
    assert.ok(completionScript(shell).includes(`'${homePath("lib", "bin", "lab.js")}' __complete`));
  }
});
