import { LabError } from "../core/error";
import { indexBelow, seededRandom } from "./random";
import {
  type BootstrapOptions,
  medianOfDraws,
  quantileSorted,
  resampleCount,
  sortedSamples,
} from "./statistics";

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
  const [sortedA, sortedB] = [sortedSamples(a), sortedSamples(b)];
  const [rankA, rankB] = [ranks(a), ranks(b)];
  const ratio = quantileSorted(sortedB, 0.5) / quantileSorted(sortedA, 0.5);
  const random = seededRandom(options.seed ?? 20260102);
  const ratios = new Float64Array(resampleCount(Math.max(a.length, b.length), options.resamples));
  const drawnA = new Uint32Array(a.length);
  const drawnB = new Uint32Array(b.length);
  for (let r = 0; r < ratios.length; r++) {
    drawnA.fill(0);
    drawnB.fill(0);
    for (let i = 0; i < a.length; i++) {
      const pick = indexBelow(random(), a.length);
      drawnA[rankA[pick]!]!++;
      if (options.paired) drawnB[rankB[pick]!]!++;
    }
    if (!options.paired) for (let i = 0; i < b.length; i++) drawnB[rankB[indexBelow(random(), b.length)]!]!++;
    ratios[r] = medianOfDraws(sortedB, drawnB) / medianOfDraws(sortedA, drawnA);
  }
  ratios.sort();
  const lo = quantileSorted(ratios, 0.025);
  const hi = quantileSorted(ratios, 0.975);
  return { ratio, lo, hi, outcome: lo > 1 ? "a" : hi < 1 ? "b" : "tie" };
}

/** The place of each sample among the ascending ones. */
function ranks(samples: ArrayLike<number>): Uint32Array {
  const order = Uint32Array.from({ length: samples.length }, (_, i) => i).sort(
    (i, j) => samples[i]! - samples[j]!,
  );
  const place = new Uint32Array(samples.length);
  order.forEach((sample, rank) => {
    place[sample] = rank;
  });
  return place;
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
    .map((candidate) => {
      const sorted = sortedSamples(candidate.samples);
      return { candidate, median: quantileSorted(sorted, 0.5), min: sorted[0]!, max: sorted.at(-1)! };
    })
    .sort((x, y) => x.median - y.median);
  const best = ranked[0];
  if (!best) return [];
  return ranked
    .filter((c) => {
      if (c === best) return true;
      // Every sample slower than the best's slowest: no draw can tell otherwise.
      if (c.min > best.max) return false;
      return compareSamples(best.candidate.samples, c.candidate.samples, options).outcome === "tie";
    })
    .map(({ candidate }) => candidate);
}
