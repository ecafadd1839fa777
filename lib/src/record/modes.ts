import { median } from "./statistics";

/** The best split of samples into a faster and a slower cluster. */
export interface Modes {
  /** Means of the two clusters. */
  readonly low: number;
  readonly high: number;
  /** Share of the samples in the smaller one. */
  readonly minority: number;
  /**
   * Distance of the means over the spread within the clusters (Ashman's D: the distance over the root mean square of
   * the two deviations). Samples of one mode have it too: 2.6 when normal, 3.5 when spread evenly.
   */
  readonly separation: number;
  /** Share of the samples in the middle third between the two means: nearly none between two modes. */
  readonly valley: number;
  /** Distance of the means as a share of the median of all. */
  readonly distance: number;
}

/** A cluster smaller than this is a handful of outliers, not a mode. */
const fewest = 0.1;

/**
 * Splits samples where the spread within the two parts is least (two-means, exact in one dimension).
 *
 * Each part has a tenth of the samples at least: fewer are outliers, which the percentiles tell. Null below ten samples
 * and for samples that are all equal.
 *
 * @example modesOf([1, 1.01, 0.99, 1, 1.01, 2, 2.01, 1.99, 2, 2.01])?.distance // 0.66
 */
export function modesOf(samples: readonly number[]): Modes | null {
  const sorted = Float64Array.from(samples).sort();
  const count = sorted.length;
  if (count < 10 || sorted[0] === sorted[count - 1]) return null;
  // Sums about the smallest sample, so that the squares of nearly equal times lose no digits.
  const sums = new Float64Array(count + 1);
  const squares = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) {
    const x = sorted[i]! - sorted[0]!;
    sums[i + 1] = sums[i]! + x;
    squares[i + 1] = squares[i]! + x * x;
  }
  const spread = (from: number, to: number) => {
    const mean = (sums[to]! - sums[from]!) / (to - from);
    return { mean, within: Math.max(0, squares[to]! - squares[from]! - (to - from) * mean * mean) };
  };
  const least = Math.max(3, Math.ceil(count * fewest));
  let best = { split: least, within: Number.POSITIVE_INFINITY };
  for (let split = least; split <= count - least; split++) {
    const within = spread(0, split).within + spread(split, count).within;
    if (within < best.within) best = { split, within };
  }
  const [fast, slow] = [spread(0, best.split), spread(best.split, count)];
  const distance = slow.mean - fast.mean;
  const pooled = Math.sqrt((fast.within / best.split + slow.within / (count - best.split)) / 2);
  const low = sorted[0]! + fast.mean;
  const between = sorted.filter((x) => x > low + distance / 3 && x < low + (2 * distance) / 3).length;
  return {
    low,
    high: sorted[0]! + slow.mean,
    valley: between / count,
    minority: Math.min(best.split, count - best.split) / count,
    separation: pooled > 0 ? distance / pooled : Number.POSITIVE_INFINITY,
    distance: distance / median(sorted),
  };
}

/** When a cluster of samples is a second mode. */
export interface ModeRule {
  /** Ashman's D that the two clusters must exceed. */
  readonly separation: number;
  /** The share of samples between them must stay below this. */
  readonly valley: number;
  /** A disturbance hits a sample with at most this chance: so few are outliers, which the percentiles tell. */
  readonly disturbed: number;
  /** The smaller cluster must be larger than disturbances alone make it with more than this chance. */
  readonly chance: number;
}

/** Of all samples, those that may be put aside as outliers to look at the rest. */
const mostOutliers = 0.15;

/**
 * The second mode of a series, or null where it has one mode only.
 *
 * A cluster is a mode where it holds significantly more samples than disturbances make (a binomial test), lies apart and
 * leaves the middle between empty. Clusters too small for that are outliers: they are put aside and the rest is split
 * again, so that a few very slow samples do not hide two modes among the others.
 *
 * @example secondMode(samples, { separation: 5, valley: 0.04, disturbed: 0.05, chance: 0.02 })?.distance
 */
export function secondMode(samples: readonly number[], rule: ModeRule): Modes | null {
  let left = samples;
  while (samples.length - left.length <= mostOutliers * samples.length) {
    const modes = modesOf(left);
    if (!modes) return null;
    const middle = (modes.low + modes.high) / 2;
    const slow = left.filter((x) => x > middle);
    const fast = left.filter((x) => x <= middle);
    const [few, many] = slow.length < fast.length ? [slow, fast] : [fast, slow];
    if (binomialTail(samples.length, few.length, rule.disturbed) <= rule.chance) {
      return modes.separation > rule.separation && modes.valley < rule.valley ? modes : null;
    }
    left = many;
  }
  return null;
}

/** True when a series changed from one mode to the other once and stayed there: a step, not a mixture. */
export function isStep(samples: readonly number[], { low, high }: Pick<Modes, "low" | "high">): boolean {
  const slow = samples.map((x) => x > (low + high) / 2);
  return slow.filter((s, i) => i > 0 && s !== slow[i - 1]).length === 1;
}

/** The chance of `least` or more of `count` when each comes with chance `p`. */
export function binomialTail(count: number, least: number, p: number): number {
  if (least <= 0) return 1;
  let tail = 0;
  // Logarithms, so that a thousand samples do not underflow.
  let logTerm = count * Math.log1p(-p);
  for (let k = 0; k <= count; k++) {
    if (k > 0) logTerm += Math.log((count - k + 1) / k) + Math.log(p / (1 - p));
    if (k >= least) tail += Math.exp(logTerm);
  }
  return Math.min(1, tail);
}
