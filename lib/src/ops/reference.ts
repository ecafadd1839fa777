/**
 * What the kernels should answer, in float64 and written for reading, not for speed.
 *
 * References work on the values the device holds (decoded from f16 and bf16), so that rounding of the inputs is not
 * counted against a kernel.
 */

/** Softmax of one row of `cols` values that starts at `offset`. */
export function softmaxRow(x: ArrayLike<number>, cols: number, offset = 0): Float64Array {
  let maximum = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < cols; i++) maximum = Math.max(maximum, x[offset + i]!);
  const out = new Float64Array(cols);
  let sum = 0;
  for (let i = 0; i < cols; i++) sum += out[i] = Math.exp(x[offset + i]! - maximum);
  for (let i = 0; i < cols; i++) out[i]! /= sum;
  return out;
}

/** One row of attention, with what bounds the rounding errors of a kernel that computes it in float. */
export interface AttentionRow {
  readonly out: Float64Array;
  /** Natural logarithm of the sum of exponentials; minus infinity where no key is seen. */
  readonly lse: number;
  /** Sum of weight x |value| by column. */
  readonly magnitude: Float64Array;
  /** Sum of |value| over the sum of exponentials (of scores less their maximum), by column. */
  readonly valueSum: Float64Array;
  /** The largest sum of |q k| x scale of the keys. */
  readonly scoreMagnitude: number;
}

/** Attention of one query to the first `seen` rows of k and v, which are as wide as the query. */
export function attentionRow(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  seen: number,
  scale: number,
): AttentionRow {
  const dim = q.length;
  const scores = new Float64Array(seen);
  let [maximum, scoreMagnitude, sum] = [Number.NEGATIVE_INFINITY, 0, 0];
  for (let j = 0; j < seen; j++) {
    let [score, magnitude] = [0, 0];
    for (let d = 0; d < dim; d++) {
      const term = q[d]! * k[j * dim + d]!;
      score += term;
      magnitude += Math.abs(term);
    }
    scores[j] = score * scale;
    maximum = Math.max(maximum, scores[j]!);
    scoreMagnitude = Math.max(scoreMagnitude, magnitude * scale);
  }
  for (let j = 0; j < seen; j++) {
    scores[j] = Math.exp(scores[j]! - maximum);
    sum += scores[j]!;
  }
  const out = new Float64Array(dim);
  const magnitude = new Float64Array(dim);
  const valueSum = new Float64Array(dim);
  for (let j = 0; j < seen; j++) {
    const weight = scores[j]! / sum;
    for (let d = 0; d < dim; d++) {
      const value = v[j * dim + d]!;
      out[d]! += weight * value;
      magnitude[d]! += weight * Math.abs(value);
      valueSum[d]! += Math.abs(value) / sum;
    }
  }
  const lse = seen > 0 ? maximum + Math.log(sum) : Number.NEGATIVE_INFINITY;
  return { out, lse, magnitude, valueSum, scoreMagnitude };
}

/** A dot product and the sum of its terms' magnitudes, which bounds what rounding may do to it. */
export interface Dot {
  readonly value: number;
  readonly magnitude: number;
}

/** Row `row` of `a` (width k) times column `col` of `b` (width n). */
export function dot(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  k: number,
  n: number,
  row: number,
  col: number,
): Dot {
  let value = 0;
  let magnitude = 0;
  for (let i = 0; i < k; i++) {
    const term = a[row * k + i]! * b[i * n + col]!;
    value += term;
    magnitude += Math.abs(term);
  }
  return { value, magnitude };
}

/** The Gauss error function, to about 1e-15: a series near 0, a continued fraction far out. */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = z;
    let sum = z;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-z * z) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)));
}

/** The exact GELU, x times the normal distribution's share below x. */
export function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x * Math.SQRT1_2));
}

/** One token's routing. */
export interface Routing {
  /** The k chosen experts, best first; equal logits choose the lower index. */
  readonly experts: number[];
  /** The chosen probabilities over their sum. */
  readonly gates: number[];
  readonly probabilities: Float64Array;
}

/** Softmax and top-k of one token's logits; `bias` steers the choice only. */
export function route(logits: ArrayLike<number>, k: number, bias?: ArrayLike<number>): Routing {
  const probabilities = softmaxRow(logits, logits.length);
  // The sum in float32, as the kernel has it: which of two nearly equal experts wins is decided by rounded scores.
  const score = Array.from(logits, (value, e) => Math.fround(value + (bias?.[e] ?? 0)));
  const experts = score.map((_, e) => e).sort((p, q) => score[q]! - score[p]! || p - q);
  experts.length = k;
  const total = experts.reduce((sum, e) => sum + probabilities[e]!, 0);
  return { experts, gates: experts.map((e) => probabilities[e]! / total), probabilities };
}

/** Where each choice's row goes: slots in expert order, stable, -1 where an expert is beyond its capacity. */
export function place(
  choices: ArrayLike<number>,
  experts: number,
  capacity: number,
): { slots: Int32Array; usage: Int32Array; start: Int32Array } {
  const usage = new Int32Array(experts);
  for (let i = 0; i < choices.length; i++) usage[choices[i]!]!++;
  const start = new Int32Array(experts + 1);
  for (let e = 0; e < experts; e++) start[e + 1] = start[e]! + Math.min(usage[e]!, capacity);
  const next = new Int32Array(experts);
  const slots = new Int32Array(choices.length);
  for (let i = 0; i < choices.length; i++) {
    const e = choices[i]!;
    const at = next[e]!++;
    slots[i] = at < capacity ? start[e]! + at : -1;
  }
  return { slots, usage, start };
}
