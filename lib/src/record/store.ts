import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LabError } from "../core/error";
import { resultsPath } from "../core/paths";
import { migrate } from "./migrations";
import { documentKind, documentSchema, type MeasureRecord, type RunDocument, schemaVersion } from "./schema";

/** A file that could not be used, named with its reason; the others are loaded all the same. */
export interface SkippedFile {
  readonly path: string;
  readonly error: LabError;
}

/** What a folder of results holds. */
export interface LoadedRuns {
  readonly runs: RunDocument[];
  readonly skipped: SkippedFile[];
}

/** Which records are wanted; a missing field takes all. */
export interface RecordFilter {
  readonly suite?: string;
  readonly case?: string;
  readonly device?: string;
  readonly deviceKind?: "cpu" | "cuda";
  readonly implementation?: string;
  readonly kind?: "ours" | "baseline";
}

/**
 * Writes a run to `<folder>/<suite>/<device>-<time>.json`, whole or not at all, and answers its path.
 *
 * @throws LabError "bad-record" when the document does not fit the schema, "unwritable-results" when the folder refuses
 * @example const path = lab.saveRun(lab.runDocument("softmax", records))
 */
export function saveRun(document: RunDocument, folder: string = resultsPath()): string {
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) {
    throw new LabError("bad-record", `Writing a run of suite ${document.suite}: ${issues(parsed.error)}.`, {
      advice: "This is a fault of the program that made the record; results/schema.json tells the format.",
    });
  }
  const target = join(folder, parsed.data.suite);
  try {
    mkdirSync(target, { recursive: true });
    return writeNew(target, fileStem(parsed.data), `${JSON.stringify(parsed.data, null, 1)}\n`);
  } catch (cause) {
    throw new LabError("unwritable-results", `Writing a result file in ${target}: ${text(cause)}.`, {
      advice: "Make the folder writable, or set KERNEL_LAB_HOME to a checkout that is.",
      cause,
    });
  }
}

/**
 * Reads one run document.
 *
 * @throws LabError "bad-record-file" (truncated or not JSON, or a field is wrong), "foreign-record-file",
 *   "newer-record-file"
 */
export function readRun(path: string): RunDocument {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new LabError(
      "bad-record-file",
      `Reading ${path}: expected a whole JSON document, ${text(cause)}.`,
      {
        advice: "The file is truncated or damaged: restore it from git or delete it.",
        cause,
      },
    );
  }
  const head = content as { kind?: unknown; schemaVersion?: unknown } | null;
  if (typeof head !== "object" || head === null || head.kind !== documentKind) {
    throw new LabError(
      "foreign-record-file",
      `Reading ${path}: expected "kind": "${documentKind}", found another document.`,
      {
        advice: "Keep only the lab's own result files in this folder.",
      },
    );
  }
  if (typeof head.schemaVersion === "number" && head.schemaVersion > schemaVersion) {
    throw new LabError(
      "newer-record-file",
      `Reading ${path}: written with schema version ${head.schemaVersion}, this lab knows up to ${schemaVersion}.`,
      { advice: "Update Kernel Lab to read it." },
    );
  }
  const parsed = documentSchema.safeParse(migrate(head));
  if (parsed.success) return parsed.data;
  throw new LabError("bad-record-file", `Reading ${path}: ${issues(parsed.error)}.`, {
    advice: "The file was edited or damaged: restore it from git or delete it.",
  });
}

/**
 * Loads every run below a folder, oldest first; files that cannot be used are listed in `skipped`, never fatal.
 *
 * @example const { runs, skipped } = lab.loadRuns(); for (const s of skipped) console.warn(s.error.message);
 */
export function loadRuns(folder: string = resultsPath(), suite?: string): LoadedRuns {
  const runs: RunDocument[] = [];
  const skipped: SkippedFile[] = [];
  for (const path of resultFiles(folder, suite)) {
    try {
      runs.push(readRun(path));
    } catch (error) {
      if (!LabError.is(error)) throw error;
      skipped.push({ path, error });
    }
  }
  runs.sort((a, b) => a.environment.date.localeCompare(b.environment.date));
  return { runs, skipped };
}

/** The records of runs, each with its environment, that pass the filter. */
export function recordsOf(runs: readonly RunDocument[], filter: RecordFilter = {}): MeasureRecord[] {
  return runs.flatMap((run) =>
    run.records
      .map((record) => ({ ...record, environment: run.environment }))
      .filter((r) => matches(r, filter)),
  );
}

/** Keeps, of every case, implementation and setting of its parameters on a device, only the newest record. */
export function latestRecords(records: readonly MeasureRecord[]): MeasureRecord[] {
  const newest = new Map<string, MeasureRecord>();
  for (const record of records) {
    const { id, parameters } = record.implementation;
    const key = JSON.stringify([record.environment.device.name, caseKey(record), id, parameters]);
    const held = newest.get(key);
    if (!held || held.environment.date <= record.environment.date) newest.set(key, record);
  }
  return [...newest.values()];
}

/** What tells two cases apart: suite, name, element type and parameters, in one order. */
export function caseKey(record: Pick<MeasureRecord, "case">): string {
  const { suite, name, dtype, params } = record.case;
  return JSON.stringify([suite, name, dtype, Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

function matches(record: MeasureRecord, filter: RecordFilter): boolean {
  const { device } = record.environment;
  return (
    (filter.suite === undefined || record.case.suite === filter.suite) &&
    (filter.case === undefined || record.case.name === filter.case) &&
    (filter.device === undefined || device.name === filter.device) &&
    (filter.deviceKind === undefined || device.kind === filter.deviceKind) &&
    (filter.implementation === undefined || record.implementation.id === filter.implementation) &&
    (filter.kind === undefined || record.implementation.kind === filter.kind)
  );
}

function resultFiles(folder: string, suite?: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && (suite === undefined || entry.name === suite))
    .flatMap((entry) =>
      readdirSync(join(folder, entry.name))
        .filter((name) => name.endsWith(".json"))
        .sort()
        .map((name) => join(folder, entry.name, name)),
    );
}

function fileStem(document: RunDocument): string {
  const device = document.environment.device.name
    .toLowerCase()
    .replace(/\((r|tm)\)/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 48);
  return `${device || "device"}-${document.environment.date.replace(/[:.]/g, "-")}`;
}

/** Writes to a temporary file, flushes it, then gives it a name nobody else holds. */
function writeNew(folder: string, stem: string, content: string): string {
  const temporary = join(folder, `.${stem}-${process.pid}-${randomBytes(4).toString("hex")}.tmp`);
  const file = openSync(temporary, "wx", 0o644);
  try {
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    for (let attempt = 1; ; attempt++) {
      const path = join(folder, attempt === 1 ? `${stem}.json` : `${stem}-${attempt}.json`);
      if (claim(temporary, path)) {
        flushFolder(folder);
        return path;
      }
    }
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Names the file unless the name is taken: link() is atomic and, unlike rename(), never overwrites. */
function claim(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    // A file system without hard links: the rename is atomic too, only the claim of the name is not.
    if (existsSync(path)) return false;
    renameSync(temporary, path);
    return true;
  }
}

function flushFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function issues(error: { issues: ReadonlyArray<{ path: PropertyKey[]; message: string }> }): string {
  const first = error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.map(String).join(".") || "the document"}: ${issue.message}`);
  const rest = error.issues.length - first.length;
  return first.join("; ") + (rest > 0 ? ` (and ${rest} more)` : "");
}

function text(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
