/** A `__global__` source position. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
}

/** What a `LabError` may carry beside its message. */
export interface LabErrorDetails {
  /** One sentence telling what to do about it. */
  readonly advice?: string;
  /** The kernel concerned. */
  readonly kernel?: string;
  readonly block?: readonly [number, number, number];
  readonly thread?: readonly [number, number, number];
  /** Where in the kernel's source, when it can be known. */
  readonly line?: SourceLine;
  readonly cause?: unknown;
}

/**
 * An error of the lab: a stable kebab-case `code`, what happened, and what to do.
 *
 * @example
 * try { await kernel.launch({ grid: 0, block: 256 }, x); }
 * catch (error) { if (error instanceof lab.LabError && error.code === "invalid-launch") console.log(error.advice); }
 */
export class LabError extends Error {
  override readonly name = "LabError";
  /** Stable identifier, such as "wrong-dtype" or "illegal-address". */
  readonly code: string;
  /** What happened, without the advice. */
  readonly what: string;
  /** What to do about it; empty when there is nothing to say. */
  readonly advice: string;
  readonly kernel?: string;
  readonly block?: readonly [number, number, number];
  readonly thread?: readonly [number, number, number];
  readonly line?: SourceLine;

  constructor(code: string, what: string, details: LabErrorDetails = {}) {
    super(
      details.advice ? `${what}\n${details.advice}` : what,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.what = what;
    this.advice = details.advice ?? "";
    if (details.kernel) this.kernel = details.kernel;
    if (details.block) this.block = details.block;
    if (details.thread) this.thread = details.thread;
    if (details.line) this.line = details.line;
  }

  /** True for a `LabError`, of this copy of the library or another one loaded beside it. */
  static is(error: unknown, code?: string): error is LabError {
    return (
      error instanceof Error &&
      error.name === "LabError" &&
      "code" in error &&
      (code === undefined || error.code === code)
    );
  }
}

/** Names the type of a value the way an error message wants it: "NaN", "null", "array of 3", "Float32Array". */
export function describeValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (typeof value === "number") return `number ${value}`;
  if (typeof value === "bigint") return `bigint ${value}n`;
  if (typeof value === "string")
    return `string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)}`;
  if (typeof value === "object") return value.constructor?.name ?? "object";
  return typeof value === "boolean" ? `boolean ${value}` : typeof value;
}
