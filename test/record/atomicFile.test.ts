import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { replaceFile, unfinished, writeNewFile } from "kernel-lab/dist/record/atomicFile";
import { runDocument } from "kernel-lab/dist/record/document";
import { loadRuns, runText } from "kernel-lab/dist/record/store";
import { fixtureRecord } from "./fixtures";

const scratch = mkdtempSync(join(tmpdir(), "kernel-lab-atomic-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

test("writeNewFile() replaces nothing: a taken name gets a number", () => {
  const paths = ["one", "two", "three"].map((text) => writeNewFile(scratch, "same", ".txt", text));
  assert.deepEqual(
    paths.map((path) => readFileSync(path, "utf8")),
    ["one", "two", "three"],
  );
  assert.deepEqual(
    readdirSync(scratch).filter((name) => name.endsWith(unfinished)),
    [],
  );
});

test("replaceFile() puts a whole text in place of the old one", () => {
  replaceFile(scratch, "list", "old");
  replaceFile(scratch, "list", "new");
  assert.equal(readFileSync(join(scratch, "list"), "utf8"), "new");
});

/** Writes the text again and again, telling the path of each file once it is there. */
const writer = `
const { writeSync, readFileSync } = require("node:fs");
const { writeNewFile } = require(${JSON.stringify(require.resolve("kernel-lab/dist/record/atomicFile"))});
const [folder, source] = process.argv.slice(1);
const text = readFileSync(source, "utf8");
for (let i = 0; ; i++) writeSync(1, writeNewFile(folder, "run-" + (i % 5), ".json", text) + "\\n");`;

const KILLS = 200;
const AT_ONCE = 4;

test(`writers killed ${KILLS} times, ${AT_ONCE} writing at once, leave whole files and all they told of`, async (context) => {
  const folder = join(scratch, "killed", "softmax");
  mkdirSync(folder, { recursive: true });
  const text = runText(
    runDocument(
      "softmax",
      Array.from({ length: 20 }, () => fixtureRecord()),
    ),
  );
  const source = join(scratch, "run.json");
  writeFileSync(source, text);
  const told: string[] = [];
  let killed = 0;
  const one = async () => {
    while (killed < KILLS) {
      const moment = (killed++ * 7.3) % 12;
      const child = spawn(process.execPath, ["-e", writer, folder, source], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      told.push(...(await toldBefore(child, moment)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  assert.ok(told.length >= KILLS, `${told.length} files`);
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  assert.ok(files.length >= told.length);
  for (const name of files) assert.ok(readFileSync(join(folder, name), "utf8") === text, `${name} is torn`);
  for (const path of told) assert.ok(existsSync(path), `${path} was told of, and is lost`);
  // A temporary file that is left is a write that was cut off, before its name was given or just after.
  const left = readdirSync(folder).filter((name) => name.endsWith(unfinished));
  context.diagnostic(`${left.length} of ${KILLS} kills fell into a write`);
  assert.ok(left.length >= KILLS / 4, `only ${left.length} of ${KILLS} kills fell into a write`);
  const { runs, skipped } = loadRuns(join(scratch, "killed"));
  assert.deepEqual([runs.length, skipped.length], [files.length, 0]);
});

/** Kills a writer some milliseconds after its first file; answers the files it told of. */
async function toldBefore(child: ChildProcess, moment: number): Promise<string[]> {
  let output = "";
  const first = new Promise<void>((resolve) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      resolve();
    });
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  await Promise.race([first, closed]);
  await sleep(moment);
  assert.ok(child.kill("SIGKILL"), "the writer ended by itself");
  await closed;
  // A line without its end was cut off by the kill.
  return output.split("\n").slice(0, -1);
}
