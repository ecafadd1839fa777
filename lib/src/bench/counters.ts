import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCudaTool } from "../backend/cuda/tools";
import { LabError } from "../core/error";
import { defaultMetrics } from "../record/counterMetrics";
import type { Kernel } from "../runtime/kernel";
import type { LaunchConfig } from "../runtime/launch";
import type { KernelArg } from "../runtime/pack";
import { type KernelLaunch, saveReplay } from "../runtime/replay";
import { runNcu, unknownMetrics } from "./ncu";
import type { NcuRow } from "./ncuCsv";

/** How counters are read. */
export interface CounterOptions {
  /** Metrics by ncu's names, such as "dram__bytes_read.sum"; default: memory requests, bank conflicts and FLOPs. */
  readonly metrics?: readonly string[];
  /** Seconds that ncu may take; default 120. */
  readonly timeLimit?: number;
}

/** Hardware counters of one launch. */
export interface Counters {
  readonly kernel: string;
  readonly device: string;
  /** By ncu's metric names; counts are sums over the GPU. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly units: Readonly<Record<string, string>>;
}

/**
 * Reads hardware counters of one launch with NVIDIA Nsight Compute (ncu).
 *
 * The launch is repeated in a process of its own with the same inputs, so that nothing of this one is launched or
 * changed; the clocks are left alone. Errors: "needs-gpu", "no-ncu", "counters-forbidden" (the administrator must open
 * the counters), "unknown-metric", "time-limit", "ncu-failed", "ncu-unreadable", and the fault's code when the kernel
 * fails.
 *
 * @example
 * const { metrics } = await lab.counters(kernel, { grid: 64, block: 256 }, [x, y, n]);
 * console.log(metrics["l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum"]);
 */
export async function counters(
  kernel: Kernel,
  config: LaunchConfig,
  args: readonly KernelArg[],
  options: CounterOptions = {},
): Promise<Counters> {
  const [found] = await countersOf([{ kernel, config, args }], options);
  return found!;
}

/** As `counters`, of several launches in one run of ncu: they run in order on one copy of their memory. */
export async function countersOf(
  launches: readonly KernelLaunch[],
  options: CounterOptions = {},
): Promise<Counters[]> {
  const device = launches[0]!.kernel.device;
  const metrics = options.metrics ?? defaultMetrics;
  if (device.kind !== "cuda") {
    throw new LabError("needs-gpu", `${device.name} has no hardware counters.`, {
      advice: "Open a GPU, or let lab.lens() predict the counters on the CPU device.",
    });
  }
  const ncu = findNcu();
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-replay-"));
  try {
    await saveReplay(folder, launches);
    const rows = await runNcu({
      ncu,
      metrics,
      folder,
      timeLimit: options.timeLimit ?? 120,
      uuid: device.info.uuid,
    });
    return joinRows(launches, rows, metrics);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Path of ncu; throws "no-ncu" with where it was looked for. */
export function findNcu(): string {
  const ncu = findCudaTool("ncu");
  if (ncu) return ncu;
  throw new LabError("no-ncu", "NVIDIA Nsight Compute (ncu) was not found.", {
    advice:
      "Install it and put ncu on PATH, or set CUDA_HOME to the toolkit that has bin/ncu; /opt/nvidia/nsight-compute is looked in too.",
  });
}

/** ncu's rows as counters, each held against the launch it must be of. */
export function joinRows(
  launches: readonly KernelLaunch[],
  rows: readonly NcuRow[],
  metrics: readonly string[],
): Counters[] {
  const symbols = launches.map(({ kernel }) => kernel.attributes.symbol);
  if (rows.length !== launches.length || rows.some((row, i) => row.kernel !== symbols[i])) {
    throw new LabError(
      "ncu-unreadable",
      `ncu told of ${rows.length} launches (${rows.map((row) => row.kernel).join(", ")}), expected ${symbols.join(", ")}.`,
    );
  }
  const missing = metrics.filter((metric) => rows.some((row) => typeof row.metrics[metric] !== "number"));
  if (missing.length > 0) throw unknownMetrics(missing);
  return launches.map(({ kernel }, i) => {
    const row = rows[i]!;
    const pick = <T>(from: Readonly<Record<string, T>>) =>
      Object.fromEntries(metrics.map((metric) => [metric, from[metric]!]));
    return {
      kernel: kernel.name,
      device: kernel.device.name,
      metrics: pick(row.metrics as Record<string, number>),
      units: pick(row.units),
    };
  });
}
