/** Runs a notebook with Node alone: no Python, no Jupyter; the same session as the Jupyter kernel's. */

import { fork } from "node:child_process";
import { join, resolve } from "node:path";
import { LabError } from "../core/error";
import { type CellOutput, readNotebook } from "./document";
import type { Failure } from "./failure";
import type { WorkerMessage } from "./worker";

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
export function runNotebook(path: string, options: RunOptions = {}): Promise<NotebookRun> {
  const file = resolve(path);
  const total = readNotebook(file).cells.filter(
    (cell) => cell.type === "code" && cell.source.trim() !== "",
  ).length;
  const limit = options.timeLimit ?? 600;
  const cells: CellRun[] = [];
  const began = performance.now();
  return new Promise((fulfil, reject) => {
    const child = fork(join(__dirname, "worker.js"), [file], {
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "inherit", "pipe", "ipc"],
      serialization: "advanced",
    });
    let complaint = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-4000);
    });
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      const where = cells.length < total ? `after ${cells.length} of ${total} cells` : "after its last cell";
      const advice = "Make the cell's work smaller or allow more time (timeLimit, in seconds).";
      reject(
        new LabError("time-limit", `Notebook ${file} ran longer than ${limit} s, ${where}.`, { advice }),
      );
    }, limit * 1000);
    child.on("message", (message: WorkerMessage) => {
      if (message.type === "text") {
        options.onText?.(message.name, message.text);
      } else if (message.type === "cell") {
        cells.push(message.cell);
        options.onCell?.(message.cell, cells.length, total);
      }
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const failed = cells.some((cell) => cell.failure !== null && !cell.expected);
      if (!failed && cells.length < total) {
        const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
        const what = `The process of notebook ${file} ${how} after ${cells.length} of ${total} cells. ${complaint}`;
        reject(
          new LabError("notebook-died", what.trim(), {
            advice: "Run the notebook in JupyterLab to see the cell.",
          }),
        );
        return;
      }
      fulfil({ path: file, cells, seconds: (performance.now() - began) / 1000, ok: !failed });
    });
  });
}
