import type { DeviceInfo } from "../backend/contract";
import type { DType } from "../core/dtype";
import { LabError } from "../core/error";
import * as attention from "./attention";
import * as matmul from "./matmul";
import * as patterns from "./patterns";
import * as softmax from "./softmax";
import type { OpCase, Variant } from "./variant";

/** An operator's rungs and how to make a case of it from the numbers of a command line. */
export interface Ladder {
  readonly topic: string;
  readonly variants: readonly Variant[];
  /** The case to measure on a device when none is named. */
  benchCase(info: DeviceInfo): OpCase;
  /** Sizes that `makeCase` knows beside the bench case's parameters. */
  readonly sizeNames?: readonly string[];
  /** A case of these sizes, a switch being 1 when it is on; those not named are the bench case's. */
  makeCase(sizes: Readonly<Record<string, number>>, dtype: DType | undefined, info: DeviceInfo): OpCase;
}

/** The operators whose rungs can be listed, measured and swept by name. */
export const ladders: readonly Ladder[] = [
  {
    topic: "softmax",
    variants: softmax.variants as readonly Variant[],
    benchCase: softmax.benchCase,
    makeCase: (sizes, dtype, info) => {
      const usual = softmax.benchCase(info);
      return softmax.makeCase({ rows: usual.rows, cols: usual.cols, dtype: dtype ?? usual.dtype, ...sizes });
    },
  },
  {
    topic: "matmul",
    variants: matmul.variants as readonly Variant[],
    benchCase: matmul.benchCase,
    makeCase: (sizes, dtype, info) => {
      if (dtype !== undefined && dtype !== "f32") {
        throw new LabError("bad-options", `Making a matmul: the rungs take f32, received ${dtype}.`, {
          advice: "Leave the dtype out.",
        });
      }
      const { m, n, k } = matmul.benchCase(info);
      return matmul.makeCase({ m, n, k, ...sizes });
    },
  },
  {
    topic: "attention",
    variants: attention.variants as readonly Variant[],
    benchCase: attention.benchCase,
    sizeNames: ["queries", "keys", "keyHeads"],
    makeCase: (sizes, dtype, info) => {
      const { seq, dim, causal, ...others } = sizes;
      const usual = attention.benchCase(info);
      return attention.makeCase({
        ...{ batch: usual.batch, heads: usual.heads, dtype: dtype ?? usual.dtype },
        queries: seq ?? usual.queries,
        headDim: dim ?? usual.headDim,
        causal: Boolean(causal ?? usual.causal),
        ...others,
      });
    },
  },
  {
    topic: "patterns",
    variants: patterns.variants as readonly Variant[],
    benchCase: patterns.benchCase,
    makeCase: (sizes, dtype, info) => {
      if (dtype !== undefined && dtype !== "f32") {
        throw new LabError("bad-options", `Making a pattern: the steps take f32, received ${dtype}.`, {
          advice: "Leave the dtype out.",
        });
      }
      const { rows, cols } = patterns.benchCase(info);
      return patterns.makeCase({ rows, cols, ...sizes });
    },
  },
];

/**
 * The rung and its ladder by id ("matmul/05_vector").
 *
 * @throws LabError "no-such-variant"
 */
export function findRung(id: string): { ladder: Ladder; variant: Variant } {
  for (const ladder of ladders) {
    const variant = ladder.variants.find((v) => v.id === id);
    if (variant) return { ladder, variant };
  }
  throw new LabError("no-such-variant", `There is no rung "${id}".`, {
    advice: `There are ${ladders.flatMap((l) => l.variants.map((v) => v.id)).join(", ")}.`,
  });
}
