import { LabError } from "../core/error";
import type { LensReport } from "../lens/report";
import { defaultMetrics, recordMetrics } from "../record/counterMetrics";
import type { CounterRecord, StoredRecord } from "../record/schema";
import type { KernelLaunch } from "../runtime/replay";
import { type Counters, countersOf } from "./counters";

/** Counters as a record keeps them, and what is to be said of them. */
export interface CounterReading {
  /** One a launch; null where none could be read. */
  readonly counters: CounterRecord[] | null;
  readonly notes: readonly string[];
}

/** What begins the note of a measurement whose counters could not be read. */
export const unreadNote = "counters not read: ";

/** Memory accesses of one launch that the lens counts in a few seconds; of a larger one it traces some blocks. */
const mostAccesses = 20e6;
const sampledBlocks = 4;

/** The host's refusal, kept: it answers every launch alike, and each question costs a copy of the launch's memory. */
let refusal: CounterReading | null = null;

/**
 * Counters of every launch of a measurement: by ncu where the kernels are a GPU's, by the lens where they are the CPU
 * device's. Never throws: a measurement stands without them, and says why.
 *
 * @param launches null for a function, of whose launches the lab knows nothing
 */
export async function readCounters(launches: readonly KernelLaunch[] | null): Promise<CounterReading> {
  if (!launches || launches.length === 0) return unread("a function was measured, not launches");
  try {
    if (launches[0]!.kernel.device.kind === "cuda") return refusal ?? (await byHardware(launches));
    const counters: CounterRecord[] = [];
    for (const launch of launches) counters.push(await byLens(launch));
    return { counters, notes: [] };
  } catch (error) {
    if (!LabError.is(error)) throw error;
    const reading = unread(error.message.replace(/\n/g, " "));
    if (LabError.is(error, "counters-forbidden") || LabError.is(error, "no-ncu")) refusal = reading;
    return reading;
  }
}

async function byHardware(launches: readonly KernelLaunch[]): Promise<CounterReading> {
  const kept = (found: readonly Counters[]): CounterRecord[] =>
    found.map((c) => ({ ...c, metrics: { ...c.metrics }, units: { ...c.units }, source: "ncu" }));
  try {
    return { counters: kept(await countersOf(launches, { metrics: recordMetrics })), notes: [] };
  } catch (error) {
    // An older GPU or ncu lacks one of those that only explain.
    if (!LabError.is(error, "unknown-metric")) throw error;
    const counters = kept(await countersOf(launches, { metrics: defaultMetrics }));
    return { counters, notes: [`only some counters were read: ${error.message.replace(/\n/g, " ")}`] };
  }
}

/** What the lens counts, by the same names; of a launch too large, some blocks' counts scaled up to all. */
async function byLens({ kernel, config, args }: KernelLaunch): Promise<CounterRecord> {
  const { lens } = await import("../lens/lens");
  const traced = (options: object) => lens(kernel, { ...config, lens: options }, ...args);
  const report = await traced({ maxAccesses: mostAccesses }).catch((error: unknown) => {
    if (!LabError.is(error, "trace-too-large")) throw error;
    return traced({ sample: sampledBlocks, maxAccesses: 4 * mostAccesses });
  });
  return lensCounters(report, kernel.device.name);
}

/** A report of the lens as counters of a launch. */
export function lensCounters(report: LensReport, device: string): CounterRecord {
  const { total, traced } = report.blocks;
  const share = report.sampled ? traced.length / total : 1;
  const none = Object.fromEntries(defaultMetrics.map((name) => [name, 0]));
  const all = Object.entries({ ...none, ...report.totals });
  return {
    kernel: report.kernel,
    device,
    metrics: Object.fromEntries(all.map(([name, count]) => [name, Math.round(count / share)])),
    units: Object.fromEntries(all.map(([name]) => [name, unitOfMetric(name)])),
    source: "lens",
    ...(share < 1 ? { traced: share } : {}),
  };
}

/** The unit ncu gives a metric's name. */
function unitOfMetric(name: string): string {
  return /(?:^|_)(sector|request|inst|wavefront)s?_/.exec(name)?.[1] ?? "";
}

/** Why counters of these records could not be read, each reason once with the implementations it kept from it. */
export function unreadCounters(records: readonly Pick<StoredRecord, "implementation" | "notes">[]): string[] {
  const reasons = new Map<string, Set<string>>();
  for (const { implementation, notes } of records) {
    for (const note of notes.filter((n) => n.startsWith(unreadNote))) {
      reasons.set(note, (reasons.get(note) ?? new Set()).add(implementation.name));
    }
  }
  return [...reasons].map(([note, names]) => `${[...names].join(", ")}: ${note}`);
}

function unread(why: string): CounterReading {
  return { counters: null, notes: [unreadNote + why] };
}
