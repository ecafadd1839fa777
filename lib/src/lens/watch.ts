import type { LensRequest } from "../backend/binding";
import type { Kernel } from "../runtime/kernel";
import type { LaunchConfig } from "../runtime/launch";
import type { KernelArg } from "../runtime/pack";
import type { Hazard } from "./hazard";
import { hazardAddresses, type RawHazards, readHazards } from "./hazards";
import { hazardHtml, hazardText } from "./hazardText";
import { Places } from "./places";
import { type TracedLaunch, traceLaunch } from "./trace";

/** What a launch does wrong: plain data, as JSON keeps it. */
export interface HazardReport {
  readonly kernel: string;
  /** No hazard is an error, and the launch came to its end. Notes may remain. */
  readonly clean: boolean;
  readonly hazards: readonly Hazard[];
  /** Pairs of source lines beyond the thousand that are kept. */
  readonly omitted: number;
  /** Why the launch was given up before its end: "deadlock", "illegal-address", "time-limit"; else null. */
  readonly ended: string | null;
  /** What the order of threads and blocks was drawn from; null for their natural order. The same seed gives the same run. */
  readonly seed: number | null;
  /** Blocks of the grid, and those watched. What only blocks left out do wrong is not seen. */
  readonly blocks: { readonly total: number; readonly traced: readonly number[] };
  readonly accesses: number;
  readonly text: string;
  readonly html: string;
}

/** How a launch is watched. */
export interface WatchOptions {
  /** Blocks to watch: their linear indices (x fastest). The default is every block. */
  readonly blocks?: readonly number[];
  /** Or how many, spread evenly over the grid. */
  readonly sample?: number;
  /** Memory accesses of threads after which watching is given up with "trace-too-large"; default 50 million. */
  readonly maxAccesses?: number;
  /** Seconds the launch may take; default 120. */
  readonly timeLimit?: number;
  /** Draw the order of threads and blocks from a seed. */
  readonly schedule?: { readonly seed: number };
}

/** A report, and what the launch left in the tensors among its arguments. */
export interface Watched {
  readonly report: HazardReport;
  readonly results: ReadonlyMap<number, Uint8Array>;
}

/**
 * Runs a launch on copies of its tensors and looks for races, bad addresses, values nobody wrote and meetings that do not
 * fit. A launch that cannot go on (a deadlock, an access that would kill the process, the time limit) ends there, and the
 * report says so. Errors: "trace-too-large", "no-instrumentation", "no-symboliser", and what a launch throws.
 */
export async function watchLaunch(
  kernel: Kernel,
  config: LaunchConfig,
  args: readonly KernelArg[],
  options: WatchOptions = {},
): Promise<Watched> {
  const request: LensRequest = {
    blocks: options.blocks ?? [],
    sample: options.sample ?? 0,
    maxAccesses: options.maxAccesses ?? 50e6,
    seed: options.schedule?.seed,
    freed: await kernel.device.connection.freedRanges(),
    observers: [{ name: "hazards", options: {} }],
  };
  const timeLimit = options.timeLimit ?? 120;
  const traced = await traceLaunch(kernel, config, args, {
    request,
    timeLimit,
    purpose: "hazards",
    keep: false,
    results: true,
  });
  return { report: await reportOf(kernel, args, traced, request.seed ?? null), results: traced.results };
}

async function reportOf(
  kernel: Kernel,
  args: readonly KernelArg[],
  { trace, kernel: twin, module }: TracedLaunch,
  seed: number | null,
): Promise<HazardReport> {
  const raw = trace.observers.hazards as RawHazards;
  const { source, fileName } = kernel.module.request;
  const places = await Places.of(module, fileName, hazardAddresses(raw));
  const memory = { ...trace, params: twin.signature.params, args, source };
  const hazards = readHazards(raw, memory, (address) => {
    const chain = places.chain(address);
    const line = places.line(address);
    // A function of a header that was not inlined: its own line.
    const header = chain.find((frame) => !/\/simt\/include\/|^\/usr\/|\/c\+\+\//.test(frame.file));
    return {
      line: line > 0 ? { file: fileName, line } : header ? { file: header.file, line: header.line } : null,
      chain: chain.map((frame) => `${frame.file}:${frame.line}`).join(" "),
    };
  });
  return {
    kernel: kernel.name,
    clean: trace.ended === null && hazards.every((one) => one.level === "note"),
    hazards,
    omitted: raw.omitted,
    ended: trace.ended,
    seed,
    blocks: { total: trace.blocks, traced: trace.traced },
    accesses: trace.accesses,
    text: hazardText(hazards),
    html: hazardHtml(hazards),
  };
}
