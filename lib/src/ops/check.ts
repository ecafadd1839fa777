import type { CheckRecord } from "../record/schema";

/** What an output is held against; elements are numbered in row-major order. */
export interface Expectation {
  /** Shape of the output, for coordinates in the message. */
  readonly shape: readonly number[];
  /** The right value of an element. */
  at(index: number): number;
  /** The largest permitted error of an element. */
  tolerance(index: number, expected: number): number;
  /** The rule in words, as the record keeps it. */
  readonly rule: string;
  /** Which elements are compared; all when left out. `actual` then holds just these, in this order. */
  readonly indices?: ArrayLike<number>;
}

/**
 * Compares an output with its expectation; NaN and infinity fail, and the first mismatch is named with coordinates.
 *
 * @example compareOutput([1, 2.5], { shape: [2], at: (i) => i + 1, tolerance: () => 0.1, rule: "|error| <= 0.1" }).mismatch
 * // "[1] is 2.5, expected 2 (error 0.5, allowed 0.1); 1 of 2 differ"
 */
export function compareOutput(actual: ArrayLike<number>, expectation: Expectation): CheckRecord {
  const { shape, indices } = expectation;
  const count = indices?.length ?? shape.reduce((product, extent) => product * extent, 1);
  let maxAbs = 0;
  let sumAbs = 0;
  let maxRel = 0;
  let wrong = 0;
  let first: string | null = null;
  for (let i = 0; i < count; i++) {
    const index = indices?.[i] ?? i;
    const expected = expectation.at(index);
    const value = actual[i] ?? Number.NaN; // a short output has missing elements, and they are wrong
    const error = Math.abs(value - expected);
    const allowed = expectation.tolerance(index, expected);
    // Written so that NaN, which compares false with everything, falls on the failing side.
    if (!(error <= allowed)) {
      wrong++;
      first ??=
        `[${coordinates(index, shape).join(", ")}] is ${short(value)}, expected ${short(expected)} ` +
        `(error ${short(error)}, allowed ${short(allowed)})`;
    }
    maxAbs = Number.isNaN(error) ? Number.NaN : Math.max(maxAbs, error);
    sumAbs += error;
    if (expected !== 0) maxRel = Math.max(maxRel, error / Math.abs(expected));
  }
  return {
    passed: wrong === 0 && count > 0,
    compared: count,
    maxAbs: finite(maxAbs),
    meanAbs: finite(sumAbs / Math.max(1, count)),
    maxRel: finite(maxRel),
    tolerance: expectation.rule,
    mismatch: count === 0 ? "nothing was compared" : first && `${first}; ${wrong} of ${count} differ`,
    timedOutput: false,
  };
}

/** Joins checks of several outputs into one; the first failure speaks. */
export function joinChecks(checks: ReadonlyArray<readonly [name: string, check: CheckRecord]>): CheckRecord {
  const largest = (pick: (check: CheckRecord) => number | null): number | null =>
    checks.some(([, check]) => pick(check) === null)
      ? null
      : Math.max(0, ...checks.map(([, check]) => pick(check)!));
  const compared = checks.reduce((sum, [, check]) => sum + check.compared, 0);
  const failed = checks.find(([, check]) => !check.passed);
  const means = checks.map(([, check]) => (check.meanAbs ?? Number.NaN) * check.compared);
  return {
    passed: checks.length > 0 && !failed,
    compared,
    maxAbs: largest((check) => check.maxAbs),
    meanAbs: finite(means.reduce((sum, mean) => sum + mean, 0) / Math.max(1, compared)),
    maxRel: largest((check) => check.maxRel),
    tolerance: [...new Set(checks.map(([name, check]) => `${name}: ${check.tolerance}`))].join("; "),
    mismatch: failed ? `${failed[0]}${failed[1].mismatch}` : null,
    timedOutput: checks.length > 0 && checks.every(([, check]) => check.timedOutput),
  };
}

/** Up to `wanted` indices out of `count`, spread over all of it, always with the first and the last. */
export function sampleIndices(count: number, wanted: number): number[] {
  if (count <= wanted) return Array.from({ length: count }, (_, i) => i);
  // A stride that is no round number, so that samples do not fall on the same lane of every tile.
  const chosen = new Set([0, count - 1]);
  for (let i = 1; chosen.size < wanted; i++) chosen.add(Math.floor(((i * 0.6180339887498949) % 1) * count));
  return [...chosen].sort((a, b) => a - b);
}

function coordinates(index: number, shape: readonly number[]): number[] {
  const out: number[] = [];
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    out.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return out;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
