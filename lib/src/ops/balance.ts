/** How evenly a router spreads its choices over the experts. */
export interface Balance {
  /** Choices that went to each expert. */
  readonly usage: readonly number[];
  /** Share of all choices, f_e; they add up to 1. */
  readonly share: readonly number[];
  /** Mean probability of each expert over the tokens, P_e. */
  readonly probability: readonly number[];
  /**
   * The Switch Transformer's balance loss with its perfect value taken off: E x sum of f_e P_e, less 1.
   * 0 when either the choices or the probabilities are even; 1 when all goes to two of four experts.
   */
  readonly loss: number;
  /** Variance of the shares times E squared: 0 when even, the square of the usage's coefficient of variation. */
  readonly variance: number;
  /** The busiest expert's choices over the mean: how much longer the slowest expert takes. */
  readonly peak: number;
}

/** Balance of a batch from its choices a expert and its probabilities (tokens x experts). */
export function balanceOf(usage: ArrayLike<number>, probability: ArrayLike<number>): Balance {
  const experts = usage.length;
  const tokens = probability.length / experts;
  const counts = Array.from(usage, Number);
  const choices = counts.reduce((sum, count) => sum + count, 0);
  const share = counts.map((count) => count / choices);
  const mean = new Array<number>(experts).fill(0);
  for (let i = 0; i < probability.length; i++) mean[i % experts]! += probability[i]! / tokens;
  return {
    usage: counts,
    share,
    probability: mean,
    loss: experts * share.reduce((sum, f, e) => sum + f * mean[e]!, 0) - 1,
    variance: experts * share.reduce((sum, f) => sum + (f - 1 / experts) ** 2, 0),
    peak: Math.max(...share) * experts,
  };
}

/** Choices beyond a capacity, which are dropped, and their share of all. */
export function dropped(usage: readonly number[], capacity: number): { count: number; share: number } {
  const choices = usage.reduce((sum, count) => sum + count, 0);
  const count = usage.reduce((sum, own) => sum + Math.max(0, own - capacity), 0);
  return { count, share: choices === 0 ? 0 : count / choices };
}

/** Rows an expert may take: the even share times a factor, rounded up. */
export function capacityOf(tokens: number, k: number, experts: number, factor: number): number {
  return Math.ceil((factor * tokens * k) / experts);
}
