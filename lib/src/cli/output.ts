import { LabError } from "../core/error";

/** Exit codes of every command. */
export const exitCodes = {
  0: "done",
  1: "a goal was missed, a notebook failed, or the command met an error",
  2: "the command line was wrong",
} as const;

/** Prints a command's result: JSON for programs with --json, else the text. */
export function print(json: boolean | undefined, data: unknown, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(data, null, 2)}\n` : `${text()}\n`);
}

/** Prints progress to stderr on a terminal, and nothing where output is piped. */
export function progressLine(text: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\u001b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}

/** Wipes the progress line. */
export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[2K");
}

/** Prints an error for a person, or as JSON, and sets the exit code. */
export function fail(json: boolean, error: unknown): void {
  endProgress();
  const known = LabError.is(error);
  process.exitCode = 1;
  if (json) {
    const body = known
      ? { code: error.code, message: error.what, advice: error.advice }
      : { code: "internal", message: String(error), advice: "" };
    process.stdout.write(`${JSON.stringify({ error: body }, null, 2)}\n`);
    return;
  }
  process.stderr.write(
    known
      ? `lab: ${error.message} [${error.code}]\n`
      : `lab: ${error instanceof Error ? error.stack : error}\n`,
  );
}
