import { formatByteRate, formatBytes, formatFlopRate, formatSeconds, formatShare } from "../show/format";
import type { ComputeUnit, GpuFacts } from "../targets/gpus";
import type { Work } from "../targets/schema";
import { type Cost, costOf } from "../targets/work";

/** What physics says of a published figure. */
export type AuditVerdict = "possible" | "tight" | "impossible";

/** The rule of the verdicts, for every page and table that shows them. */
export const auditRule =
  "possible: needs under 85% of what the chip's data sheet allows; tight: 85% or more; impossible: more than the " +
  "chip can do at its highest clock (0.5% left for rounding, 5% for sizes, where GB and GiB are mixed up). Work and " +
  "traffic are the least the shape allows, so a verdict of impossible holds for every kernel; what a shape leaves " +
  "open stands in the table's reading and beside the verdict.";

const tight = 0.85;
const rounding = 1.005;

/** The verdict on a share of the limit; `ceiling` is the share at the chip's highest clock. */
export function verdictOf(share: number, ceiling: number = share, slack: number = rounding): AuditVerdict {
  if (ceiling > slack) return "impossible";
  return share >= tight ? "tight" : "possible";
}

/** A time held against a chip. */
export interface Held {
  readonly verdict: AuditVerdict;
  /** Least time over published time: 1 at the limit. */
  readonly share: number;
  readonly arithmetic: string;
  /** What the verdict hangs on, a sentence each. */
  readonly conditions: string[];
}

interface Trial {
  readonly unit: ComputeUnit;
  readonly cost: Cost;
  readonly memory: number;
  readonly compute: number;
  readonly share: number;
  readonly ceiling: number;
  readonly verdict: AuditVerdict;
}

/**
 * Holds a time for a piece of work against a chip: bytes over bandwidth, FLOPs over the peak of the unit, the larger
 * of the two; and what must lie in memory at once against its size.
 *
 * @param units the units the document leaves open; the fastest decides, what the others say stands in the conditions
 */
export function holdTime(work: Work, seconds: number, chip: GpuFacts, units: readonly ComputeUnit[]): Held {
  const trials = units
    .flatMap((unit) => tryUnit(work, seconds, chip, unit))
    .sort((a, b) => a.ceiling - b.ceiling);
  const best = trials[0]!;
  const conditions = otherUnits(best, trials.slice(1));
  const [full] = tryUnit(work, seconds, chip, best.unit, false);
  if (full && full.verdict !== best.verdict) {
    conditions.push(
      `Without a causal mask it would be ${full.verdict}: ${formatShare(full.share)} of the limit.`,
    );
  }
  if (best.cost.resident > chip.memory) {
    return {
      verdict: "impossible",
      share: best.cost.resident / chip.memory,
      arithmetic:
        `${formatBytes(best.cost.resident)} must lie in memory at once (${best.cost.residentText ?? best.cost.bytesText}); ` +
        `the chip has ${formatBytes(chip.memory)}`,
      conditions,
    };
  }
  if (best.verdict === "impossible") {
    conditions.push(...narrowMlp(work, seconds, chip, best), ...narrower(work, seconds, chip, units));
  }
  return { verdict: best.verdict, share: best.share, arithmetic: words(best, seconds, chip), conditions };
}

/** The units a stated precision may be computed in; all of the chip's where it is not stated. */
export function unitsFor(precision: string | null, chip: GpuFacts, accumulatesWide: boolean): ComputeUnit[] {
  const wanted: readonly ComputeUnit[] =
    precision === "FP32"
      ? ["fp32"]
      : precision === "FP16"
        ? ["fp16", "fp16a16"]
        : ["fp32", "tf32", "fp16", "fp16a16"];
  return wanted.filter((unit) => chip.flops[unit] !== undefined && !(accumulatesWide && unit === "fp16a16"));
}

/** A unit in words. */
export function unitName(unit: ComputeUnit): string {
  return unit === "fp16a16" ? "fp16 accumulated in fp16" : unit;
}

/** What the verdict would be in the other units the document leaves open, where it differs. */
function otherUnits(best: Trial, others: readonly Trial[]): string[] {
  return (["possible", "tight", "impossible"] as const)
    .filter((verdict) => verdict !== best.verdict)
    .flatMap((verdict) => {
      const same = others.filter((trial) => trial.verdict === verdict);
      const units = same.map((trial) => `${unitName(trial.unit)} (${formatShare(trial.share)} of its limit)`);
      return units.length > 0 ? [`It would be ${verdict} in ${units.join(", ")}.`] : [];
    });
}

function tryUnit(work: Work, seconds: number, chip: GpuFacts, unit: ComputeUnit, causal = true): Trial[] {
  const peak = chip.flops[unit];
  if (peak === undefined) return [];
  const bytes = unit === "fp32" || unit === "tf32" ? 4 : unit === "fp8" || unit === "int8" ? 1 : 2;
  const cost = costOf(work, bytes, causal);
  const memory = cost.bytes / chip.bandwidth;
  const compute = cost.flops / peak;
  const share = Math.max(memory, compute) / seconds;
  const fastest = compute * (chip.clock.boost / chip.clock.max);
  const ceiling = Math.max(memory, fastest) / seconds;
  return [{ unit, cost, memory, compute, share, ceiling, verdict: verdictOf(share, ceiling) }];
}

function words(trial: Trial, seconds: number, chip: GpuFacts): string {
  const { cost, unit, memory, compute, share, ceiling } = trial;
  const peak = chip.flops[unit]!;
  const took = `in ${formatSeconds(seconds)}`;
  if (memory >= compute) {
    return (
      `${formatBytes(cost.bytes)} (${cost.bytesText}) ${took}: ${formatByteRate(cost.bytes / seconds)}, ` +
      `${formatShare(share)} of ${formatByteRate(chip.bandwidth)}`
    );
  }
  const clock =
    share > 1 && ceiling !== share
      ? `, ${formatShare(ceiling)} at the highest clock (${(chip.clock.max / 1e9).toFixed(2)} GHz)`
      : "";
  return (
    `${formatFlops(cost.flops)} (${cost.flopsText}) ${took}: ${formatFlopRate(cost.flops / seconds)}, ` +
    `${formatShare(share)} of ${formatFlopRate(peak)} ${unitName(unit)}${clock}`
  );
}

/** The documents do not say how wide a model's MLP is: the narrowest they use for experts is 11008 for 4096. */
function narrowMlp(work: Work, seconds: number, chip: GpuFacts, best: Trial): string[] {
  if (work.op !== "forward") return [];
  const { batch, seq, hidden, heads, layers } = work;
  const inner = Math.round((hidden * 11008) / 4096);
  const layer = costOf({ op: "layer", batch, seq, hidden, heads, inner, matmuls: 2 }, 2);
  const share = (layers * layer.flops) / chip.flops[best.unit]! / seconds;
  const verdict = verdictOf(share, share * (chip.clock.boost / chip.clock.max));
  return verdict === best.verdict
    ? [
        `With an MLP of 2.7 times the width, as the experts have, it still needs ${formatShare(share)} of the limit.`,
      ]
    : [
        `With an MLP of 2.7 times the width, as the experts have, it would be ${verdict}: ${formatShare(share)}.`,
      ];
}

/** What a narrower type than the document names would need, for figures no stated type can reach. */
function narrower(work: Work, seconds: number, chip: GpuFacts, tried: readonly ComputeUnit[]): string[] {
  const next = (["fp8", "int8"] as const).find((unit) => chip.flops[unit] && !tried.includes(unit));
  const [trial] = next ? tryUnit(work, seconds, chip, next) : [];
  if (!trial || trial.verdict === "impossible") return [];
  return [
    `Only ${next} could do it, at ${formatShare(trial.share)} of its peak; the document does not name it.`,
  ];
}

/** A count of operations: "220 TFLOP". */
export function formatFlops(flops: number): string {
  return formatFlopRate(flops).replace("/s", "");
}
