import type { DeviceInfo } from "../backend/contract";
import { type DType, dtypeInfo } from "../core/dtype";
import type { OpCase, Parameters } from "./variant";

/** A forward attention: out = softmax(scale q k^T) v for each head, and the log of each softmax's sum. */
export interface AttentionCase extends OpCase {
  readonly batch: number;
  readonly heads: number;
  /** Heads of k and v; each serves heads / keyHeads query heads. */
  readonly keyHeads: number;
  readonly queries: number;
  readonly keys: number;
  readonly headDim: number;
  /** Query i sees key j when j <= i + keys - queries. */
  readonly causal: boolean;
  readonly scale: number;
  /** Order of the axes in memory: head before row, or row before head. */
  readonly layout: "bhsd" | "bshd";
  /** Standard deviation of q, k and v. */
  readonly magnitude: number;
}

/** What `makeCase` is given; f16, not causal, as many key heads and keys as query heads and queries unless said otherwise. */
export interface AttentionSizes {
  readonly batch?: number;
  readonly heads: number;
  readonly keyHeads?: number;
  readonly queries: number;
  readonly keys?: number;
  readonly headDim: number;
  readonly causal?: boolean;
  readonly scale?: number;
  readonly layout?: "bhsd" | "bshd";
  readonly magnitude?: number;
  readonly dtype?: DType;
}

/** Outliers of every case: 0.1% of the values at 8 times the scale. */
export const attentionOutliers = { fraction: 0.001, scale: 8 } as const;

/**
 * Makes a case. Its parameters are {batch, seq, heads, dim, causal} where queries see as many keys of as many heads, as
 * the recorded baselines name them, else {batch, queries, keys, heads, keyHeads, dim, causal}.
 *
 * @example lab.attention.makeCase({ batch: 16, heads: 16, queries: 2048, headDim: 64, causal: true }).name
 * // "B16 S2048 H16 D64 causal"
 */
export function makeCase(given: AttentionSizes): AttentionCase {
  const { batch = 1, heads, queries, headDim, causal = false, layout = "bhsd", magnitude = 1 } = given;
  const { keyHeads = heads, keys = queries, scale = headDim ** -0.5, dtype = "f16" } = given;
  const square = keys === queries && keyHeads === heads;
  const rows = square ? `S${queries}` : `Q${queries} K${keys}`;
  const words = [`B${batch} ${rows} H${heads}${keyHeads === heads ? "" : `/${keyHeads}`} D${headDim}`];
  if (causal) words.push("causal");
  if (layout !== "bhsd") words.push(layout);
  if (magnitude !== 1) words.push(`x${magnitude}`);
  const sizes: Parameters = square
    ? { batch, seq: queries, heads, dim: headDim, causal }
    : { batch, queries, keys, heads, keyHeads, dim: headDim, causal };
  return {
    name: words.join(" "),
    params: layout === "bhsd" ? sizes : { ...sizes, layout },
    dtype,
    distribution: `normal x${magnitude}, ${attentionOutliers.fraction * 100}% outliers x${attentionOutliers.scale}`,
    ...{ batch, heads, keyHeads, queries, keys, headDim, causal, scale, layout, magnitude },
  };
}

/** The sizes of a case or of a record's parameters, which name them as `makeCase` writes them. */
function sizesOf({ params: p }: Pick<OpCase, "params">) {
  const n = (name: string, other?: string) => Number(p[name] ?? (other === undefined ? undefined : p[other]));
  return {
    batch: n("batch"),
    heads: n("heads"),
    keyHeads: n("keyHeads", "heads"),
    queries: n("queries", "seq"),
    keys: n("keys", "seq"),
    dim: n("dim"),
    causal: p.causal === true,
  };
}

/**
 * FLOPs of both products: 4 x batch x heads x queries x keys x head dim, without the softmax.
 *
 * Causal counts the visible pairs as a triangle, half of all where there are as many queries as keys: the convention of
 * the FlashAttention papers and of data/baselines.
 */
export function attentionFlops(c: Pick<OpCase, "params">): number {
  const { batch, heads, queries, keys, dim, causal } = sizesOf(c);
  const masked = queries <= keys ? queries ** 2 / 2 : queries * keys - keys ** 2 / 2;
  return 4 * batch * heads * dim * (queries * keys - (causal ? masked : 0));
}

/** Bytes that must move: q, k, v and the output once. The log-sum-exp, four bytes a row, is left out as in the targets. */
export function attentionBytes(c: Pick<OpCase, "params" | "dtype">): number {
  const { batch, heads, keyHeads, queries, keys, dim } = sizesOf(c);
  return 2 * batch * dim * (heads * queries + keyHeads * keys) * dtypeInfo(c.dtype).bytes;
}

/** Odd lengths, more and fewer keys than queries, shared key heads, strides, one key, and scores in the hundreds. */
export function checkCases(dtype: DType = "f16"): AttentionCase[] {
  const c = (sizes: Partial<AttentionSizes>) =>
    makeCase({ heads: 2, queries: 17, headDim: 64, dtype, ...sizes });
  return [
    c({ heads: 1, queries: 1 }),
    c({ queries: 65, keys: 1 }),
    c({ batch: 2, heads: 4, keyHeads: 2, keys: 333, causal: true }),
    c({ queries: 200, keys: 100, causal: true, keyHeads: 1 }),
    c({ queries: 130, causal: true, layout: "bshd", magnitude: 4 }),
    c({ queries: 3, keys: 1000, magnitude: 8 }),
    c({ batch: 2, queries: 77, keys: 90, headDim: 128, causal: true, layout: "bshd" }),
  ];
}

/** What only a GPU checks in reasonable time: whole tiles, long rows and every head dim. */
export function longCheckCases(dtype: DType = "f16"): AttentionCase[] {
  const c = (headDim: number, causal: boolean, sizes: Omit<AttentionSizes, "headDim">) =>
    makeCase({ ...sizes, headDim, causal, dtype });
  const cases = ([64, 128] as const).flatMap((dim) => [
    c(dim, false, { heads: 4, keyHeads: 2, queries: 1000 }),
    c(dim, false, { batch: 2, heads: 3, queries: 333, keys: 4097, layout: "bshd" }),
    c(dim, true, { heads: 4, keyHeads: 1, queries: 1000 }),
    c(dim, true, { batch: 2, heads: 3, queries: 333, keys: 4097, layout: "bshd" }),
    c(dim, true, { heads: 2, queries: 4097, keys: 333, magnitude: 4 }),
    c(dim, true, { batch: 2, heads: 8, queries: 2048 }),
  ]);
  const others = [96, 256].flatMap((dim) => [
    c(dim, true, { heads: 4, keyHeads: 2, queries: 1000 }),
    c(dim, true, { heads: 2, queries: 333, keys: 1000, magnitude: 4, layout: "bshd" }),
  ]);
  return [...checkCases(dtype), ...cases, ...others];
}

/** Short queries against a long cache, with and without shared key heads. */
export function decodeCheckCases(dtype: DType = "f16"): AttentionCase[] {
  const c = (sizes: Partial<AttentionSizes>) =>
    makeCase({ batch: 2, heads: 8, keyHeads: 2, queries: 1, headDim: 128, dtype, ...sizes });
  return [
    c({ keys: 1 }),
    c({ keys: 1000, magnitude: 4 }),
    c({ keys: 333, queries: 5, causal: true }),
    c({ keys: 257, queries: 16, heads: 2, causal: true, layout: "bshd" }),
    c({ keys: 9, queries: 16, heads: 2, causal: true, batch: 1 }),
    c({ keys: 700, queries: 3, heads: 6, headDim: 64 }),
  ];
}

/** The case to measure: the goal's size on a GPU, a small one on the CPU device. */
export function benchCase(info: DeviceInfo): AttentionCase {
  return info.kind === "cuda"
    ? makeCase({ batch: 16, heads: 16, queries: 2048, headDim: 64 })
    : makeCase({ heads: 2, queries: 128, headDim: 64 });
}

/** The cases of the suite: the course's, Llama-2-7B's and the decoder's on a GPU, a small one on the CPU device. */
export function suiteCases(info: DeviceInfo): AttentionCase[] {
  if (info.kind !== "cuda") return [benchCase(info)];
  const both = (sizes: AttentionSizes) => [false, true].map((causal) => makeCase({ ...sizes, causal }));
  const llama = (sizes: Partial<AttentionSizes> & { queries: number }) =>
    both({ heads: 32, headDim: 128, ...sizes });
  return [
    ...both({ batch: 16, heads: 16, queries: 2048, headDim: 64 }),
    // The other lengths of the course's table of memory.
    ...[4096, 8192].map((queries) => makeCase({ batch: 16, heads: 16, queries, headDim: 64 })),
    ...both({ batch: 32, heads: 32, queries: 4096, headDim: 128 }),
    ...[512, 1024, 2048, 4096].flatMap((queries) => llama({ queries })),
    ...llama({ queries: 4096, keyHeads: 8 }),
    ...llama({ queries: 4096, dtype: "bf16" }),
    ...both({ batch: 4, heads: 16, queries: 4096, headDim: 256 }),
    makeCase({ batch: 32, heads: 32, keyHeads: 8, queries: 1, keys: 4096, headDim: 128 }),
    makeCase({ batch: 32, heads: 32, keyHeads: 32, queries: 1, keys: 4096, headDim: 128 }),
  ];
}
