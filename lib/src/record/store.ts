import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { LabError } from "../core/error";
import { resultsPath } from "../core/paths";
import { writeNewFile } from "./atomicFile";
import { migrate } from "./migrations";
import { documentKind, documentSchema, type MeasureRecord, type RunDocument, schemaVersion } from "./schema";
import { digestOf, sealState } from "./seal";
import { verifiedFiles } from "./verified";

/** A file that could not be used, named with its reason; the others are loaded all the same. */
export interface SkippedFile {
  readonly path: string;
  readonly error: LabError;
}

/** What a folder of results holds. */
export interface LoadedRuns {
  /** Oldest first. */
  readonly runs: RunDocument[];
  /** The file of each run. */
  readonly paths: string[];
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
    return writeNewFile(target, fileStem(parsed.data), ".json", runText(parsed.data));
  } catch (cause) {
    throw new LabError("unwritable-results", `Writing a result file in ${target}: ${text(cause)}.`, {
      advice: "Make the folder writable, or set KERNEL_LAB_HOME to a checkout that is.",
      cause,
    });
  }
}

/** The text of a run's file, sealed with its digest. */
export function runText(document: RunDocument): string {
  return `${JSON.stringify({ ...document, digest: digestOf(document) }, null, 1)}\n`;
}

/**
 * Reads one run document; one of an older version is answered as one of the present version.
 *
 * @throws LabError "bad-record-file" (truncated, unreadable, or a field is wrong), "foreign-record-file" (not a run),
 *   "newer-record-file", "edited-record-file" (its digest says that it was changed after it was written)
 */
export function readRun(path: string): RunDocument {
  return readRunText(readText(path), path);
}

/**
 * Reads a run document from its text, wherever it came from; `name` stands in messages. Errors: as `readRun`.
 *
 * @example lab.readRunText(text, "bundle.tar.gz: softmax/h200.json")
 */
export function readRunText(content: string, name: string): RunDocument {
  return checkRun(parseRun(content, name), content, name);
}

/**
 * Loads every run below a folder, oldest first; files that cannot be used are listed in `skipped`, never fatal.
 *
 * Files that were checked before and have not changed are only parsed, so that a second look at many is quick.
 *
 * @example const { runs, skipped } = lab.loadRuns(); for (const s of skipped) console.warn(s.error.message);
 */
export function loadRuns(folder: string = resultsPath(), suite?: string): LoadedRuns {
  const found: { run: RunDocument; path: string }[] = [];
  const skipped: SkippedFile[] = [];
  const verified = verifiedFiles(folder);
  for (const path of resultFiles(folder, suite)) {
    const name = relative(folder, path);
    try {
      // Looked at before it is read: a change in between shows in the next look.
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      const source = readText(path);
      const content = parseRun(source, path);
      if (stat && verified.has(name, stat)) {
        found.push({ run: migrate(content) as unknown as RunDocument, path });
      } else {
        found.push({ run: checkRun(content, source, path), path });
        if (stat) verified.add(name, stat);
      }
    } catch (error) {
      if (!LabError.is(error)) throw error;
      skipped.push({ path, error });
    }
  }
  verified.save();
  found.sort((a, b) => byDate(a.run, b.run));
  return { runs: found.map((f) => f.run), paths: found.map((f) => f.path), skipped };
}

/** A parsed file that says it is a run. */
type ParsedRun = Readonly<Record<string, unknown>>;

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new LabError("bad-record-file", `Reading ${path}: ${text(cause)}.`, {
      advice: "Make the file readable, or delete it.",
      cause,
    });
  }
}

function parseRun(content: string, name: string): ParsedRun {
  let found: unknown;
  try {
    found = JSON.parse(content);
  } catch (cause) {
    throw new LabError(
      "bad-record-file",
      `Reading ${name}: expected a whole JSON document, ${text(cause)}.`,
      { advice: "The file is truncated or damaged: restore it from git or delete it.", cause },
    );
  }
  if (typeof found === "object" && found !== null && "kind" in found && found.kind === documentKind) {
    return found as ParsedRun;
  }
  throw new LabError(
    "foreign-record-file",
    `Reading ${name}: expected "kind": "${documentKind}", found another document.`,
    { advice: "Keep only the lab's own result files in this folder." },
  );
}

function checkRun(found: ParsedRun, source: string, name: string): RunDocument {
  const version = found.schemaVersion;
  if (typeof version === "number" && version > schemaVersion) {
    throw new LabError(
      "newer-record-file",
      `Reading ${name}: written with schema version ${version}, this lab knows up to ${schemaVersion}.`,
      { advice: "Update Kernel Lab to read it." },
    );
  }
  if (sealState(found, source) === "edited") {
    throw new LabError(
      "edited-record-file",
      `Reading ${name}: its content is not what its writer sealed with the digest ${String(found.digest)}.`,
      { advice: "Someone or something changed it: restore it from git, or measure again." },
    );
  }
  const parsed = documentSchema.safeParse(versioned(found, name));
  if (parsed.success) return parsed.data;
  throw new LabError("bad-record-file", `Reading ${name}: ${issues(parsed.error)}.`, {
    advice: "The file was edited or damaged: restore it from git or delete it.",
  });
}

function versioned(found: ParsedRun, name: string): ParsedRun {
  try {
    return migrate(found);
  } catch (error) {
    if (!LabError.is(error)) throw error;
    throw new LabError("bad-record-file", `Reading ${name}: ${error.what}`, { advice: error.advice });
  }
}

/** Orders runs by their age, oldest first. */
export function byDate(a: RunDocument, b: RunDocument): number {
  // ISO times sort as text, and much faster so than by locale.
  const [x, y] = [a.environment.date, b.environment.date];
  return x < y ? -1 : x > y ? 1 : 0;
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

/** Records of another kind, which validation.ts reads. */
const validationFolder = "validation";

function resultFiles(folder: string, suite?: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter(
      (entry) =>
        entry.isDirectory() &&
        !entry.name.startsWith(".") &&
        entry.name !== validationFolder &&
        (suite === undefined || entry.name === suite),
    )
    .flatMap((entry) =>
      readdirSync(join(folder, entry.name))
        .filter((name) => name.endsWith(".json") && !name.startsWith("."))
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
