import type { CounterRecord, MeasureRecord } from "../../record/schema";
import { gpuFacts, unitOf } from "../../targets/gpus";
import { countedBytes, countsOf, hardwareCounters } from "../counted";
import { formatByteRate, formatBytes, formatFlopRate, formatSeconds, formatShare } from "../format";

/** A rate that nothing on the device exceeds, and who says so. */
export interface Roof {
  /** Bytes or operations a second. */
  readonly rate: number;
  readonly source: string;
}

/** A share of a roof, and whether the hardware counted it or the model of the kernel says so. */
export interface Use {
  /** 0..1 */
  readonly share: number;
  readonly source: "counters" | "model";
}

/** How much of the device a measurement used; null where neither counters nor a model tell. */
export interface Utilization {
  readonly memory: Use | null;
  readonly compute: Use | null;
}

/** What keeps a kernel from being faster. */
export interface Limit {
  readonly by: "memory" | "compute" | "latency" | "launch" | "unknown";
  /** Why, in one sentence without its full stop. */
  readonly why: string;
}

/** Bytes a second of the memory above a record: the copy measured in its run, else the data sheet's figure. */
export function memoryRoof(record: MeasureRecord): Roof | null {
  const { roofline } = record.rates;
  if (roofline?.bound === "memory" && record.bytes && roofline.floorSeconds > 0) {
    return { rate: record.bytes / roofline.floorSeconds, source: roofline.source };
  }
  const facts = gpuFacts(record.environment.device.name);
  return facts && { rate: facts.bandwidth, source: `data sheet of the ${facts.name}` };
}

/** Operations a second of the unit above a record: as its run took it, else the data sheet's figure. */
export function computeRoof(record: MeasureRecord): Roof | null {
  const { roofline } = record.rates;
  if (roofline?.bound === "compute" && record.flops && roofline.floorSeconds > 0) {
    return { rate: record.flops / roofline.floorSeconds, source: roofline.source };
  }
  const facts = gpuFacts(record.environment.device.name);
  const unit = unitOf(record.case.dtype);
  const rate = facts?.flops[unit];
  return facts && rate ? { rate, source: `${unit} peak of the ${facts.name}` } : null;
}

/**
 * Shares of memory bandwidth and of the compute peak: by the hardware's counters where the record has them, else the
 * bytes and operations that must happen over time and roof.
 */
export function utilizationOf(record: MeasureRecord): Utilization {
  const { median } = record.statistics;
  const bandwidth = memoryRoof(record);
  const peak = computeRoof(record);
  const model = (amount: number | null, roof: Roof | null): Use | null =>
    amount && roof && median > 0 ? { share: amount / median / roof.rate, source: "model" } : null;
  return {
    memory: countedMemory(record, bandwidth) ?? model(record.bytes, bandwidth),
    compute: countedCompute(record) ?? model(record.flops, peak),
  };
}

function countedMemory(record: MeasureRecord, roof: Roof | null): Use | null {
  const percent = longest(record, "dram__throughput.avg.pct_of_peak_sustained_elapsed");
  if (percent !== null) return { share: percent / 100, source: "counters" };
  const bytes = countedBytes(record);
  return bytes !== null && roof && record.statistics.median > 0
    ? { share: bytes / record.statistics.median / roof.rate, source: "counters" }
    : null;
}

function countedCompute(record: MeasureRecord): Use | null {
  const percent = longest(record, "sm__throughput.avg.pct_of_peak_sustained_elapsed");
  return percent === null ? null : { share: percent / 100, source: "counters" };
}

// Percentages of several launches do not add up; one launch is the usual case, else the time weighs them.
function longest(record: MeasureRecord, metric: string): number | null {
  const counters = hardwareCounters(record);
  const weight = (c: CounterRecord) => c.metrics["gpu__time_duration.sum"] ?? 1;
  const whole = counters.reduce((sum, c) => sum + weight(c), 0);
  if (counters.length === 0 || counters.some((c) => c.metrics[metric] === undefined)) return null;
  return counters.reduce((sum, c) => sum + (c.metrics[metric]! * weight(c)) / whole, 0);
}

/** At this share of a roof and above, the roof is the limit. */
const near = 0.6;

/**
 * What limits a measurement, by the roofline: the roof it is near; the launch itself where little more than that is
 * timed; else latency, with what the record shows of its cause.
 */
export function limitOf(record: MeasureRecord): Limit {
  const { median } = record.statistics;
  const { eventOverhead, batch } = record.method;
  if (eventOverhead && median * batch < 5 * eventOverhead) {
    const why = `${formatSeconds(median * batch)} is little more than the ${formatSeconds(eventOverhead)} of the events around it`;
    return { by: "launch", why };
  }
  const { memory, compute } = utilizationOf(record);
  if (!memory && !compute)
    return { by: "unknown", why: "the bytes and operations of this case are not known" };
  const [by, use] =
    (memory?.share ?? 0) >= (compute?.share ?? 0)
      ? (["memory", memory] as const)
      : (["compute", compute] as const);
  const roof = by === "memory" ? memoryRoof(record) : computeRoof(record);
  const where = roof
    ? ` of ${by === "memory" ? formatByteRate(roof.rate) : formatFlopRate(roof.rate)} (${roof.source})`
    : "";
  if (use!.share >= near) return { by, why: `${formatShare(use!.share)}${where}` };
  const shares = [
    memory ? `${formatShare(memory.share)} of the memory's` : "",
    compute ? `${formatShare(compute.share)} of the compute` : "",
  ].filter(Boolean);
  const clues = cluesOf(record);
  if (hardwareCounters(record).length === 0 && clues.length === 0)
    clues.push("counters would tell stalls from wasted traffic");
  return {
    by: "latency",
    why: `no roof is near: ${shares.join(" and ")} peak${clues.length > 0 ? `; ${clues.join("; ")}` : ""}`,
  };
}

/** What a record shows of why neither roof is near. */
function cluesOf(record: MeasureRecord): string[] {
  const clues: string[] = [];
  const { resources, environment, bytes } = record;
  const moved = countedBytes(record);
  if (moved !== null && bytes && moved > 1.25 * bytes) {
    clues.push(`${formatBytes(moved)} moved where ${formatBytes(bytes)} must`);
  }
  if (resources?.spillBytes) clues.push(`${resources.spillBytes} bytes a thread spilled`);
  if (resources?.occupancy && resources.occupancy < 0.3) {
    const registers = resources.registers ? ` at ${resources.registers} registers` : "";
    clues.push(`occupancy ${formatShare(resources.occupancy)}${registers}`);
  }
  clues.push(...countedClues(record));
  const blocks = resources?.grid?.reduce((a, b) => a * b, 1);
  const processors = environment.device.kind === "cuda" ? environment.device.multiprocessors : null;
  if (blocks && processors && blocks < processors) {
    clues.push(`${blocks} blocks for ${processors} multiprocessors`);
  }
  return clues;
}

/** Of a warp's 32 lanes with four bytes each, four sectors are all that is needed. */
const manySectors = 8;
const manyConflicts = 0.1;

/** What counters show of requests, whoever counted. */
function countedClues(record: MeasureRecord): string[] {
  const counts = countsOf(record);
  if (!counts) return [];
  const { requests, sectors, wavefronts, conflicts } = counts;
  const by = counts.by === "lens" ? " (by the lens)" : "";
  const clues: string[] = [];
  if (requests && sectors && sectors / requests > manySectors) {
    clues.push(`${(sectors / requests).toFixed(1)} sectors a request to global memory${by}`);
  }
  if (wavefronts && conflicts && conflicts / wavefronts > manyConflicts) {
    clues.push(
      `${formatShare(conflicts / wavefronts)} of the passes through shared memory are bank conflicts${by}`,
    );
  }
  return clues;
}
