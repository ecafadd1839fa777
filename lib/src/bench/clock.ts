import type { TimedWork, TimingResult } from "../backend/contract";
import { LabError } from "../core/error";
import type { Device } from "../runtime/device";
import type { Tensor } from "../runtime/tensor";

/** How samples are taken by the native loop. */
export interface ClockOptions {
  readonly warmup: number;
  readonly samples: number;
  /** Calls a sample covers. */
  readonly batch?: number;
  /** Overwritten before every sample, so that nothing of the last one is left in the caches; null for none. */
  readonly flush?: Tensor | null;
  /** Back to back, at the power limit. */
  readonly sustained?: boolean;
  /** A sample is one launch of a graph. */
  readonly graph?: boolean;
  /** Enqueued untimed ahead of sample `refreshAt`. */
  readonly refresh?: () => void;
  readonly refreshAt?: number;
}

/**
 * Seconds a GPU is loaded before samples begin. An idle one runs at a fifth of its clock and takes tens of milliseconds
 * to raise it; under a sustained load its power control takes as long again to settle.
 */
const warmSeconds = { short: 0.1, sustained: 0.3 };

/** Runs the native timing loop; everything the works use must have been run once before. */
export function timeWorks(
  device: Device,
  works: readonly TimedWork[],
  options: ClockOptions,
): Promise<TimingResult> {
  const { connection } = device;
  const { flush, refresh } = options;
  const sustained = options.sustained ?? false;
  return connection.time({
    works,
    warmup: options.warmup,
    samples: options.samples,
    batch: options.batch ?? 1,
    refresh: refresh ? connection.record(refresh) : new Uint8Array(),
    refreshAt: options.refreshAt ?? 0,
    warmSeconds: device.kind === "cuda" ? warmSeconds[sustained ? "sustained" : "short"] : 0,
    sustained,
    graph: options.graph ?? false,
    flush: flush && !sustained ? connection.record(() => flush.fill(0x5a5a5a5a)) : new Uint8Array(),
  });
}

/**
 * Times pieces of work in turns (A B A B), each run once before: the plain clock, for probes that need no verdict.
 *
 * @param works each enqueues its work and returns
 * @returns seconds of one call, a series for each work
 */
export async function timeSamples(
  device: Device,
  works: ReadonlyArray<() => void>,
  options: ClockOptions,
): Promise<number[][]> {
  for (const work of works) work();
  // A fault of the kernel surfaces here, before anything is timed.
  await device.sync();
  const recorded = works.map((work) => ({
    sets: [device.connection.record(work)],
    before: [],
    keep: new Uint8Array(),
    keepAt: 0,
  }));
  const { seconds } = await timeWorks(device, recorded, options);
  return seconds.map((series) => series.map((s) => s / (options.batch ?? 1)));
}

/** A buffer of twice the last cache, to be overwritten between samples. */
export function flushBuffer(device: Device): Tensor {
  const bytes = Math.max(2 * device.info.l2Bytes, 2 ** 20);
  return device.zeros([Math.ceil(bytes / 4)], { dtype: "u32" });
}

/** Checks the counts of a measurement. */
export function checkCounts(counts: { warmup: number; samples: number; batch: number }): void {
  const wrong = Object.entries(counts).find(
    ([name, n]) => !Number.isInteger(n) || n < (name === "warmup" ? 0 : 1) || n > 1e6,
  );
  if (!wrong) return;
  throw new LabError(
    "bad-options",
    `Measuring: expected ${wrong[0]} to be a whole number, received ${wrong[1]}.`,
    {
      advice: "warmup may be 0 or more, samples and batch 1 or more, each a million at most.",
    },
  );
}
