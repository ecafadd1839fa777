import { LabError } from "../core/error";
import { median } from "../record/statistics";
import type { Device } from "../runtime/device";
import type { Tensor } from "../runtime/tensor";

/** How samples are taken. */
export interface ClockOptions {
  readonly warmup: number;
  readonly samples: number;
  /** Calls a sample covers. */
  readonly batch: number;
  /** Overwritten before every sample, so that nothing of the last one is left in the caches; null for none. */
  readonly flush: Tensor | null;
  /** Called when everything is enqueued and runs, to read sensors under load. */
  readonly whileRunning?: () => Promise<void>;
}

/**
 * Times pieces of work by events, in turns (A B A B), everything enqueued ahead so that the device never waits.
 *
 * @param works each enqueues its work on the default stream and returns
 * @returns seconds of one call, a series for each work
 */
export async function timeSamples(
  device: Device,
  works: ReadonlyArray<() => void>,
  options: ClockOptions,
): Promise<number[][]> {
  const { warmup, samples, batch, flush } = options;
  for (let i = 0; i < warmup; i++) for (const work of works) work();
  // A fault of the kernel surfaces here, before anything is timed.
  await device.sync();
  const pairs = works.map(() =>
    Array.from({ length: samples }, () => ({ from: device.event(), to: device.event() })),
  );
  try {
    for (let i = 0; i < samples; i++) {
      works.forEach((work, w) => {
        flush?.fill(i & 1);
        const pair = pairs[w]![i]!;
        pair.from.record();
        for (let b = 0; b < batch; b++) work();
        pair.to.record();
      });
    }
    await options.whileRunning?.();
    const { connection } = device;
    const seconds = await connection.elapsed(
      pairs.flat().map(({ from, to }) => [from.use(connection), to.use(connection)] as const),
    );
    return works.map((_, w) => seconds.slice(w * samples, (w + 1) * samples).map((s) => s / batch));
  } finally {
    for (const { from, to } of pairs.flat()) {
      from.destroy();
      to.destroy();
    }
  }
}

/** Seconds between two events with nothing between them: what the clock itself costs. */
export async function eventOverhead(device: Device): Promise<number> {
  const [samples] = await timeSamples(device, [() => {}], { warmup: 1, samples: 21, batch: 1, flush: null });
  return median(samples!);
}

/** A buffer of twice the last cache, to be overwritten between samples. */
export function flushBuffer(device: Device): Tensor {
  const bytes = Math.max(2 * device.info.l2Bytes, 2 ** 20);
  return device.zeros([Math.ceil(bytes / 4)], { dtype: "u32" });
}

/** Checks the counts of a measurement. */
export function checkCounts(counts: { warmup: number; samples: number; batch: number }): void {
  const wrong = Object.entries(counts).find(
    ([name, n]) => !Number.isInteger(n) || n < (name === "warmup" ? 0 : 1),
  );
  if (!wrong) return;
  throw new LabError(
    "bad-options",
    `Measuring: expected ${wrong[0]} to be a whole number, received ${wrong[1]}.`,
    {
      advice: "warmup may be 0 or more, samples and batch 1 or more.",
    },
  );
}
