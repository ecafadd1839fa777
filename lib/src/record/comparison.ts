import { LabError } from "../core/error";
import { indexBelow, seededRandom } from "./random";
import { type BootstrapOptions, median, quantileSorted, resampleCount } from "./statistics";

/** Two series of times held against each other. */
export interface Comparison {
  /** median(b) / median(a): over 1, `a` is the faster. */
  readonly ratio: number;
  /** 95% bootstrap interval of the ratio. */
  readonly lo: number;
  readonly hi: number;
  /** "tie" when the interval holds 1. */
  readonly outcome: "a" | "b" | "tie";
}

/** How two series are compared. */
export interface CompareOptions extends BootstrapOptions {
  /** Sample i of both was taken side by side (A B A B): they are resampled together, so that drift cancels. */
  readonly paired?: boolean;
}

/**
 * The ratio of two medians with its interval; a difference the interval cannot tell from 1 is a tie.
 *
 * @param a times in seconds
 * @param b times in seconds
 * @throws LabError "bad-samples" when either is empty or, paired, their lengths differ
 * @example lab.compareSamples([1, 1, 1], [2, 2, 2]).outcome // "a", the ratio is 2
 */
export function compareSamples(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: CompareOptions = {},
): Comparison {
  if (options.paired && a.length !== b.length) {
    throw new LabError(
      "bad-samples",
      `Comparing paired samples: expected as many of each, received ${a.length} and ${b.length}.`,
      { advice: "Measure both in one interleaved run, or compare them unpaired." },
    );
  }
  const ratio = median(b) / median(a);
  const random = seededRandom(options.seed ?? 20260102);
  const ratios = new Float64Array(resampleCount(Math.max(a.length, b.length), options.resamples));
  const picksA = new Float64Array(a.length);
  const picksB = new Float64Array(b.length);
  const middle = (picks: Float64Array) => quantileSorted(picks.sort(), 0.5);
  for (let r = 0; r < ratios.length; r++) {
    for (let i = 0; i < a.length; i++) {
      const pick = indexBelow(random(), a.length);
      picksA[i] = a[pick]!;
      if (options.paired) picksB[i] = b[pick]!;
    }
    if (!options.paired) for (let i = 0; i < b.length; i++) picksB[i] = b[indexBelow(random(), b.length)]!;
    ratios[r] = middle(picksB) / middle(picksA);
  }
  ratios.sort();
  const lo = quantileSorted(ratios, 0.025);
  const hi = quantileSorted(ratios, 0.975);
  return { ratio, lo, hi, outcome: lo > 1 ? "a" : hi < 1 ? "b" : "tie" };
}

/** A candidate of a sweep: anything with samples. */
export interface Candidate {
  readonly samples: ArrayLike<number>;
}

/**
 * The candidates that cannot be told from the fastest: the fastest first, then those tied with it.
 *
 * @example lab.tiedForBest(records).map((r) => r.implementation.name)
 */
export function tiedForBest<T extends Candidate>(
  candidates: readonly T[],
  options: CompareOptions = {},
): T[] {
  const ranked = candidates
    .filter((candidate) => candidate.samples.length > 0)
    .map((candidate) => ({ candidate, median: median(candidate.samples) }))
    .sort((x, y) => x.median - y.median);
  const best = ranked[0]?.candidate;
  if (!best) return [];
  return ranked
    .map(({ candidate }) => candidate)
    .filter((c) => c === best || compareSamples(best.samples, c.samples, options).outcome === "tie");
}
