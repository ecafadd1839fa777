import { type Comparison, compareSamples } from "./comparison";

/** How bad a change is. "missing": one side could not be measured. "wrong": the output is. */
export type Severity = "faster" | "acceptable" | "warning" | "critical" | "missing" | "wrong";

/** Shares by which a kernel may become slower before it is a warning, and critical. */
export const changeLimits = { warning: 0.1, critical: 0.2 } as const;

/** A change of one kernel's time. */
export interface Change {
  readonly severity: Severity;
  /** Time now over time before: above 1 is slower. */
  readonly ratio: number;
  readonly lo: number;
  readonly hi: number;
}

/**
 * Judges the samples of now against those of before.
 *
 * Under 10% slower is acceptable, up to 20% a warning, beyond it critical, and only where the interval of the ratio
 * leaves 1 out: what cannot be told from no change is none.
 *
 * @param paired both were taken in turns, sample by sample
 * @example lab.changeOf([1, 1.01, 0.99], [1.3, 1.31, 1.29], true).severity // "critical"
 */
export function changeOf(before: readonly number[], now: readonly number[], paired: boolean): Change {
  const { ratio, lo, hi } = compareSamples(before, now, { paired });
  return { severity: severityOf({ ratio, lo, hi }), ratio, lo, hi };
}

/** The severity of a ratio with its interval. */
export function severityOf({ ratio, lo, hi }: Pick<Comparison, "ratio" | "lo" | "hi">): Severity {
  if (lo > 1 && ratio > 1 + changeLimits.critical) return "critical";
  if (lo > 1 && ratio >= 1 + changeLimits.warning) return "warning";
  return hi < 1 && ratio <= 1 - changeLimits.warning ? "faster" : "acceptable";
}

/** The exit code that severities end a command with: 0 fine, 1 a warning or a side missing, 2 critical or wrong. */
export function exitCodeOf(severities: readonly Severity[]): 0 | 1 | 2 {
  if (severities.some((s) => s === "critical" || s === "wrong")) return 2;
  return severities.some((s) => s === "warning" || s === "missing") ? 1 : 0;
}

/** One kernel of a comparison with a baseline. */
export interface ChangeRow {
  readonly suite: string;
  readonly case: string;
  readonly implementation: string;
  readonly severity: Severity;
  /** Medians in seconds; null for a side that is missing. */
  readonly before: number | null;
  readonly now: number | null;
  readonly change: Change | null;
  /** "in turns": both sides ran just now, A B A B. "records": taken at different times. */
  readonly how: "in turns" | "records" | "not measured";
  /** Why it was not measured in turns, or what is in doubt; empty where all is well. */
  readonly note: string;
}

/** A comparison with a baseline. */
export interface ChangeReport {
  readonly baseline: string;
  /** The other baseline, or null for what is here now. */
  readonly against: string | null;
  readonly device: string;
  readonly rows: readonly ChangeRow[];
  /** What differs beside the kernels: lab, driver, compiler. */
  readonly notes: readonly string[];
  readonly exitCode: 0 | 1 | 2;
}
