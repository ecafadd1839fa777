import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { NativeFailure } from "kernel-lab/dist/backend/protocol";
import { buildFakeDriver } from "./cuda-fake";

let folder: string;
before(() => {
  folder = buildFakeDriver();
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Answer {
  errors: (NativeFailure | null)[];
  printed: string;
}

// A fatal error is for the whole process, so each happens in one of its own.
function launchInChild(...kernels: string[]): Answer {
  const child = join(__dirname, "cuda-fault-child.js");
  const run = spawnSync(process.execPath, [child, folder, ...kernels], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return JSON.parse(run.stderr) as Answer;
}

test("an illegal address is fatal, names the kernel and stays", () => {
  const [first, again] = launchInChild("wild").errors;
  assert.equal(first?.code, "illegal-address");
  assert.equal(first?.fatal, true);
  assert.equal(first?.kernel, "wild");
  assert.match(first!.message, /CUDA_ERROR_ILLEGAL_ADDRESS \(700\)/);
  assert.equal(again?.code, "illegal-address");
});

test("of several kernels all are named and none is blamed", () => {
  const [first] = launchInChild("store", "wild").errors;
  assert.equal(first?.kernel, undefined);
  assert.match(first!.message, /store, wild/);
});

test("a failed assert tells its text, block and thread", () => {
  const [first] = launchInChild("failing").errors;
  assert.equal(first?.code, "assert");
  assert.match(first!.message, /k\.cu:7: .*`n > 0` failed/);
  assert.deepEqual(JSON.parse(first!.detail!), { block: [2, 0, 1], thread: [5, 0, 0] });
});

test("printf of a kernel is kept for takePrintf", () => {
  const answer = launchInChild("printing", "printing");
  assert.deepEqual(answer.errors, [null, null]);
  assert.equal(answer.printed, "hello from the device\nhello from the device\n");
});
