/** Runs a notebook with Node alone: no Python, no Jupyter; the same session as the Jupyter kernel's. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../core/error";
import { type CellOutput, readNotebook } from "./document";
import type { Failure } from "./failure";
import type { WorkerMessage } from "./worker";

/** How long the stderr of a process that died is waited for; milliseconds. */
const LAST_WORDS_MS = 500;

/** One cell's run; `seconds` of wall time, `expected` when the cell's tag `raises-exception` allows its failure. */
export interface CellRun {
  readonly index: number;
  readonly source: string;
  readonly outputs: readonly CellOutput[];
  readonly seconds: number;
  readonly failure: Failure | null;
  readonly expected: boolean;
}

/** A whole run; `ok` when every code cell ran and none failed unexpectedly. */
export interface NotebookRun {
  readonly path: string;
  readonly cells: readonly CellRun[];
  readonly seconds: number;
  readonly ok: boolean;
}

/** How a run is watched and bounded. */
export interface RunOptions {
  /** Added to the environment of the notebook's process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Wall time allowed, in seconds; default 600. */
  readonly timeLimit?: number;
  /** Called after each cell with how many are done. */
  readonly onCell?: (cell: CellRun, done: number, total: number) => void;
  /** Called with text as cells write it. */
  readonly onText?: (name: "stdout" | "stderr", text: string) => void;
}

/**
 * Runs every code cell of a notebook in a process of its own, in the notebook's folder; stops at the first failure.
 *
 * Resolves also when a cell fails (`ok` is false, the failing cell is last); rejects with `bad-notebook`,
 * `notebook-died` or `time-limit`.
 *
 * @example
 * const run = await runNotebook("notebooks/01-online-softmax.ipynb", { onCell: (_, done, total) => log(done, total) });
 */
export async function runNotebook(path: string, options: RunOptions = {}): Promise<NotebookRun> {
  const file = resolve(path);
  const total = readNotebook(file).cells.filter(
    (cell) => cell.type === "code" && cell.source.trim() !== "",
  ).length;
  const cells: CellRun[] = [];
  const began = performance.now();
  const child = fork(join(__dirname, "worker.js"), [file], {
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "inherit", "pipe", "ipc"],
    serialization: "advanced",
  });
  let complaint = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  child.on("message", (message: WorkerMessage) => {
    if (message.type === "text") {
      options.onText?.(message.name, message.text);
    } else {
      cells.push(message.cell);
      options.onCell?.(message.cell, cells.length, total);
    }
  });
  const limit = options.timeLimit ?? 600;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, limit * 1000);
  const how = await endOf(child);
  clearTimeout(timer);
  if (late) {
    const where = cells.length < total ? `after ${cells.length} of ${total} cells` : "after its last cell";
    throw new LabError("time-limit", `Notebook ${file} ran longer than ${limit} s, ${where}.`, {
      advice: "Make the cell's work smaller or allow more time (timeLimit, in seconds).",
    });
  }
  const failed = cells.some((cell) => cell.failure !== null && !cell.expected);
  if (!failed && cells.length < total) {
    await Promise.race([once(child, "close"), sleep(LAST_WORDS_MS)]);
    const what = `The process of notebook ${file} ${how} after ${cells.length} of ${total} cells. ${complaint}`;
    throw new LabError("notebook-died", what.trim(), {
      advice: "Run the notebook in JupyterLab to see the cell.",
    });
  }
  return { path: file, cells, seconds: (performance.now() - began) / 1000, ok: !failed };
}

/** How a process ended, in words, once its last message is here. */
function endOf(child: ChildProcess): Promise<string> {
  // Its devices hold its stderr open a little longer than it lives, which is why "close" is not waited for.
  const silent = new Promise<void>((done) => child.on("disconnect", done));
  return new Promise((done) => {
    child.on("error", (error) => done(`did not start: ${error.message}`));
    child.on("exit", (code, signal) => {
      const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
      void silent.then(() => done(how));
    });
  });
}
