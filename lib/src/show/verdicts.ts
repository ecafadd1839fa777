import type { MeasureRecord } from "../record/schema";

/** Records split by whether they may be shown as numbers. */
export interface Shown {
  /** Trusted and ambiguous ones. */
  readonly shown: MeasureRecord[];
  readonly rejected: MeasureRecord[];
  /** What a caption has to say of them. */
  readonly caption: string;
}

/** Leaves rejected records out of a picture and says so; ambiguous ones stay, and are to be drawn hollow. */
export function honourVerdicts(records: readonly MeasureRecord[]): Shown {
  const shown = records.filter((r) => r.verdict.verdict !== "rejected");
  const rejected = records.filter((r) => r.verdict.verdict === "rejected");
  const hollow = shown.filter(isAmbiguous).length;
  const parts: string[] = [];
  if (shown.some((r) => r.environment.device.kind === "cpu")) parts.push("CPU device: not GPU times.");
  if (hollow > 0) parts.push(`Hollow: ${hollow} ambiguous ${plural(hollow, "measurement")}.`);
  if (rejected.length > 0) {
    const reasons = [...new Set(rejected.flatMap((r) => r.verdict.reasons))].slice(0, 2).join("; ");
    parts.push(
      `Left out: ${rejected.length} rejected ${plural(rejected.length, "measurement")} (${reasons}).`,
    );
  }
  return { shown, rejected, caption: parts.join(" ") };
}

/** True for a measurement to be drawn hollow. */
export function isAmbiguous(record: MeasureRecord): boolean {
  return record.verdict.verdict === "ambiguous";
}

/** The devices of the records, by name, each once. */
export function deviceNames(records: readonly MeasureRecord[]): string[] {
  return [...new Set(records.map((r) => r.environment.device.name))];
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
