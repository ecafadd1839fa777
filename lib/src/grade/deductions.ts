import type { MeasureRecord } from "../record/schema";
import { caseLabel } from "../show/labels";

/** A record with the file it was handed in with. */
export interface Handed {
  readonly record: MeasureRecord;
  readonly file: string;
}

/** Why something is less than it could be, with the record that shows it. */
export interface Deduction {
  readonly part: "numerical" | "attention" | "moe" | "endToEnd" | "trust";
  readonly file: string;
  readonly record: string;
  readonly case: string;
  readonly what: string;
}

/** A deduction of a record. */
export function deduction(part: Deduction["part"], { record, file }: Handed, what: string): Deduction {
  return { part, file, record: record.id, case: `${record.implementation.name}, ${caseLabel(record)}`, what };
}
