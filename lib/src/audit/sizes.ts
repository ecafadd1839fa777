import { formatByteRate, formatBytes, formatFlopRate, formatSeconds, formatShare } from "../show/format";
import type { GpuFacts } from "../targets/gpus";
import type { TargetFigure } from "../targets/load";
import type { Work } from "../targets/schema";
import { costOf } from "../targets/work";
import { formatFlops, type Held, verdictOf } from "./limits";

// GB and GiB differ by 7%, and sizes are printed with one or two digits.
const sizeSlack = 1.05;

/** Holds a size against the least that must be stored; null where the shape says nothing of it. */
export function holdMemory(figure: TargetFigure, work: Work, chip: GpuFacts | null): Held | null {
  if (figure.quantity === "flops")
    return least(figure.lo, costOf(work, 2).flops, costOf(work, 2).flopsText, formatFlops);
  switch (work.op) {
    case "attention":
      return figure.quantity === "reduction" ? reduction(figure, work.seq) : attention(figure, work);
    case "ffn":
      return figure.quantity === "memory-saved" ? saved(figure, work) : null;
    case "decode":
      // "16 bytes x 8B params" is a factor of a formula, no size.
      return figure.unit === "bytes" ? null : weights(figure, work.parameters, chip);
    case "load":
    case "weights":
      return weights(figure, work.parameters, chip);
    default:
      return null;
  }
}

/**
 * Holds a share of the memory bandwidth against a shape: a kernel that moves every byte once cannot use more of it
 * than its bytes over the time that its FLOPs take at the chip's peak.
 */
export function holdBandwidthShare(figure: TargetFigure, work: Work, chips: readonly GpuFacts[]): Held {
  const { bytes, flops } = costOf(work, 2);
  const reach = chips.map((chip) => {
    const seconds = flops / chip.flops.fp16!;
    const most = Math.min(1, bytes / seconds / chip.bandwidth);
    const ceiling = Math.min(1, most * (chip.clock.max / chip.clock.boost));
    return { chip, seconds, most, ceiling };
  });
  const share = Math.min(...reach.map(({ most }) => figure.lo / most));
  const verdict = verdictOf(share, Math.min(...reach.map(({ ceiling }) => figure.lo / ceiling)));
  const words = reach.map(
    ({ chip, seconds, most }) =>
      `on the ${chip.name} at least ${formatSeconds(seconds)} at ${formatFlopRate(chip.flops.fp16!)}, so at most ` +
      `${formatByteRate(bytes / seconds)} or ${formatShare(most)} of its bandwidth`,
  );
  return {
    verdict,
    share,
    arithmetic: `${formatBytes(bytes)} and ${formatFlops(flops)}: ${words.join("; ")}`,
    conditions:
      verdict === "impossible"
        ? ["Only bytes moved more than once could reach it: at this shape the work is compute-bound."]
        : [],
  };
}

function attention(figure: TargetFigure, work: Extract<Work, { op: "attention" }>): Held {
  if (figure.role === "baseline") {
    const { batch, heads, seq } = work;
    const scores = batch * heads * seq ** 2 * 2;
    return least(figure.hi, scores, `${batch} x ${heads} x ${seq}^2 scores of 2 bytes`, formatBytes);
  }
  const cost = costOf(work, 2);
  return least(figure.hi, cost.bytes, cost.bytesText, formatBytes);
}

function weights(figure: TargetFigure, parameters: number, chip: GpuFacts | null): Held {
  const stated = { FP32: 4, FP16: 2, INT8: 1 }[figure.precision ?? ""];
  const say = (bytes: number) => `${(parameters / 1e9).toPrecision(3)} G parameters of ${bytes} bytes`;
  if (stated !== undefined) {
    const held = least(figure.hi, parameters * stated, say(stated), formatBytes);
    const fits = chip === null || parameters * stated <= chip.memory;
    return fits
      ? held
      : { ...held, conditions: [`One chip of ${formatBytes(chip.memory)} does not hold it.`] };
  }
  const bits = (figure.hi * 8) / parameters;
  return {
    ...least(figure.hi, parameters * 0.5, say(0.5), formatBytes),
    conditions: [
      `No precision is stated: the size allows ${bits.toFixed(1)} bits a parameter; FP16 needs 16.`,
    ],
  };
}

function saved(figure: TargetFigure, work: Extract<Work, { op: "ffn" }>): Held {
  const most = work.tokens * work.inner * 4;
  const share = figure.lo / most;
  return {
    verdict: verdictOf(share, share, sizeSlack),
    share,
    arithmetic:
      `fusing saves at most the ${work.tokens} x ${work.inner} activations, ${formatBytes(most)} in fp32 ` +
      `(or fp16 before and after GELU): ${formatShare(share)} of it`,
    conditions: [],
  };
}

function reduction(figure: TargetFigure, seq: number): Held {
  const kept = (1 - figure.lo) * seq;
  return {
    verdict: kept >= 1 ? "possible" : "impossible",
    share: figure.lo,
    arithmetic: `${formatShare(figure.lo)} less than all ${seq} columns of scores: ${Math.round(kept)} are kept at a time`,
    conditions: ["It counts the scores alone: Q, K, V and the output stay."],
  };
}

function least(published: number, bytes: number, words: string, format: (value: number) => string): Held {
  const share = bytes / published;
  return {
    verdict: verdictOf(share, share, sizeSlack),
    share,
    arithmetic: `at least ${format(bytes)} (${words}), ${formatShare(share)} of the published ${format(published)}`,
    conditions: [],
  };
}
