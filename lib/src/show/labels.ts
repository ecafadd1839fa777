import type { MeasureRecord } from "../record/schema";
import { deviceNames } from "./verdicts";

/** A case in words: its name, and its element type unless the name holds it. */
export function caseLabel(record: Pick<MeasureRecord, "case">): string {
  const { name, dtype } = record.case;
  return name.includes(dtype) ? name : `${name} ${dtype}`;
}

/** "softmax on NVIDIA H200". */
export function defaultTitle(records: readonly MeasureRecord[]): string {
  const suites = [...new Set(records.map((r) => r.case.suite))];
  return records.length === 0
    ? "No measurements"
    : `${suites.join(", ")} on ${deviceNames(records).join(", ")}`;
}
