import { LabError } from "../core/error";
import { type CaseResult, checkVariant, type OpCase, type Variant } from "../ops/variant";
import type { Device } from "../runtime/device";

/** What a graded attempt looks like; a table of `cases` and two lines of text. */
export interface Grade {
  readonly passed: boolean;
  /** Every case with its outcome; empty when the kernel did not compile. */
  readonly cases: readonly CaseResult[];
  /** One sentence on the outcome. */
  readonly summary: string;
  /** What to look at next; empty when it passed. */
  readonly hint: string;
}

/** A kernel to be written by the reader, and how it is judged. */
export interface Exercise {
  readonly id: string;
  readonly title: string;
  /** What to do, in a few sentences. */
  readonly task: string;
  /** The text to start from: it compiles, and it is wrong. */
  readonly starter: string;
  /** A text that passes. */
  readonly solution: string;
  /** Checks a text on every case. */
  cases(device: Device, source: string): Promise<CaseResult[]>;
  /** A hint for an outcome with at least one failed case. */
  hint(cases: readonly CaseResult[]): string;
}

/**
 * Compiles an attempt, checks it on irregular sizes and answers what is right, what is wrong and a hint.
 *
 * A kernel that does not compile, faults or never ends is a grade too, not an exception.
 *
 * @example
 * const grade = await lab.grade(dev, lab.exercise("online-softmax"), mySource);
 * lab.showGrade(grade);
 */
export async function grade(device: Device, exercise: Exercise, source: string): Promise<Grade> {
  let cases: CaseResult[];
  try {
    cases = await exercise.cases(device, source);
  } catch (error) {
    if (!LabError.is(error)) throw error;
    const compiling = error.code === "compile-error" || error.code === "no-such-kernel";
    return {
      passed: false,
      cases: [],
      summary: compiling ? "It does not compile." : `It ended with ${error.code}.`,
      hint: error.message,
    };
  }
  const ran = cases.filter((result) => result.status !== "skipped");
  const failed = ran.filter((result) => result.status === "failed");
  const passed = ran.length > 0 && failed.length === 0;
  return {
    passed,
    cases,
    summary: passed ? `Passed: all ${ran.length} cases are right.` : failedSummary(failed, ran.length),
    hint: passed ? "" : exercise.hint(cases),
  };
}

function failedSummary(failed: readonly CaseResult[], all: number): string {
  const first = failed[0]?.case;
  if (first === undefined) return "No case could be run here.";
  return failed.length === 1
    ? `1 of ${all} cases is wrong: "${first}".`
    : `${failed.length} of ${all} cases are wrong, the first of them "${first}".`;
}

/** The cases of an exercise that replaces a rung of a ladder. */
export function rungCases<C extends OpCase>(
  variant: Variant<C>,
  cases: readonly C[],
): (device: Device, source: string) => Promise<CaseResult[]> {
  return (device, source) => checkVariant(device, variant, cases, { source });
}

/** The rows of a grade as a small table: case, outcome, first mismatch. */
export function gradeRows(result: Grade): Array<{ case: string; outcome: string; detail: string }> {
  return result.cases.map(({ case: name, status, detail }) => ({ case: name, outcome: status, detail }));
}

/** Replaces a passage of a kernel, which must be there once: a changed rung must not silently change an exercise. */
export function without(source: string, passage: string, instead: string): string {
  if (source.split(passage).length !== 2) throw new Error(`expected once in the kernel: ${passage}`);
  return source.replace(passage, instead);
}
