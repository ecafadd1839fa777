import { roundedDigits } from "../bench/thresholds";
import type { Method } from "../record/schema";
import type { Remark } from "./findings";

// Fewer samples than this show no pattern that chance could not.
const fewest = 8;

/**
 * Patterns in a series of samples that no clock makes: all equal, evenly rising, repeating, rounded, sorted, too few
 * values, or times that CUDA's events cannot report.
 *
 * @param samples seconds, in the order they were taken
 */
export function samplePatterns(
  samples: readonly number[],
  method: Pick<Method, "timer" | "batch">,
  kind: "cuda" | "cpu",
): Remark[] {
  if (samples.length < fewest) return [];
  if (samples.every((s) => s === samples[0])) return [forged("all samples are identical")];
  const remarks: Remark[] = [];
  if (isProgression(samples))
    remarks.push(forged("the samples rise or fall by the same step from one to the next"));
  const period = periodOf(samples);
  if (period !== null) remarks.push(forged(`the samples repeat themselves every ${period}`));
  if (kind === "cuda" && method.timer === "events") {
    const odd = samples.filter((s) => !isEventTime(s * method.batch)).length;
    if (odd > 0) {
      remarks.push(
        forged(
          `${odd} of ${samples.length} samples are no times that CUDA's events report (milliseconds in 32-bit floats)`,
        ),
      );
    }
  }
  if (samples.every((s) => Number(s.toPrecision(roundedDigits)) === s)) {
    remarks.push(suspicious(`all samples are rounded to ${roundedDigits} digits or fewer`));
  }
  if (samples.length >= 20 && isSorted(samples))
    remarks.push(suspicious("the samples stand in order of size"));
  if (hasFewValues(samples)) {
    const values = new Set(samples).size;
    remarks.push(
      suspicious(`${samples.length} samples hold ${values} values, further apart than a clock's tick`),
    );
  }
  return remarks;
}

/** True when one series is the other times a constant. */
export function isScaledCopy(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length || a.length < fewest || a.every((s) => s === a[0])) return false;
  const ratio = a[0]! / b[0]!;
  return Number.isFinite(ratio) && a.every((s, i) => Math.abs(s / b[i]! / ratio - 1) < 1e-9);
}

function isProgression(samples: readonly number[]): boolean {
  const step = (samples[samples.length - 1]! - samples[0]!) / (samples.length - 1);
  if (step === 0) return false;
  return samples.every((s, i) => i === 0 || Math.abs(s - samples[i - 1]! - step) < 1e-3 * Math.abs(step));
}

function periodOf(samples: readonly number[]): number | null {
  for (let period = 2; period <= samples.length / 2; period++) {
    // Short kernels take few values, which may alternate by chance: a period must hold several.
    const values = new Set(samples.slice(0, period)).size;
    if (values > 2 && samples.every((s, i) => i < period || s === samples[i - period])) return period;
  }
  return null;
}

// cuEventElapsedTime answers a float of milliseconds; what was made of it in doubles keeps that to 15 digits.
function isEventTime(seconds: number): boolean {
  const milliseconds = seconds * 1e3;
  return Math.abs(Math.fround(milliseconds) - milliseconds) <= 1e-12 * milliseconds;
}

function isSorted(samples: readonly number[]): boolean {
  const up = samples.every((s, i) => i === 0 || s > samples[i - 1]!);
  return up || samples.every((s, i) => i === 0 || s < samples[i - 1]!);
}

// The coarsest tick of an event in use is 0.5 us.
const coarsestTick = 1e-6;

function hasFewValues(samples: readonly number[]): boolean {
  const values = [...new Set(samples)].sort((a, b) => a - b);
  if (values.length > Math.max(3, samples.length / 10)) return false;
  return values.every((value, i) => i === 0 || value - values[i - 1]! > coarsestTick);
}

const forged = (what: string): Remark => ({ severity: "forged", kind: "samples", what });
const suspicious = (what: string): Remark => ({ severity: "suspicious", kind: "samples", what });
