import { createHash } from "node:crypto";
import { LabError } from "../core/error";
import type { CheckRecord, Resources } from "../record/schema";
import type { Device } from "../runtime/device";
import type { Kernel } from "../runtime/kernel";
import type { Extents, LaunchConfig } from "../runtime/launch";
import type { KernelArg } from "../runtime/pack";
import type { Tensor } from "../runtime/tensor";
import type { ComputeUnit } from "../targets/gpus";

/** One launch to be timed. */
export interface LaunchTarget {
  readonly kernel: Kernel;
  readonly config: LaunchConfig;
  readonly args: readonly KernelArg[];
}

/**
 * What is timed: a launch, several in order, or a function that enqueues launches, fills and copies on
 * `options.device`. Launches can be moved to other addresses; of a function the lab knows only what it is told.
 */
export type MeasureTarget = LaunchTarget | readonly LaunchTarget[] | (() => void);

/** A check's result as a program has it; what is missing is filled in. */
export interface CheckInput {
  readonly passed: boolean;
  readonly compared?: number;
  readonly maxAbs?: number | null;
  readonly meanAbs?: number | null;
  readonly maxRel?: number | null;
  readonly tolerance?: string;
  readonly mismatch?: string | null;
}

/** Everything a measurement may be told; nothing is required beside the target. */
export interface MeasureOptions {
  /** Needed when the target is a function. */
  readonly device?: Device;
  /** Names the folder of the results: "softmax". */
  readonly suite?: string;
  readonly case?: {
    readonly name: string;
    readonly params?: Record<string, number | string | boolean>;
    readonly dtype?: string;
  };
  readonly implementation?: {
    readonly id?: string;
    readonly name?: string;
    readonly kind?: "ours" | "baseline";
    readonly parameters?: Record<string, number | string | boolean>;
    /** Source text, hashed into the record; default: the kernel's module. */
    readonly source?: string;
  };
  /** Bytes that must move and operations that must happen in one run. */
  readonly bytes?: number;
  readonly flops?: number;
  /** The unit that limits; default by dtype. */
  readonly unit?: ComputeUnit;
  readonly warmup?: number;
  readonly samples?: number;
  /** Runs a sample covers, for work shorter than the events' own cost. */
  readonly batch?: number;
  /** Overwrite twice the L2 cache before each sample, which is then taken alone; default true. */
  readonly flushL2?: boolean;
  /** "short" (default): cold caches, one at a time. "sustained": back to back at the power limit, nothing flushed. */
  readonly mode?: "short" | "sustained";
  /** Time one launch of a graph that holds the work (`batch` times): for many small launches. */
  readonly graph?: boolean;
  /** Sets of addresses the runs go round; default 2, more when sustained, 1 where memory or the target forbid. */
  readonly rotate?: number;
  /** Seconds the timed part may take; samples are cut down to 10 at least. Default 3 on the CPU device, none on a GPU. */
  readonly budget?: number;
  /** What the work reads: hashed before and after, with other contents at its addresses until the last run. Default: what
   * the kernels take as pointers to const. */
  readonly inputs?: readonly Tensor[];
  /** What the work writes: overwritten with NaN before each run, scanned after. One that is in `inputs` too is put back. */
  readonly outputs?: readonly Tensor[];
  /** A result, or a function that checks the outputs after the timed runs. */
  readonly check?: CheckInput | (() => CheckInput | Promise<CheckInput>);
  /** How the inputs were drawn, in words. */
  readonly distribution?: string;
  /**
   * Read counters of every launch after the timed runs, into `record.counters`: ncu's on a GPU, the lens's counts on the CPU
   * device, marked. Where that is not to be had, a note says why. Default: KERNEL_LAB_COUNTERS.
   */
  readonly counters?: boolean;
  readonly notes?: readonly string[];
}

/** The launches of a target in order; null for a function. */
export function launchesOf(target: MeasureTarget): readonly LaunchTarget[] | null {
  if (typeof target === "function") return null;
  return Array.isArray(target) ? (target as readonly LaunchTarget[]) : [target as LaunchTarget];
}

/** The kernel of a target of one launch, or the first of several; null for a function. */
export function kernelOf(target: MeasureTarget): Kernel | null {
  return launchesOf(target)?.[0]?.kernel ?? null;
}

/** The device a target runs on. */
export function deviceOf(target: MeasureTarget, options: MeasureOptions): Device {
  const device = kernelOf(target)?.device ?? options.device;
  if (device) return device;
  throw new LabError("bad-options", "Measuring a function: expected { device } to say where its work runs.", {
    advice: "Pass { device }, or a target { kernel, config, args }.",
  });
}

/** The target as a function that enqueues. */
export function workOf(target: MeasureTarget): () => void {
  if (typeof target === "function") return target;
  const launches = launchesOf(target)!;
  return () => {
    for (const { kernel, config, args } of launches) kernel.enqueue(config, ...args);
  };
}

/** What the launched kernel takes of a multiprocessor; null for a function and for several launches. */
export async function resourcesOf(target: MeasureTarget): Promise<Resources | null> {
  const launches = launchesOf(target);
  if (launches?.length !== 1) return null;
  const { kernel, config } = launches[0]!;
  const { registers, staticShared, localBytes } = kernel.attributes;
  const occupancy =
    kernel.device.kind === "cuda" ? await kernel.occupancy(config.block, config.shared ?? 0) : null;
  return {
    registers,
    staticShared,
    dynamicShared: config.shared ?? 0,
    spillBytes: localBytes,
    occupancy: occupancy?.fraction ?? null,
    grid: list(config.grid),
    block: list(config.block),
  };
}

/** Hash of the source that a measurement stands for; null when there is none to be had. */
export function sourceHashOf(target: MeasureTarget, options: MeasureOptions): string | null {
  const source = options.implementation?.source ?? kernelOf(target)?.module.source ?? null;
  return source === null ? null : createHash("sha256").update(source).digest("hex").slice(0, 16);
}

/** The check as a record keeps it, run now when it is a function. */
export async function checkRecord(check: MeasureOptions["check"]): Promise<CheckRecord | null> {
  if (check === undefined) return null;
  const result = typeof check === "function" ? await check() : check;
  return {
    passed: result.passed,
    compared: result.compared ?? 0,
    maxAbs: finite(result.maxAbs),
    meanAbs: finite(result.meanAbs),
    maxRel: finite(result.maxRel),
    tolerance: result.tolerance ?? "not stated",
    mismatch: result.mismatch ?? null,
    timedOutput: typeof check === "function",
  };
}

function finite(value: number | null | undefined): number | null {
  return Number.isFinite(value) ? value! : null;
}

function list(extents: Extents): number[] {
  return typeof extents === "number" ? [extents] : [...extents];
}
