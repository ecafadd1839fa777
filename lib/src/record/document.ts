import { randomBytes } from "node:crypto";
import { LabError } from "../core/error";
import { documentKind, type Failure, type MeasureRecord, type RunDocument, schemaVersion } from "./schema";

/** What a run document holds beside its records. */
export interface DocumentOptions {
  readonly failures?: readonly Failure[];
  readonly notes?: readonly string[];
  readonly writer?: string;
  /** The environment of a run that has failures only. */
  readonly environment?: MeasureRecord["environment"];
}

/**
 * Gathers the records of one run on one device into a document that `saveRun` writes.
 *
 * @throws LabError "no-records" when there is nothing, "mixed-devices" when the records come from several devices
 * @example lab.saveRun(lab.runDocument("softmax", records))
 */
export function runDocument(
  suite: string,
  records: readonly MeasureRecord[],
  options: DocumentOptions = {},
): RunDocument {
  const environment = options.environment ?? records[0]?.environment;
  if (!environment) {
    throw new LabError(
      "no-records",
      `Making a run document of suite ${suite}: expected at least one record.`,
      {
        advice: "Measure something first, or pass the environment of a run that only failed.",
      },
    );
  }
  const other = records.find((r) => r.environment.device.name !== environment.device.name);
  if (other) {
    throw new LabError(
      "mixed-devices",
      `Making a run document of suite ${suite}: expected records of one device, ` +
        `received ${environment.device.name} and ${other.environment.device.name}.`,
      { advice: "Write one document a device." },
    );
  }
  return {
    kind: documentKind,
    schemaVersion,
    id: newId(),
    suite,
    writer: options.writer ?? "kernel-lab",
    environment,
    records: records.map(({ environment: _, ...stored }) => stored),
    failures: [...(options.failures ?? [])],
    notes: [...(options.notes ?? [])],
  };
}

/** An identifier for a record or a run: time first, so that they sort by age. */
export function newId(): string {
  return `${Date.now().toString(36)}-${randomBytes(5).toString("hex")}`;
}
