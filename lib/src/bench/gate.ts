import type { CheckRecord, Method, StateReading, Statistics, Verdict } from "../record/schema";
import { median } from "../record/statistics";

/** Thresholds of the gate, as shares of the median unless said. */
export interface Gate {
  readonly samples: number;
  /** Half width of the interval of the median. */
  readonly interval: number;
  /** Second half against the first. */
  readonly drift: number;
  /** Distance between two modes. */
  readonly modes: number;
  readonly clockSpread: number;
  /** Times the event overhead. */
  readonly overhead: number;
}

/**
 * The thresholds. The CPU device shares its cores with everything else on the host and says so: what would be noise
 * to hide on a GPU is its normal state, so it is held to a wider gate.
 */
export const gates: Readonly<Record<"cuda" | "cpu", Gate>> = {
  cuda: { samples: 30, interval: 0.01, drift: 0.01, modes: 0.02, clockSpread: 0.03, overhead: 5 },
  cpu: { samples: 30, interval: 0.05, drift: 0.05, modes: 0.1, clockSpread: 0.03, overhead: 5 },
};

/** What the gate judges. */
export interface Evidence {
  readonly kind: "cuda" | "cpu";
  /** In the order they were taken, seconds. */
  readonly samples: readonly number[];
  readonly statistics: Statistics;
  readonly method: Pick<Method, "eventOverhead" | "batch">;
  /** No run can be faster than this, seconds; null where no bound is known. */
  readonly floorSeconds: number | null;
  readonly check: CheckRecord | null;
  readonly state: readonly StateReading[];
}

/**
 * Judges a measurement: rejected when it is wrong or faster than physics, ambiguous when anything is in doubt.
 *
 * @example judge(evidence).verdict // "trusted"
 */
export function judge(evidence: Evidence, gate: Gate = gates[evidence.kind]): Verdict {
  const rejections = [...physics(evidence), ...correctness(evidence.check)];
  const doubts = [...noise(evidence, gate), ...sensors(evidence.state, gate), ...unchecked(evidence.check)];
  const verdict = rejections.length > 0 ? "rejected" : doubts.length > 0 ? "ambiguous" : "trusted";
  return { verdict, reasons: [...rejections, ...doubts] };
}

function physics({ floorSeconds, statistics }: Evidence): string[] {
  if (statistics.median === 0) return ["the median is zero: nothing was timed"];
  if (floorSeconds === null || statistics.median >= floorSeconds) return [];
  return [`faster than physics: ${(floorSeconds / statistics.median).toFixed(2)}x the rate of the hardware`];
}

function correctness(check: CheckRecord | null): string[] {
  if (!check || check.passed) return [];
  return [`the output is wrong${check.mismatch ? `: ${check.mismatch}` : ""}`];
}

function unchecked(check: CheckRecord | null): string[] {
  if (!check) return ["the output was not checked"];
  return check.passed && !check.timedOutput ? ["the output of the timed runs was not checked"] : [];
}

function noise({ samples, statistics, method }: Evidence, gate: Gate): string[] {
  const reasons: string[] = [];
  const { median: middle, ci95 } = statistics;
  if (samples.length < gate.samples) reasons.push(`${samples.length} samples, fewer than ${gate.samples}`);
  const half = (ci95[1] - ci95[0]) / 2 / middle;
  if (half > gate.interval) reasons.push(`the median is known to ±${percent(half)} only`);
  const drift = driftOf(samples);
  if (Math.abs(drift) > gate.drift)
    reasons.push(`the second half is ${percent(Math.abs(drift))} ${drift > 0 ? "slower" : "faster"}`);
  const gap = modeGap(samples);
  if (gap > gate.modes) reasons.push(`two modes, ${percent(gap)} apart`);
  const timed = middle * method.batch;
  if (method.eventOverhead !== null && timed < gate.overhead * method.eventOverhead) {
    reasons.push(
      `shorter than ${gate.overhead} times the events' own ${(method.eventOverhead * 1e6).toFixed(2)} us`,
    );
  }
  return reasons;
}

function sensors(state: readonly StateReading[], gate: Gate): string[] {
  const reasons: string[] = [];
  // The first reading was taken before the work, at an idle clock.
  const clocks = state.slice(1).flatMap((s) => (s.smClockHz === null ? [] : [s.smClockHz]));
  if (clocks.length > 1) {
    const spread = (Math.max(...clocks) - Math.min(...clocks)) / Math.max(...clocks);
    if (spread > gate.clockSpread) reasons.push(`the clock moved by ${percent(spread)}`);
  }
  const throttles = new Set(
    state
      .slice(1)
      .flatMap((s) => s.throttleReasons ?? [])
      .filter((r) => !/idle|none|applications/i.test(r)),
  );
  if (throttles.size > 0) reasons.push(`throttled: ${[...throttles].join(", ")}`);
  return reasons;
}

/** The median of the second half over that of the first, less one. */
export function driftOf(samples: readonly number[]): number {
  if (samples.length < 8) return 0;
  const half = Math.floor(samples.length / 2);
  return median(samples.slice(-half)) / median(samples.slice(0, half)) - 1;
}

/**
 * The distance between two clusters of samples as a share of the median, 0 when there is only one.
 *
 * Two modes: a gap wider than three times the spread on either side of it, with a tenth of the samples on each side.
 */
export function modeGap(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const fewest = Math.max(3, Math.ceil(sorted.length * 0.1));
  let widest = 0;
  for (let split = fewest; split <= sorted.length - fewest; split++) {
    const gap = sorted[split]! - sorted[split - 1]!;
    const spread = Math.max(deviation(sorted.slice(0, split)), deviation(sorted.slice(split)));
    if (gap > widest && gap > 3 * spread) widest = gap;
  }
  return widest === 0 ? 0 : widest / median(sorted);
}

function deviation(sorted: readonly number[]): number {
  const middle = median(sorted);
  return median(sorted.map((x) => Math.abs(x - middle)));
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`;
}
