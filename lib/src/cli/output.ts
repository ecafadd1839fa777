import { env } from "../core/env";
import { LabError } from "../core/error";
import { endProgress } from "./progress";

/** Exit codes of every command; CONTRIBUTING.md holds the same table. */
export const exitCodes = {
  0: "done, and nothing is wrong",
  1: "a warning or a failure: a goal missed, a notebook or check failed, 10-20% slower, an error on the way",
  2: "critical: over 20% slower, or a command line that names what is not there",
} as const;

/** One of the exit codes. */
export type ExitCode = keyof typeof exitCodes;

/** Raises the exit code: the worst one said during a command is the one it ends with. */
export function exitWith(code: ExitCode): void {
  process.exitCode = Math.max(Number(process.exitCode ?? 0), code);
}

/** Prints a command's result: JSON for programs with --json, else the text. */
export function print(json: boolean | undefined, data: unknown, text: () => string): void {
  endProgress();
  process.stdout.write(json ? `${JSON.stringify(data, null, 2)}\n` : `${text()}\n`);
}

/** Tells of something that is wrong without being fatal: on stderr, so that stdout stays the result. */
export function warn(text: string): void {
  endProgress();
  process.stderr.write(`warning: ${text.replace(/\n/g, " ")}\n`);
}

/** Prints an error with its code and what to do, or as JSON, and sets the exit code; never a stack. */
export function fail(json: boolean, error: unknown): void {
  endProgress();
  const { code, message, advice } = describe(error);
  exitWith(isUsage(code) ? 2 : 1);
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, advice } }, null, 2)}\n`);
  else process.stderr.write(`lab: ${message} [${code}]\n${advice ? `${advice}\n` : ""}`);
}

function describe(error: unknown): { code: string; message: string; advice: string } {
  if (LabError.is(error)) return { code: error.code, message: error.what, advice: error.advice };
  if (env("KERNEL_LAB_STACK") && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return {
    code: "internal",
    message: error instanceof Error ? error.message : String(error),
    advice:
      "This is a fault of the lab: run the command again with KERNEL_LAB_STACK=1 and report what it prints.",
  };
}

// A name that does not exist was typed, or an option that means nothing: the command line is wrong, not the machine.
function isUsage(code: string): boolean {
  return ["usage", "bad-options", "no-submission"].includes(code) || code.startsWith("no-such-");
}

/** Ends quietly when the reader of a pipe has gone: `lab list | head -1`. */
export function quietWhenPipeCloses(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}
