import { compareSamples } from "../record/comparison";
import type { Environment, Failure, MeasureRecord, RunDocument } from "../record/schema";
import { caseKey, latestRecords, recordsOf } from "../record/store";
import { digits, formatByteRate, formatBytes, formatFlopRate, formatSeconds, formatShare } from "./format";
import { caseLabel } from "./labels";
import { metricFor } from "./metric";

/** What a report is made of; everything comes from files. */
export interface ReportInput {
  readonly runs: readonly RunDocument[];
  readonly baselines?: readonly RunDocument[];
  /** Files that could not be read, in words. */
  readonly warnings?: readonly string[];
  readonly title?: string;
  /** ISO time of writing; default now. */
  readonly date?: string;
}

/** One suite on one device. */
export interface SuiteSection {
  readonly suite: string;
  readonly environment: Environment;
  /** Newest record of every case and implementation. */
  readonly records: MeasureRecord[];
  /** The fastest variant of every implementation in each case. */
  readonly best: MeasureRecord[];
  readonly failures: Failure[];
  /** One sentence a case: the best of ours, its rate, and what it is against the best baseline. */
  readonly headlines: string[];
}

/** The report before it is drawn. */
export interface ReportModel {
  readonly title: string;
  readonly date: string;
  readonly sections: SuiteSection[];
  readonly environments: Environment[];
  readonly counts: { readonly trusted: number; readonly ambiguous: number; readonly rejected: number };
  readonly warnings: readonly string[];
}

/** Arranges runs by device and suite, devices with a GPU first. */
export function reportModel(input: ReportInput): ReportModel {
  const all = [...input.runs, ...(input.baselines ?? [])];
  const records = latestRecords(recordsOf(all));
  const groups = new Map<string, MeasureRecord[]>();
  for (const record of records) {
    const key = JSON.stringify([record.environment.device.name, record.case.suite]);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  const sections = [...groups.values()].map((group) => section(group, all)).sort(byDeviceThenSuite);
  const count = (verdict: string) => records.filter((r) => r.verdict.verdict === verdict).length;
  return {
    title: input.title ?? "Kernel Lab report",
    date: input.date ?? new Date().toISOString(),
    sections,
    environments: newestEnvironments(all),
    counts: { trusted: count("trusted"), ambiguous: count("ambiguous"), rejected: count("rejected") },
    warnings: input.warnings ?? [],
  };
}

/** The environment as rows of name and value. */
export function environmentRows(e: Environment): [string, string][] {
  const { device, lab, host } = e;
  const rows: [string, string | null][] = [
    ["Device", device.kind === "cpu" ? `${device.name} (CPU device: not GPU times)` : device.name],
    ["Architecture", device.arch],
    ["Multiprocessors", device.multiprocessors === null ? null : String(device.multiprocessors)],
    ["Memory", device.memoryBytes === null ? null : formatBytes(device.memoryBytes)],
    ["L2 cache", device.l2Bytes === null ? null : formatBytes(device.l2Bytes)],
    ["Clock", device.clockHz ? `${digits(device.clockHz / 1e9)} GHz` : null],
    ["Power limit", device.powerLimitW === null ? null : `${device.powerLimitW} W`],
    ["Driver", e.driver],
    ["CUDA runtime", e.runtime],
    ["Compiler", e.compiler],
    [
      "Packages",
      Object.entries(e.packages)
        .map(([k, v]) => `${k} ${v}`)
        .join(", ") || null,
    ],
    [
      "Kernel Lab",
      `${lab.version}${lab.commit ? ` at ${lab.commit.slice(0, 10)}` : ""}${lab.dirty ? ", changed" : ""}`,
    ],
    ["Node", e.node],
    ["Host", `${host.cpu}, ${host.cores} cores, ${host.os}`],
    ["Date", e.date],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== null);
}

function section(records: MeasureRecord[], runs: readonly RunDocument[]): SuiteSection {
  const first = records[0]!;
  const { suite } = first.case;
  const device = first.environment.device.name;
  const newest = records.reduce((a, b) => (a.environment.date >= b.environment.date ? a : b));
  const best = fastestVariants(records);
  const own = runs.filter((run) => run.environment.device.name === device);
  return {
    suite,
    environment: newest.environment,
    records,
    best,
    failures: own.flatMap((run) => run.failures).filter((f) => f.case.suite === suite),
    headlines: headlines(best),
  };
}

function fastestVariants(records: readonly MeasureRecord[]): MeasureRecord[] {
  const best = new Map<string, MeasureRecord>();
  for (const record of records) {
    const key = `${caseKey(record)} ${record.implementation.name}`;
    const held = best.get(key);
    if (!held || better(record, held)) best.set(key, record);
  }
  return [...best.values()];
}

// A number to be believed comes before a faster one that is not.
function better(a: MeasureRecord, b: MeasureRecord): boolean {
  const [rejectedA, rejectedB] = [a, b].map((r) => r.verdict.verdict === "rejected");
  return rejectedA === rejectedB ? a.statistics.median < b.statistics.median : rejectedB === true;
}

function headlines(best: readonly MeasureRecord[]): string[] {
  const cases = new Map<string, MeasureRecord[]>();
  for (const record of best.filter((r) => r.verdict.verdict !== "rejected")) {
    const key = caseKey(record);
    cases.set(key, [...(cases.get(key) ?? []), record]);
  }
  return [...cases.values()].map((records) => {
    const fastest = (kind: "ours" | "baseline") =>
      records
        .filter((r) => r.implementation.kind === kind)
        .sort((a, b) => a.statistics.median - b.statistics.median)[0];
    return headline(fastest("ours"), fastest("baseline"));
  });
}

function headline(ours: MeasureRecord | undefined, baseline: MeasureRecord | undefined): string {
  const record = ours ?? baseline!;
  const { name } = record.implementation;
  const { roofline, bytesPerSecond, flopsPerSecond } = record.rates;
  const metric = metricFor([record]).name;
  const rate =
    metric === "flops"
      ? formatFlopRate(flopsPerSecond!)
      : bytesPerSecond === null
        ? ""
        : formatByteRate(bytesPerSecond);
  const parts = [`${name} takes ${formatSeconds(record.statistics.median)}`];
  if (rate) parts.push(rate);
  if (roofline) parts.push(`${formatShare(roofline.share)} of the roof`);
  if (ours && baseline) {
    const c = compareSamples(ours.samples, baseline.samples);
    parts.push(
      c.outcome === "tie"
        ? `a tie with ${baseline.implementation.name}`
        : `${digits(c.ratio)}x ${baseline.implementation.name} (${digits(c.lo)} to ${digits(c.hi)})`,
    );
  }
  const doubt = record.verdict.verdict === "ambiguous" ? ` (ambiguous: ${record.verdict.reasons[0]})` : "";
  return `${caseLabel(record)}: ${parts.join(", ")}${doubt}.`;
}

function newestEnvironments(runs: readonly RunDocument[]): Environment[] {
  const newest = new Map<string, Environment>();
  for (const { environment, writer } of runs) {
    const key = `${environment.device.name} ${writer}`;
    const held = newest.get(key);
    if (!held || held.date <= environment.date) newest.set(key, environment);
  }
  return [...newest.values()].sort((a, b) => rank(a) - rank(b));
}

function byDeviceThenSuite(a: SuiteSection, b: SuiteSection): number {
  return (
    rank(a.environment) - rank(b.environment) ||
    a.environment.device.name.localeCompare(b.environment.device.name) ||
    a.suite.localeCompare(b.suite)
  );
}

function rank(environment: Environment): number {
  return environment.device.kind === "cuda" ? 0 : 1;
}
