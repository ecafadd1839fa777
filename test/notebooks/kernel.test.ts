import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import {
  environment,
  executeWithJupyter,
  jupyterEnvironment,
  noJupyter,
  root,
  temporaryFolder,
  textOf,
  writeNotebook,
} from "./support";

const LINES = 60_000;

/** What drive.py tells of one executed cell. */
interface Seen {
  types: string[];
  text: string;
  reply: { status: string; ename?: string };
  error?: { ename: string; evalue: string; traceback: string[] };
  seconds: number;
}

type Drive = Record<
  | "opened"
  | "printed"
  | "spinning"
  | "reopened"
  | "first"
  | "error"
  | "failing"
  | "follower"
  | "after"
  | "waiting"
  | "looping"
  | "alive",
  Seen
> & {
  info: { protocol_version: string; language_info: { name: string; mimetype: string } };
  complete: { matches: string[]; cursor_start: number; cursor_end: number };
  emoji: { matches: string[]; cursor_start: number; cursor_end: number };
  inspect: { found: boolean; data: Record<string, string> };
  incomplete: { status: string };
  complete_code: { status: string };
  complete_while_busy_seconds: number;
  shutdown_seconds: number;
};

test("the kernel over the Jupyter protocol", { skip: noJupyter }, async (context) => {
  const script = join(root, "test", "notebooks", "drive.py");
  const { stdout } = await promisify(execFile)(
    join(environment, "bin", "python"),
    [script, temporaryFolder(context)],
    { env: jupyterEnvironment(), timeout: 120_000 },
  );
  const seen = JSON.parse(stdout) as Drive;

  await context.test("says what it is", () => {
    assert.equal(seen.info.protocol_version, "5.3");
    assert.equal(seen.info.language_info.name, "typescript");
  });
  await context.test("publishes input and result between busy and idle", () => {
    assert.deepEqual(seen.first.types, ["status", "execute_input", "execute_result", "status"]);
    assert.equal(seen.first.reply.status, "ok");
  });
  await context.test("completes members, and only those that fit", () => {
    assert.deepEqual(seen.complete.matches, ["map"]);
    assert.deepEqual([seen.complete.cursor_start, seen.complete.cursor_end], [8, 10]);
  });
  await context.test("counts characters of Unicode in completions", () => {
    assert.deepEqual(seen.emoji.matches, ["map"]);
    assert.deepEqual([seen.emoji.cursor_start, seen.emoji.cursor_end], [13, 15]);
  });
  await context.test("tells a variable's type", () => {
    assert.equal(seen.inspect.found, true);
    assert.match(seen.inspect.data["text/plain"], /numbers: number\[\]/);
  });
  await context.test("knows whether code is complete", () => {
    assert.equal(seen.incomplete.status, "incomplete");
    assert.equal(seen.complete_code.status, "complete");
  });
  await context.test("reports an error with name, message and traceback", () => {
    assert.equal(seen.error.error?.ename, "TypeError");
    assert.equal(seen.error.error?.evalue, "wrong on purpose");
    assert.match(seen.error.error?.traceback[0] ?? "", /TypeError: wrong on purpose/);
    assert.equal(seen.error.reply.ename, "TypeError");
  });
  await context.test("calls off cells queued behind a failing one, and no later ones", () => {
    assert.equal(seen.failing.reply.status, "error");
    assert.equal(seen.follower.reply.status, "aborted");
    assert.equal(seen.follower.text, "");
    assert.equal(seen.after.text, "runs again\n");
  });
  await context.test("interrupts a cell that waits and a cell that loops, and keeps the variables", () => {
    assert.equal(seen.waiting.error?.ename, "Interrupted");
    assert.equal(seen.looping.error?.ename, "Interrupted");
    assert.ok(seen.waiting.seconds < 5 && seen.looping.seconds < 5);
    assert.equal(seen.alive.reply.status, "ok");
  });
  await context.test("shows what a kernel prints in its cell", () => {
    assert.equal(seen.opened.reply.status, "ok", seen.opened.error?.traceback.join("\n"));
    assert.deepEqual(seen.printed.text.trim().split("\n").sort(), ["thread 0", "thread 1"]);
  });
  await context.test("interrupts a kernel that never ends; notebook and device go on", () => {
    assert.equal(seen.spinning.reply.status, "error");
    assert.match(seen.spinning.error?.traceback.join("\n") ?? "", /interrupted/i);
    assert.ok(seen.spinning.seconds < 10, `${seen.spinning.seconds} s`);
    assert.equal(seen.reopened.reply.status, "ok", seen.reopened.error?.traceback.join("\n"));
  });
  await context.test("completes while a cell waits", () => {
    assert.ok(seen.complete_while_busy_seconds < 1, `${seen.complete_while_busy_seconds} s`);
  });
  await context.test("shuts down when asked", () => {
    assert.ok(seen.shutdown_seconds < 4, `${seen.shutdown_seconds} s`);
  });
});

test(`${LINES} lines of one cell arrive whole through Jupyter`, { skip: noJupyter }, async (context) => {
  const folder = temporaryFolder(context);
  // Half without yielding, half over many turns: the two ways output was lost.
  const source = `for (let i = 0; i < ${LINES / 2}; i++) console.log("line " + i);
for (let i = ${LINES / 2}; i < ${LINES}; i++) { console.log("line " + i); if (i % 500 === 0) await new Promise(r => setImmediate(r)); }`;
  const outputs = await executeWithJupyter(
    writeNotebook(folder, [{ source }, { source: '"last"' }]),
    join(folder, "out.ipynb"),
  );
  const lines = textOf(outputs[0]).trimEnd().split("\n");
  assert.equal(lines.length, LINES);
  assert.ok(lines.every((line, index) => line === `line ${index}`));
  assert.equal(outputs[1][0].output_type, "execute_result");
});

test("5,000 displays in one turn all arrive through Jupyter", { skip: noJupyter }, async (context) => {
  const folder = temporaryFolder(context);
  const source =
    'import * as tslab from "tslab";\nfor (let i = 0; i < 5000; i++) tslab.display.html("<i>" + i + "</i>");';
  const outputs = await executeWithJupyter(writeNotebook(folder, [{ source }]), join(folder, "out.ipynb"));
  assert.equal(outputs[0].length, 5000);
});
