/** Which records are held against each other: a ratio is worth most where both sides were measured in one run. */
import { sameCase } from "./cases";
import { type Comparison, compareSamples } from "./comparison";
import type { MeasureRecord } from "./schema";

/** True for records of one run: they share the environment of their document, or of the call that measured them. */
export function sameRun(a: MeasureRecord, b: MeasureRecord): boolean {
  return a.environment === b.environment;
}

/**
 * Of every implementation and setting at a case on a device one record: the newest, but where the newest stands alone and
 * the same source was measured beside a baseline before, the newest of those. Of baselines the one from the run of the best
 * of ours, else the newest.
 *
 * @example const records = lab.comparableRecords(lab.recordsOf(runs));
 */
export function comparableRecords(records: readonly MeasureRecord[]): MeasureRecord[] {
  const cases = grouped(records, (r) => JSON.stringify([r.environment.device.name, sameCase(r)]));
  const chosen = new Set([...cases.values()].flatMap(comparableOfCase));
  return records.filter((r) => chosen.has(r));
}

/**
 * Records with the counters of the newest other run of the same source, setting, case and device, where they have none of
 * their own: what a launch asks of the hardware does not depend on the run that timed it.
 */
export function withCounters(
  records: readonly MeasureRecord[],
  all: readonly MeasureRecord[],
): MeasureRecord[] {
  const launch = (r: MeasureRecord) =>
    JSON.stringify([
      r.environment.device.name,
      sameCase(r),
      settingOf(r),
      r.implementation.sourceHash,
      r.implementation.kind,
    ]);
  const counted = grouped(
    all.filter((r) => r.counters && r.implementation.sourceHash !== null),
    launch,
  );
  return records.map((record) => {
    const others = record.counters ? undefined : counted.get(launch(record));
    return others ? { ...record, counters: newest(others).counters } : record;
  });
}

/** The best of ours among records of one case: the fastest trusted one, else the fastest ambiguous one. */
export function bestOfOurs(records: readonly MeasureRecord[]): MeasureRecord | null {
  const doubt = (r: MeasureRecord) => (r.verdict.verdict === "trusted" ? 0 : 1);
  const ours = records.filter((r) => r.implementation.kind === "ours" && r.verdict.verdict !== "rejected");
  return (
    [...ours].sort((a, b) => doubt(a) - doubt(b) || a.statistics.median - b.statistics.median)[0] ?? null
  );
}

/** The ratio of two records' medians, sample by sample where they were taken in turns in one run. */
export function compareRecords(a: MeasureRecord, b: MeasureRecord): Comparison {
  const paired =
    sameRun(a, b) && a.method.interleaved && b.method.interleaved && a.samples.length === b.samples.length;
  return compareSamples(a.samples, b.samples, { paired });
}

function comparableOfCase(records: readonly MeasureRecord[]): MeasureRecord[] {
  const baselines = records.filter((r) => r.implementation.kind === "baseline");
  const ours = records.filter((r) => r.implementation.kind === "ours");
  const accompanied = new Set(
    baselines.filter((r) => r.verdict.verdict !== "rejected").map((r) => r.environment),
  );
  const kept = [...grouped(ours, settingOf).values()].map((group) => {
    const last = newest(group);
    const { sourceHash } = last.implementation;
    // Of another source the older record is another kernel's.
    const beside = group.filter(
      (r) => accompanied.has(r.environment) && r.implementation.sourceHash === sourceHash,
    );
    return beside.length > 0 ? newest(beside) : last;
  });
  const best = bestOfOurs(kept);
  const theirs = [...grouped(baselines, settingOf).values()].map((group) => {
    const beside = group.filter((r) => best !== null && sameRun(r, best));
    return newest(beside.length > 0 ? beside : group);
  });
  return [...kept, ...theirs];
}

function settingOf({ implementation: { id, parameters } }: MeasureRecord): string {
  return JSON.stringify([id, Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

// Of the same age the later one: files come oldest first.
function newest(records: readonly MeasureRecord[]): MeasureRecord {
  return records.reduce((a, b) => (a.environment.date > b.environment.date ? a : b));
}

function grouped(
  records: readonly MeasureRecord[],
  key: (record: MeasureRecord) => string,
): Map<string, MeasureRecord[]> {
  const groups = new Map<string, MeasureRecord[]>();
  for (const record of records) {
    const held = groups.get(key(record));
    if (held) held.push(record);
    else groups.set(key(record), [record]);
  }
  return groups;
}
