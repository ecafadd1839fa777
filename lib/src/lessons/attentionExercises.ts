import * as attention from "../ops/attention";
import { type CaseResult, variantSource } from "../ops/variant";
import { type Exercise, rungCases, without } from "./exercise";

const failed = (cases: readonly CaseResult[], text = ""): CaseResult[] =>
  cases.filter((one) => one.status === "failed" && one.case.includes(text));

const online = attention.variant("03_online");
const onlineSource = () => variantSource(online);

/** Rescale what came before when a larger score comes. */
export const attentionRescale = (): Exercise => ({
  id: "attention-rescale",
  title: "A larger score comes",
  task:
    "The kernel below walks over the keys once. It keeps the largest score so far, the sum of weights relative to it, " +
    "and the output relative to it. When a larger score comes, it moves the maximum and forgets that everything kept so " +
    "far was relative to the old one. Make it right.",
  starter: without(
    onlineSource(),
    "      sum *= keep;\n#pragma unroll\n      for (int d = 0; d < D; ++d) output[d] *= keep;\n",
    "      // TODO: what is all that came before worth now?\n",
  ),
  solution: onlineSource(),
  cases: (device, source) =>
    rungCases(online, [
      attention.makeCase({ heads: 2, queries: 5, keys: 1, headDim: 64 }),
      attention.makeCase({ heads: 2, queries: 33, keys: 70, headDim: 64 }),
      attention.makeCase({ heads: 2, keyHeads: 1, queries: 40, headDim: 64, causal: true }),
      attention.makeCase({ heads: 1, queries: 9, keys: 100, headDim: 64, magnitude: 8 }),
    ])(device, source),
  hint(cases) {
    if (failed(cases, "K1 ").length > 0)
      return "With one key nothing came before: its weight is 1, and the output is its value.";
    return "Sum and output both count exp(score - maximum). Under a larger maximum every term of both shrinks by exp(old - new).";
  },
});

const tiled = attention.variant("04_tiled");
const tiledSource = () => variantSource(tiled);

/** Hide later keys from a query. */
export const causalMask = (): Exercise => ({
  id: "causal-mask",
  title: "No look into the future",
  task:
    "The tiled kernel below lets every query see every key, also where CAUSAL is true. Mask it: the last query sees all " +
    "keys, the one before it all but the last, and so on. There may be more keys than queries, or fewer: then the first " +
    "queries see none, and their output is zero.",
  starter: without(
    tiledSource(),
    "seen = lab::visibleKeys<CAUSAL>(shape, firstRow + row) - firstKey;",
    "seen = shape.keys - firstKey;  // <- every key",
  ),
  solution: tiledSource(),
  cases: (device, source) =>
    rungCases(tiled, [
      attention.makeCase({ heads: 2, queries: 20, keys: 45, headDim: 64 }),
      attention.makeCase({ heads: 2, queries: 40, headDim: 64, causal: true }),
      attention.makeCase({ heads: 2, queries: 17, keys: 50, headDim: 64, causal: true }),
      attention.makeCase({ heads: 2, queries: 50, keys: 21, headDim: 64, causal: true }),
    ])(device, source),
  hint(cases) {
    const masked = failed(cases, "causal");
    if (failed(cases).length > masked.length)
      return "Without CAUSAL every query sees all keys: that is wrong now.";
    if (masked.some((one) => one.case.includes("S40")))
      return "With as many keys as queries, query i sees keys 0 to i. `seen` counts keys from this tile's first on.";
    return "The mask is aligned at the bottom right: query i sees key j when j <= i + keys - queries.";
  },
});
