import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LabError } from "../core/error";
import { homePath, kernelPath } from "../core/paths";
import { reachedFiles } from "../core/reached";
import { findRung, type Ladder } from "../ops/ladders";
import { type Prepared, prepare, type Variant, variantSource } from "../ops/variant";
import { type ChangeReport, type ChangeRow, changeOf, exitCodeOf } from "../record/change";
import { runDocument } from "../record/document";
import type { KeptSource, SavedBaseline } from "../record/savedBaseline";
import type { Environment, Failure, MeasureRecord, StoredRecord } from "../record/schema";
import { caseKey } from "../record/store";
import type { Device } from "../runtime/device";
import { environmentOf } from "./environment";
import { copyFailure } from "./failure";
import { measureInterleaved } from "./measure";
import { contender, measureVariant, runSuite, type SuiteProgress, suiteNames } from "./suites";
import type { MeasureOptions } from "./target";

/** What is measured for a baseline, or compared with one. */
export interface RegressionOptions {
  /** Suites; default all. */
  readonly suites?: readonly string[];
  /** Rungs by id, each at its bench case, instead of suites. */
  readonly rungs?: readonly string[];
  /** Counts and the like of every measurement. */
  readonly options?: MeasureOptions;
  readonly onProgress?: SuiteProgress;
  /** The present text of a kernel file; default: the file's. */
  readonly source?: (variant: Pick<Variant, "id" | "file">) => string;
}

/**
 * Measures suites or rungs and gathers what a baseline of that name keeps: records, and the sources they were made of.
 *
 * @throws LabError "no-records" when nothing could be measured
 * @example lab.saveBaseline(await lab.measureBaseline(dev, "main", { suites: ["softmax"] }))
 */
export async function measureBaseline(
  device: Device,
  name: string,
  options: RegressionOptions = {},
): Promise<Omit<SavedBaseline, "kind" | "version">> {
  const { suites = suiteNames, rungs, onProgress = () => {} } = options;
  const records: MeasureRecord[] = [];
  const failures: Failure[] = [];
  if (rungs) {
    for (const [i, id] of rungs.entries()) {
      onProgress(id, i, rungs.length);
      const { ladder, variant } = findRung(id);
      const c = ladder.benchCase(device.info);
      try {
        const prepared = await prepare(device, variant, c, sourceOption(options, variant));
        try {
          records.push(await measureVariant(prepared, options.options));
        } finally {
          prepared.free();
        }
      } catch (error) {
        failures.push(copyFailure(error, ladder.topic, c, id));
      }
    }
  } else {
    for (const suite of suites) {
      const result = await runSuite(device, suite, onProgress);
      records.push(...result.records);
      failures.push(...result.failures);
    }
  }
  const only = new Set(records.map((r) => r.case.suite));
  const run = runDocument(only.size === 1 ? [...only][0]! : "all", records, {
    failures,
    environment: await environmentOf(device),
    notes: [`baseline ${name}`],
  });
  return { name, run, sources: sourcesOf(records, options) };
}

/**
 * Holds the kernels here against a baseline: each is compiled from the text it had then and from the text it has now,
 * and both are measured in turns. Where the old side cannot run any more, records of the same device are compared.
 *
 * @throws LabError "different-device" when the baseline is of another device, "no-such-record" when it holds nothing of
 *   what was asked for
 * @example
 * const report = await lab.compareWithBaseline(dev, lab.readBaseline("main"));
 * console.log(lab.changeMarkdown(report)); process.exitCode = report.exitCode;
 */
export async function compareWithBaseline(
  device: Device,
  baseline: SavedBaseline,
  options: RegressionOptions = {},
): Promise<ChangeReport> {
  const environment = await environmentOf(device);
  sameDevice(baseline.name, baseline.run.environment, "this machine", environment);
  const wanted = wantedOf(baseline, options);
  const rows: ChangeRow[] = [];
  const others: StoredRecord[] = [];
  for (const [i, before] of wanted.entries()) {
    options.onProgress?.(`${before.implementation.name} ${before.case.name}`, i, wanted.length);
    const rung = rungOf(before);
    if (rung) rows.push(await compareRung(device, baseline, before, rung, options));
    else others.push(before);
  }
  // What is no rung of a ladder has no text to compile again: it is measured as its suite does, and compared by record.
  for (const suite of new Set(others.map((r) => r.case.suite))) {
    const { records } = await runSuite(device, suite, options.onProgress);
    for (const before of others.filter((r) => r.case.suite === suite)) {
      rows.push(
        byRecord(before, records.find((now) => sameWork(before, now)) ?? null, "it is no rung of a ladder"),
      );
    }
  }
  return reportOf(baseline.name, null, baseline.run.environment, environment, rows);
}

/** The records of a baseline that are asked for: a gate that compares nothing would always be passed. */
function wantedOf(baseline: SavedBaseline, { suites, rungs }: RegressionOptions): StoredRecord[] {
  const { records } = baseline.run;
  const wanted = records.filter(
    (r) => (suites?.includes(r.case.suite) ?? true) && (rungs?.includes(r.implementation.id) ?? true),
  );
  if (wanted.length > 0) return wanted;
  const asked = [...(suites ?? []), ...(rungs ?? [])].join(", ");
  throw new LabError("no-such-record", `Comparing with ${baseline.name}: it holds nothing of ${asked}.`, {
    advice: `It holds ${[...new Set(records.map((r) => r.implementation.id))].join(", ")}.`,
  });
}

/**
 * Holds one baseline against another by their records, measured at different times.
 *
 * @throws LabError "different-device", "no-such-record"
 */
export function compareBaselines(
  before: SavedBaseline,
  now: SavedBaseline,
  options: Pick<RegressionOptions, "suites" | "rungs"> = {},
): ChangeReport {
  const [a, b] = [before.run.environment, now.run.environment];
  sameDevice(before.name, a, now.name, b);
  const rows = wantedOf(before, options).map((record) =>
    byRecord(record, now.run.records.find((other) => sameWork(record, other)) ?? null, ""),
  );
  return reportOf(before.name, now.name, a, b, rows);
}

interface Rung {
  readonly ladder: Ladder;
  readonly variant: Variant;
}

async function compareRung(
  device: Device,
  baseline: SavedBaseline,
  before: StoredRecord,
  { ladder, variant }: Rung,
  options: RegressionOptions,
): Promise<ChangeRow> {
  const c = ladder.makeCase(sizesOf(before), before.case.dtype as never, device.info);
  const parameters = before.implementation.parameters;
  const kept = baseline.sources[before.implementation.sourceHash ?? ""];
  const headers = kept ? writeHeaders(kept) : null;
  const problem = await variant.problem(device, c);
  const held: Prepared[] = [];
  const hold = async (made: Promise<Prepared>) => {
    held.push(await made);
    return held.at(-1)!;
  };
  try {
    const now = await hold(
      prepare(device, variant, c, { ...sourceOption(options, variant), parameters, problem }),
    );
    let older: Prepared | string = "its text was not kept";
    if (kept && headers) {
      const old = { source: kept.text, includes: [headers], parameters, problem };
      older = await hold(prepare(device, variant, c, old)).catch(reasonOf);
    }
    if (typeof older === "string") {
      const record = await measureVariant(now, options.options);
      return byRecord(before, record, `the old side cannot run: ${older}`);
    }
    const pair = [older, now].map((p) => contender(p, options.options));
    try {
      const [a, b] = await measureInterleaved(pair);
      return rowOf(a!, b!, "in turns", "");
    } catch (error) {
      // One of the two fails when it runs; the record of the old one still tells what it took.
      const record = await measureVariant(now, options.options);
      return byRecord(before, record, `the old side cannot run: ${reasonOf(error)}`);
    }
  } catch (error) {
    return byRecord(before, null, reasonOf(error));
  } finally {
    for (const prepared of held) prepared.free();
    for (const tensor of Object.values(problem.tensors)) tensor.free();
    if (headers) rmSync(headers, { recursive: true, force: true });
  }
}

/** A row by records of different times. */
function byRecord(before: StoredRecord, now: StoredRecord | null, note: string): ChangeRow {
  if (now) return rowOf(before, now, "records", note);
  return {
    suite: before.case.suite,
    case: before.case.name,
    implementation: before.implementation.name,
    severity: "missing",
    before: before.statistics.median,
    now: null,
    change: null,
    how: "not measured",
    note: note || "the other side does not have it",
  };
}

function rowOf(
  before: StoredRecord,
  now: StoredRecord,
  how: "in turns" | "records",
  note: string,
): ChangeRow {
  const change = changeOf(before.samples, now.samples, how === "in turns");
  const wrong = now.verdict.verdict === "rejected";
  const doubts = [
    note,
    wrong ? now.verdict.reasons.join("; ") : "",
    before.verdict.verdict === "rejected" ? `before was rejected: ${before.verdict.reasons[0]}` : "",
    now.verdict.verdict === "ambiguous" ? `ambiguous: ${now.verdict.reasons[0]}` : "",
  ];
  return {
    suite: now.case.suite,
    case: now.case.name,
    implementation: now.implementation.name,
    severity: wrong ? "wrong" : change.severity,
    before: before.statistics.median,
    now: now.statistics.median,
    change,
    how,
    note: doubts.filter(Boolean).join("; "),
  };
}

function reportOf(
  baseline: string,
  against: string | null,
  before: Environment,
  now: Environment,
  rows: readonly ChangeRow[],
): ChangeReport {
  const inTurns = rows.filter((row) => row.how === "in turns").length;
  const byRecords = rows.filter((row) => row.how === "records").length;
  const notes = differences(before, now);
  if (inTurns > 0) notes.unshift(`${inTurns} measured in turns by the lab that is here.`);
  if (byRecords > 0) notes.push(`${byRecords} compared by records taken at different times.`);
  return {
    baseline,
    against,
    device: now.device.name,
    rows,
    notes,
    exitCode: exitCodeOf(rows.map((row) => row.severity)),
  };
}

/** What differs beside the kernels, in words; said wherever records are compared. */
function differences(before: Environment, now: Environment): string[] {
  const labOf = ({ lab }: Environment) =>
    `${lab.version}${lab.commit ? ` (${lab.commit.slice(0, 7)}${lab.dirty ? ", changed" : ""})` : ""}`;
  const pairs: [string, string, string][] = [
    ["The lab", labOf(before), labOf(now)],
    ["The driver", before.driver ?? "none", now.driver ?? "none"],
    ["The compiler", before.compiler ?? "not known", now.compiler ?? "not known"],
  ];
  return pairs.filter(([, a, b]) => a !== b).map(([what, a, b]) => `${what} differs: ${a} before, ${b} now.`);
}

function sameDevice(nameA: string, a: Environment, nameB: string, b: Environment): void {
  if (a.device.kind === b.device.kind && a.device.name === b.device.name) return;
  throw new LabError(
    "different-device",
    `Comparing ${nameA} with ${nameB}: expected one device, received ${a.device.name} and ${b.device.name}.`,
    { advice: "Compare baselines of one device; save one here with lab baseline save NAME." },
  );
}

function sameWork(a: StoredRecord, b: StoredRecord): boolean {
  const setting = (r: StoredRecord) => JSON.stringify(Object.entries(r.implementation.parameters).sort());
  return (
    caseKey(a) === caseKey(b) && a.implementation.id === b.implementation.id && setting(a) === setting(b)
  );
}

function rungOf(record: StoredRecord): Rung | null {
  try {
    return findRung(record.implementation.id);
  } catch {
    return null;
  }
}

function sizesOf(record: StoredRecord): Record<string, number> {
  return Object.fromEntries(
    Object.entries(record.case.params).flatMap(([name, value]) =>
      typeof value === "number" || value === true ? [[name, Number(value)]] : [],
    ),
  );
}

function sourceOption({ source }: RegressionOptions, variant: Variant): { source?: string } {
  return source ? { source: source(variant) } : {};
}

/** The texts behind records of rungs, with every header of the project they reach. */
function sourcesOf(
  records: readonly MeasureRecord[],
  options: RegressionOptions,
): Record<string, KeptSource> {
  const sources: Record<string, KeptSource> = {};
  for (const record of records) {
    const rung = rungOf(record);
    const hash = record.implementation.sourceHash;
    if (!rung || !hash || hash in sources) continue;
    const { file } = rung.variant;
    const text = options.source?.(rung.variant) ?? variantSource(rung.variant);
    const headers = reachedFiles(text, [dirname(kernelPath(file)), homePath("kernels", "include")]);
    sources[hash] = { file, text, headers: Object.fromEntries(headers.map((one) => [one.name, one.text])) };
  }
  return sources;
}

/** Writes a kept text's headers to a folder of their own. */
function writeHeaders(kept: KeptSource): string {
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-baseline-"));
  for (const [name, text] of Object.entries(kept.headers)) {
    const path = join(folder, name);
    if (!path.startsWith(`${folder}/`)) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

function reasonOf(error: unknown): string {
  if (LabError.is(error)) return `${error.code}: ${error.what.split("\n")[0]}`;
  throw error;
}
