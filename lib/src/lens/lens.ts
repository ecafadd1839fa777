import { LabError } from "../core/error";
import type { Kernel } from "../runtime/kernel";
import type { LaunchConfig } from "../runtime/launch";
import type { KernelArg } from "../runtime/pack";
import { lineMetrics } from "./metrics";
import type { LensReport } from "./report";
import { summaryOf, totalsOf } from "./summary";
import { traceLaunch } from "./trace";
import { type HazardReport, watchLaunch } from "./watch";

/** Options of `lab.lens`. */
export interface LensOptions {
  /** Blocks to trace: their linear indices (x fastest). The default is every block. */
  readonly blocks?: readonly number[];
  /** Or how many, spread evenly over the grid with its first and last among them. */
  readonly sample?: number;
  /** Memory accesses of threads after which tracing is given up with "trace-too-large"; default 50 million. */
  readonly maxAccesses?: number;
  /** Seconds the traced launch may take; default 120. */
  readonly timeLimit?: number;
  /** Write what the launch computed to the tensors; by default they stay as they were. */
  readonly keep?: boolean;
  /** Look for races, bad addresses and values nobody wrote too, in a second run of the launch. */
  readonly hazards?: boolean;
  /** Draw the order of threads and blocks in that run from a seed; the same seed gives the same run. */
  readonly schedule?: { readonly seed: number };
}

/** A launch for the lens: the configuration of `kernel.launch`, and what is to be looked at. */
export type LensLaunch = LaunchConfig & { readonly lens?: LensOptions };

/**
 * Shows what one launch of a kernel asks of a GPU, without one: per source line the requests to global and shared memory
 * with their sectors, wavefronts and bank conflicts, the branches that split a warp, barriers, and arithmetic.
 *
 * The same source is compiled with every access instrumented and run on the CPU device, whatever device the kernel is of;
 * the lanes' accesses are put together to the requests a warp would make. Metrics have ncu's names and meaning. The tensors
 * are copies, so that the launch leaves the originals alone. With `hazards` a second run looks for races, bad addresses and
 * values nobody wrote; a launch that cannot end then ends the report, and nothing is counted. Errors: "trace-too-large" says how to sample;
 * "no-instrumentation", "no-symboliser" name what to install; a fault, deadlock or endless loop of the kernel is the known
 * error with its line, and costs nothing but the trace.
 *
 * @example
 * const copy = await dev.compile(`extern "C" __global__ void copy(const float* x, float* y, int step) {
 *   int i = (blockIdx.x * blockDim.x + threadIdx.x) * step;
 *   y[i] = x[i];
 * }`);
 * const report = await lab.lens(copy, { grid: 4, block: 256 }, x, y, 2);
 * console.log(report.summary.coalescing);            // 0.5: every second word of each sector
 */
export async function lens(kernel: Kernel, launch: LensLaunch, ...args: KernelArg[]): Promise<LensReport> {
  const { lens: options = {}, ...config } = launch;
  checkOptions(options);
  // Apart, because the compiler's own checks, which hazards are found with, are branches that would be counted.
  const hazards =
    options.hazards || options.schedule ? (await watchLaunch(kernel, config, args, options)).report : null;
  const { source, fileName } = kernel.module.request;
  const named = {
    kernel: kernel.name,
    fileName,
    source,
    launch: { grid: dim3(config.grid), block: dim3(config.block), shared: config.shared ?? 0 },
    hazards,
  };
  // What cannot be run to its end cannot be counted either.
  if (hazards?.ended) return { ...named, ...uncounted(hazards) };
  const traced = await traceLaunch(kernel, config, args, {
    request: {
      blocks: options.blocks ?? [],
      sample: options.sample ?? 0,
      maxAccesses: options.maxAccesses ?? 50e6,
      observers: [{ name: "metrics", options: {} }],
    },
    timeLimit: options.timeLimit ?? 120,
    purpose: "metrics",
    keep: options.keep ?? false,
  });
  const { trace } = traced;
  const { lines, tensor } = await lineMetrics(traced, fileName, source);
  const totals = totalsOf(lines);
  return {
    ...named,
    blocks: { total: trace.blocks, traced: trace.traced },
    sampled: trace.traced.length < trace.blocks,
    accesses: trace.accesses,
    lines,
    totals,
    summary: summaryOf(lines, tensor),
  };
}

function uncounted({
  blocks,
  accesses,
}: HazardReport): Omit<LensReport, "kernel" | "fileName" | "source" | "launch" | "hazards"> {
  return {
    blocks,
    sampled: blocks.traced.length < blocks.total,
    accesses,
    lines: [],
    totals: totalsOf([]),
    summary: summaryOf([], {}),
  };
}

function dim3(extents: LaunchConfig["grid"]): readonly [number, number, number] {
  const given = typeof extents === "number" ? [extents] : extents;
  return [given[0] ?? 1, given[1] ?? 1, given[2] ?? 1];
}

function checkOptions(options: LensOptions): void {
  const wrong = (name: string, expected: string, value: unknown): LabError =>
    new LabError(
      "invalid-option",
      `lab.lens expects ${name} to be ${expected} but received ${String(value)}.`,
    );
  const whole = (value: number | undefined): boolean =>
    value === undefined || (Number.isInteger(value) && value > 0);
  if (!whole(options.sample)) throw wrong("sample", "a whole number above 0", options.sample);
  if (!whole(options.maxAccesses)) throw wrong("maxAccesses", "a whole number above 0", options.maxAccesses);
  if (options.blocks && !options.blocks.every((block) => Number.isInteger(block) && block >= 0))
    throw wrong("blocks", "whole numbers from 0, the blocks' linear indices", options.blocks);
  if (options.timeLimit !== undefined && !(options.timeLimit > 0))
    throw wrong("timeLimit", "a number of seconds above 0", options.timeLimit);
  if (options.schedule && !Number.isSafeInteger(options.schedule.seed))
    throw wrong("schedule", "{ seed } with a whole number", options.schedule.seed);
}
