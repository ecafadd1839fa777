import type { DeviceInfo } from "../backend/contract";
import { matmulLadder, softmaxLadder } from "../bench/suites";
import type { DType } from "../core/dtype";
import { LabError } from "../core/error";
import * as attention from "../ops/attention";
import type { OpCase, Variant } from "../ops/variant";
import type { Device } from "../runtime/device";

/** What a case's tensors are in memory. */
export interface TensorShape {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** An operator that can be held against PyTorch's in one process. */
export interface DuelSuite {
  readonly name: string;
  readonly variants: readonly Variant[];
  cases(device: Device): readonly OpCase[];
  /** The problem's tensors, inputs in the order of their seeds. */
  tensors(c: OpCase): Readonly<Record<string, TensorShape>>;
  readonly outputs: readonly string[];
  /** Sizes and distribution as the Python program reads them. */
  describe(c: OpCase): Readonly<Record<string, unknown>>;
  /** The rungs that enter a case unless others are asked for, of those that can run it. */
  chosen(runnable: readonly Variant[], c: OpCase): readonly Variant[];
}

/** The rung of tensor cores without wgmma: it has a goal of its own, against SDPA's flash route. */
const ampereRung = 7;
/** The decoding rung, where it can run. */
const decodeRung = 13;

const attentionSuite: DuelSuite = {
  name: "attention",
  variants: attention.variants as readonly Variant[],
  cases: (device) => attention.suiteCases(device.info),
  tensors: (given) => {
    const c = given as attention.AttentionCase;
    const shape = (heads: number, rows: number) =>
      c.layout === "bhsd" ? [c.batch, heads, rows, c.headDim] : [c.batch, rows, heads, c.headDim];
    return {
      q: { dtype: c.dtype, shape: shape(c.heads, c.queries) },
      k: { dtype: c.dtype, shape: shape(c.keyHeads, c.keys) },
      v: { dtype: c.dtype, shape: shape(c.keyHeads, c.keys) },
      out: { dtype: c.dtype, shape: shape(c.heads, c.queries) },
      lse: { dtype: "f32", shape: [c.batch, c.heads, c.queries] },
    };
  },
  outputs: ["out", "lse"],
  describe: (given) => {
    const { batch, heads, keyHeads, queries, keys, headDim, causal, scale, layout, magnitude } =
      given as attention.AttentionCase;
    const sizes = { batch, heads, keyHeads, queries, keys, headDim };
    return { ...sizes, causal, scale, layout, magnitude, outliers: attention.attentionOutliers };
  },
  chosen: (runnable) =>
    runnable.filter((v, i) => v.rung === ampereRung || v.rung === decodeRung || i === runnable.length - 1),
};

const softmaxSuite: DuelSuite = {
  name: "softmax",
  variants: softmaxLadder.variants as readonly Variant[],
  cases: (device) => softmaxLadder.cases(device),
  tensors: (c) => {
    const shape = [Number(c.params.rows), Number(c.params.cols)];
    return { x: { dtype: c.dtype, shape }, y: { dtype: c.dtype, shape } };
  },
  outputs: ["y"],
  describe: (c) => ({ ...c.params, magnitude: 1, outliers: { fraction: 0.001, scale: 16 } }),
  chosen: (runnable) => runnable.slice(-3),
};

const matmulSuite: DuelSuite = {
  name: "matmul",
  variants: matmulLadder.variants as readonly Variant[],
  cases: (device) => matmulLadder.cases(device),
  tensors: (c) => {
    const [m, n, k] = [Number(c.params.m), Number(c.params.n), Number(c.params.k)];
    return {
      a: { dtype: c.dtype, shape: [m, k] },
      b: { dtype: c.dtype, shape: [k, n] },
      c: { dtype: c.dtype, shape: [m, n] },
    };
  },
  outputs: ["c"],
  describe: (c) => ({ ...c.params, magnitude: 1, outliers: { fraction: 0.001, scale: 16 } }),
  chosen: (runnable) => runnable.slice(-2),
};

/** The suites that can duel. */
export const duelSuites: readonly DuelSuite[] = [attentionSuite, softmaxSuite, matmulSuite];

/**
 * The suite of a name.
 *
 * @throws LabError "no-such-suite"
 */
export function duelSuite(name: string): DuelSuite {
  const suite = duelSuites.find((s) => s.name === name);
  if (suite) return suite;
  throw new LabError("no-such-suite", `There is no suite "${name}" that can be held against PyTorch's.`, {
    advice: `There are ${duelSuites.map((s) => s.name).join(", ")}.`,
  });
}

/** The rungs that enter a case: those asked for by id, stem or number that can run it, else the suite's choice. */
export function rungsFor(
  suite: DuelSuite,
  info: DeviceInfo,
  c: OpCase,
  wanted: readonly string[] | undefined,
): readonly Variant[] {
  const runnable = suite.variants.filter((v) => v.needs(info, c, v.parameters(info, c)) === null);
  if (!wanted || wanted.length === 0) return suite.chosen(runnable, c);
  const named = wanted.map((word) => {
    const found = suite.variants.find(
      (v) => v.id === word || v.id.endsWith(`/${word}`) || v.rung === Number(word),
    );
    if (found) return found;
    throw new LabError("no-such-variant", `There is no rung ${word} in ${suite.name}.`, {
      advice: `There are ${suite.variants.map((v) => v.id).join(", ")}.`,
    });
  });
  return runnable.filter((v) => named.includes(v));
}
