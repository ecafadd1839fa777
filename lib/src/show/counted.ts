/** What counters of a record's launches say, added up over one run. */
import { counterQuantities, quantityOf } from "../record/counterMetrics";
import type { CounterRecord, MeasureRecord } from "../record/schema";

/** Who counted: the hardware, or the lens, which predicts on the CPU device. */
export type CountedBy = "hardware" | "lens";

/** Counts of one run of a record's work; null where a count was not taken of every launch. */
export interface Counts {
  readonly by: CountedBy;
  /** Share of the blocks that the lens traced, 1 for all. */
  readonly traced: number;
  /** Bytes that crossed the memory bus. */
  readonly bytesRead: number | null;
  readonly bytesWritten: number | null;
  /** Requests of warps to global memory, and the sectors of 32 bytes that they took. */
  readonly requests: number | null;
  readonly sectors: number | null;
  /** Passes through shared memory, and those beyond the fewest possible. */
  readonly wavefronts: number | null;
  readonly conflicts: number | null;
  readonly flops: number | null;
}

/** The counters of the hardware; empty where none were read. */
export function hardwareCounters(record: MeasureRecord): readonly CounterRecord[] {
  return (record.counters ?? []).filter((c) => c.source !== "lens");
}

/** Bytes that the hardware saw cross the memory bus in one run; null where they were not read. */
export function countedBytes(record: MeasureRecord): number | null {
  return sumOf(hardwareCounters(record), ["dram__bytes_read.sum", "dram__bytes_write.sum"]);
}

/** What was counted of a record, by whomever; null without counters. */
export function countsOf(record: MeasureRecord): Counts | null {
  const counters = record.counters ?? [];
  if (counters.length === 0) return null;
  const quantity = (...ids: readonly string[]) =>
    added(ids.flatMap((id) => counters.map(({ metrics }) => countOf(id, metrics))));
  return {
    by: counters.some((c) => c.source === "lens") ? "lens" : "hardware",
    traced: Math.min(...counters.map((c) => c.traced ?? 1)),
    bytesRead: sumOf(counters, ["dram__bytes_read.sum"]),
    bytesWritten: sumOf(counters, ["dram__bytes_write.sum"]),
    requests: quantity("globalLoadRequests", "globalStoreRequests"),
    sectors: quantity("globalLoadSectors", "globalStoreSectors"),
    wavefronts: quantity("sharedLoadWavefronts", "sharedStoreWavefronts"),
    conflicts: quantity("sharedLoadConflicts", "sharedStoreConflicts"),
    flops: quantity("flops"),
  };
}

function countOf(id: string, metrics: CounterRecord["metrics"]): number | null {
  const quantity = counterQuantities.find((q) => q.id === id);
  return quantity ? quantityOf(quantity, metrics) : null;
}

function sumOf(counters: readonly CounterRecord[], metrics: readonly string[]): number | null {
  return added(counters.flatMap(({ metrics: values }) => metrics.map((metric) => values[metric] ?? null)));
}

function added(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return values.length === 0 ? null : sum;
}
