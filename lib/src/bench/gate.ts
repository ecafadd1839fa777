import { isStep, secondMode } from "../record/modes";
import type {
  CheckRecord,
  InputRecord,
  Method,
  OutputRecord,
  StateReading,
  Statistics,
  Verdict,
} from "../record/schema";
import { median } from "../record/statistics";
import { type Gate, gates, inputRule, modeRule, roundedDigits } from "./thresholds";

/** What the gate judges. */
export interface Evidence {
  readonly kind: "cuda" | "cpu";
  /** In the order they were taken, seconds. */
  readonly samples: readonly number[];
  readonly statistics: Statistics;
  readonly method: Pick<
    Method,
    | "eventOverhead"
    | "batch"
    | "flushBytes"
    | "mode"
    | "persistingReset"
    | "unfinished"
    | "idle"
    | "clockRatio"
  >;
  /** No run can be faster than this, seconds; null where no bound is known. */
  readonly floorSeconds: number | null;
  readonly check: CheckRecord | null;
  readonly state: readonly StateReading[];
  readonly inputs?: readonly InputRecord[];
  readonly outputs?: readonly OutputRecord[];
  /** The cache that a flush must outdo, bytes. */
  readonly l2Bytes?: number;
}

/**
 * Judges a measurement: rejected when it is wrong or faster than physics, ambiguous when anything is in doubt.
 *
 * @example judge(evidence).verdict // "trusted"
 */
export function judge(evidence: Evidence, gate: Gate = gates[evidence.kind]): Verdict {
  const rejections = [
    ...physics(evidence),
    ...correctness(evidence.check),
    ...tampering(evidence),
    ...escapes(evidence, gate),
  ];
  const throttles = throttleReasons(evidence.state);
  const doubts = [
    ...noise(evidence, gate),
    ...clocks(evidence, gate),
    ...(throttles.length > 0 ? [`throttled: ${throttles.join(", ")}`] : []),
    ...cache(evidence),
    ...easyInputs(evidence.inputs ?? []),
    ...(evidence.outputs ?? []).filter(allZeros).map((o) => `the output ${o.name} is all zeros`),
    ...unchecked(evidence.check),
  ];
  const verdict = rejections.length > 0 ? "rejected" : doubts.length > 0 ? "ambiguous" : "trusted";
  return {
    verdict,
    reasons: [...rejections, ...doubts],
    ...(throttles.length > 0 ? { throttled: true } : {}),
  };
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

// What the lab itself saw in the tensors, whatever the caller's check says.
function tampering({ inputs = [], outputs = [] }: Evidence): string[] {
  return [
    ...inputs.filter((i) => i.changed).map((i) => `the work changed its input ${i.name}`),
    ...outputs.flatMap((o) => {
      if (o.untouched > 0 && o.untouched === o.elements) return [`the timed runs wrote nothing to ${o.name}`];
      // Poison that was not overwritten is NaN too: it is named as what it is.
      if (o.untouched > 0 && o.nan > 0)
        return [`the timed runs left ${o.untouched} of ${o.elements} elements of ${o.name} unwritten`];
      return o.nan > 0 ? [`${o.name} holds ${o.nan} NaN after the timed runs`] : [];
    }),
  ];
}

function allZeros({ elements, zeros }: OutputRecord): boolean {
  return elements > 0 && zeros === elements;
}

function escapes({ kind, method, statistics }: Evidence, gate: Gate): string[] {
  const { unfinished, idle, batch } = method;
  if (unfinished === undefined || unfinished === null) return [];
  // On the CPU device a thread of the warm-up may run on after empty events as well, and must not excuse itself.
  const late = unfinished - Math.min(idle ?? 0, kind === "cpu" ? gate.unfinished : Number.POSITIVE_INFINITY);
  if (late <= gate.unfinished) return [];
  const share = late / (statistics.median * batch);
  return [
    `work went on for ${(late * 1e6).toFixed(0)} us after the timed run had ended (${percent(share)} of it): ` +
      "it was put on another stream or thread",
  ];
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
  const modes = secondMode(samples, modeRule);
  if (modes && modes.distance > gate.modeDistance) {
    const how = isStep(samples, modes) ? "the time made a step: two modes, one after the other" : "two modes";
    reasons.push(`${how}, ${percent(modes.distance)} apart`);
  }
  const timed = middle * method.batch;
  if (method.eventOverhead !== null && timed < gate.overhead * method.eventOverhead) {
    reasons.push(
      `shorter than ${gate.overhead} times the events' own ${(method.eventOverhead * 1e6).toFixed(2)} us`,
    );
  }
  if (isRounded(samples)) reasons.push(`the samples were rounded to ${roundedDigits} digits or fewer`);
  return reasons;
}

function clocks({ state, method }: Evidence, gate: Gate): string[] {
  const reasons: string[] = [];
  const spread = clockSpread(state);
  if (spread > gate.clockSpread) reasons.push(`the clock moved by ${percent(spread)}`);
  const ratio = method.clockRatio;
  if (ratio !== undefined && ratio !== null && Math.abs(ratio - 1) > gate.clocks) {
    reasons.push(
      `the events say ${percent(Math.abs(ratio - 1))} ${ratio > 1 ? "more" : "less"} than the host's clock`,
    );
  }
  return reasons;
}

function cache({ kind, method, l2Bytes = 0 }: Evidence): string[] {
  if (method.flushBytes === 0 || method.mode === "sustained") return [];
  const reasons: string[] = [];
  if (method.flushBytes < 2 * l2Bytes)
    reasons.push("the caches were overwritten with less than twice their size");
  if (kind === "cuda" && method.persistingReset === false)
    reasons.push("persisting lines of the L2 cache could not be reset");
  return reasons;
}

/** Why inputs make a test too easy to believe, in words. */
export function easyInputs(inputs: readonly InputRecord[]): string[] {
  return inputs.flatMap(({ name, profile }) => {
    if (!profile || profile.sampled < inputRule.fewest) return [];
    const { zeros, distinct, kurtosis } = profile;
    if (zeros > inputRule.zeros) return [`${percent(zeros)} of the input ${name} is zero`];
    if (distinct <= inputRule.distinct)
      return [`the input ${name} holds ${distinct === 1 ? "one value" : `${distinct} values`} only`];
    if (kurtosis !== null && kurtosis < inputRule.kurtosis)
      return [`the input ${name} is spread evenly, not normal with outliers`];
    return [];
  });
}

/** Reasons of throttling over the samples; idling and clocks set on purpose are none. */
export function throttleReasons(state: readonly StateReading[]): string[] {
  return [
    ...new Set(
      state.flatMap((s) => s.throttleReasons ?? []).filter((r) => !/idle|none|applications/i.test(r)),
    ),
  ];
}

/** Spread of the SM clock over the readings, as a share of the fastest; 0 where it was not read twice. */
export function clockSpread(state: readonly StateReading[]): number {
  const rates = state.flatMap((s) => (s.smClockHz === null ? [] : [s.smClockHz]));
  return rates.length > 1 ? (Math.max(...rates) - Math.min(...rates)) / Math.max(...rates) : 0;
}

/** The median of the second half over that of the first, less one. */
export function driftOf(samples: readonly number[]): number {
  if (samples.length < 8) return 0;
  const half = Math.floor(samples.length / 2);
  return median(samples.slice(-half)) / median(samples.slice(0, half)) - 1;
}

/**
 * The distance between two modes of the samples as a share of the median, 0 when there is only one.
 *
 * Two modes: the best split into two clusters lies five deviations apart (Ashman's D) with nearly nothing in the middle
 * third between them, and the smaller one holds more samples than disturbances of one sample in twenty would make with a
 * chance of 2%: 5 of 30, 7 of 50. (Without that count one clean series of ten was said to have two modes where one sample
 * in twenty is disturbed, as on the H200's host.) Over 2000 series each of normal, even, exponential, Student and
 * log-normal samples it is wrong in 2% at most of 30 samples and 0.3% of 50, and in 1.5% where one sample in twenty is an
 * outlier. Of two modes with a fifth in the rarer one it finds three of four series of 30, nine of ten of 50.
 */
export function modeGap(samples: readonly number[]): number {
  return secondMode(samples, modeRule)?.distance ?? 0;
}

/** True when every sample has so few digits that it must have been rounded. */
function isRounded(samples: readonly number[]): boolean {
  return samples.length > 1 && samples.every((s) => Number(s.toPrecision(roundedDigits)) === s);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`;
}
