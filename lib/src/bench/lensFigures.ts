import { traceLaunch } from "../lens/trace";
import type { Device } from "../runtime/device";
import type { Kernel } from "../runtime/kernel";
import type { LaunchConfig } from "../runtime/launch";
import { open } from "../runtime/open";
import type { KernelArg } from "../runtime/pack";
import { softmaxSource } from "./cpuFigures";
import { type Figure, figureOf } from "./figure";

const rows = 544;
const cols = 4096;
const rounds = 6;

/** What `lensFigures` tells of, in order. */
export const lensSteps = ["Lens: a traced softmax against the plain one"] as const;

/** The lens's speed: its overhead over the plain CPU device, and the time and memory of ten million accesses. */
export async function lensFigures(progress: (what: (typeof lensSteps)[number]) => void): Promise<Figure[]> {
  progress(lensSteps[0]);
  const device = await open("cpu", { workers: 1 });
  try {
    const kernel = await device.compile(softmaxSource, { name: "softmax" });
    const args = [device.randn([rows, cols], { seed: 1 }), device.empty([rows, cols]), cols];
    const config = { grid: rows, block: 256 };
    // Other work on the host only ever adds time, so the best of several counts, taken in turns.
    let plain = Number.POSITIVE_INFINITY;
    let traced = Number.POSITIVE_INFINITY;
    let trace = await traceOnce(kernel, config, args);
    for (let round = 0; round < rounds; round++) {
      plain = Math.min(plain, await best(3, () => plainOnce(device, kernel, config, args)));
      traced = Math.min(
        traced,
        await best(1, async () => {
          trace = await traceOnce(kernel, config, args);
        }),
      );
    }
    const accesses = trace.accesses / 1e6;
    const how = `softmax ${rows}x${cols} fp32, block 256: ${accesses.toFixed(1)} million accesses`;
    return [
      figureOf(
        "Lens, overhead over the plain device on one core",
        traced / plain,
        "x",
        "at most",
        30,
        `${how}; best of ${rounds} rounds in turns, copies of the tensors counted`,
      ),
      figureOf(
        "Lens, ten million traced accesses",
        (traced * 10) / accesses,
        "s",
        "at most",
        10,
        `${how}; scaled to ten million`,
      ),
      figureOf(
        "Lens, memory of such a trace",
        trace.peakBytes / 2 ** 30,
        "GiB",
        "at most",
        1,
        `${how}; the most its process ever had`,
      ),
    ];
  } finally {
    await device.close();
  }
}

async function plainOnce(
  device: Device,
  kernel: Kernel,
  config: LaunchConfig,
  args: KernelArg[],
): Promise<void> {
  kernel.enqueue(config, ...args);
  await device.sync();
}

async function traceOnce(kernel: Kernel, config: LaunchConfig, args: KernelArg[]) {
  const observers = [{ name: "metrics", options: {} }];
  const request = { blocks: [], sample: 0, maxAccesses: 0, observers };
  return (
    await traceLaunch(kernel, config, args, { request, timeLimit: 120, purpose: "metrics", keep: false })
  ).trace;
}

/** Seconds of the fastest of several runs. */
async function best(runs: number, work: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const began = performance.now();
    await work();
    least = Math.min(least, (performance.now() - began) / 1000);
  }
  return least;
}
