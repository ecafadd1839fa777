/** How a cell's failure is told: a name, a message and a traceback a person can use. */

import { inspect } from "node:util";
import { LabError } from "../core/error";

/** The three fields of Jupyter's error message. */
export interface Failure {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** One complaint of the TypeScript compiler about a cell; line and column from 1. */
export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

// Frames of the machinery under a cell say nothing to the cell's author.
const MACHINERY = [
  /node:internal|\(node:|at node:/,
  /[\\/]tslab[\\/]dist[\\/]/,
  /[\\/]dist[\\/]notebook[\\/](session|server|worker)\.js/,
];

function tidyFrame(frame: string): string {
  // Cells reach V8 wrapped and transpiled, so a line number in them would be wrong by a few: name the cell only.
  return frame.replace(/\(?evalmachine\.<anonymous>:\d+:\d+\)?/, "(this cell)");
}

function isInterrupt(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return error.message === "Interrupted asynchronously" || code === "ERR_SCRIPT_EXECUTION_INTERRUPTED";
}

/** Describes a value thrown by a cell. */
export function describeThrown(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) {
    const evalue = inspect(thrown);
    return { ename: "Thrown", evalue, traceback: [`Thrown: ${evalue}`] };
  }
  if (isInterrupt(thrown)) {
    const evalue = "the cell was interrupted";
    return { ename: "Interrupted", evalue, traceback: [`Interrupted: ${evalue}`] };
  }
  const ename = thrown.name || "Error";
  const head = `${ename}${LabError.is(thrown) ? ` [${thrown.code}]` : ""}: ${thrown.message}`;
  const frames = (thrown.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !MACHINERY.some((pattern) => pattern.test(line)))
    .map(tidyFrame)
    .filter((frame, index, all) => frame !== all[index - 1]);
  const cause =
    thrown.cause === undefined ? [] : [`caused by ${describeThrown(thrown.cause).traceback.join("\n")}`];
  return { ename, evalue: thrown.message, traceback: [...head.split("\n"), ...frames, ...cause] };
}

/** Describes a cell that did not compile; the cell has not run. */
export function describeDiagnostics(diagnostics: readonly Diagnostic[], source: string): Failure {
  const lines = source.split("\n");
  const traceback = diagnostics.flatMap((diagnostic) => {
    const where = `${diagnostic.file}${diagnostic.line}:${diagnostic.column}`;
    const text = diagnostic.file === "" ? lines[diagnostic.line - 1] : undefined;
    const caret = text === undefined ? [] : [`  ${text}`, `  ${" ".repeat(diagnostic.column - 1)}^`];
    return [`${where} - ${diagnostic.message}`, ...caret];
  });
  return {
    ename: "TypeScriptError",
    evalue: diagnostics[0]?.message ?? "the cell does not compile",
    traceback,
  };
}
