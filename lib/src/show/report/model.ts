import { bestOfOurs, comparableRecords, compareRecords, sameRun, withCounters } from "../../record/pairing";
import type { Environment, Failure, MeasureRecord, RunDocument } from "../../record/schema";
import { caseKey, recordsOf } from "../../record/store";
import type { StoredTrace } from "../../record/traceFile";
import { digits, formatByteRate, formatBytes, formatFlopRate, formatSeconds, formatShare } from "../format";
import { caseLabel } from "../labels";
import { metricFor } from "../metric";
import { type Attempts, attemptsOf, type LadderStep, ladderOf } from "./attempts";
import { type SpeedUp, speedUpsOf } from "./speedup";
import { type Limit, limitOf, type Utilization, utilizationOf } from "./utilization";

/** What a report is made of; everything comes from files. */
export interface ReportInput {
  readonly runs: readonly RunDocument[];
  readonly baselines?: readonly RunDocument[];
  /** What the lens and the stepper kept beside the runs. */
  readonly traces?: readonly StoredTrace[];
  /** Files that could not be read, in words. */
  readonly warnings?: readonly string[];
  readonly title?: string;
  /** ISO time of writing; default now. */
  readonly date?: string;
  /** What the author has to say in the end: paragraphs, and lists of lines that begin with "- ". */
  readonly notes?: string;
}

/** One suite on one device. */
export interface SuiteSection {
  readonly suite: string;
  readonly environment: Environment;
  /** A record of every case and implementation, as `comparableRecords` chooses. */
  readonly records: MeasureRecord[];
  /** The fastest variant of every implementation in each case. */
  readonly best: MeasureRecord[];
  readonly failures: Failure[];
  /** One sentence a case: the best of ours, its rate, and what it is against the best baseline. */
  readonly headlines: string[];
  readonly speedUps: SpeedUp[];
  /** The best of ours in each case, with how much of the device it uses and what limits it. */
  readonly kernels: KernelUse[];
  readonly ladder: LadderStep[];
  readonly attempts: Attempts[];
  /** The record whose launches are shown one by one: the best of ours at the case that takes longest. */
  readonly shown: MeasureRecord | null;
}

/** A kernel at its best setting in a case. */
export interface KernelUse {
  readonly record: MeasureRecord;
  readonly use: Utilization;
  readonly limit: Limit;
}

/** How long an implementation ran in all timed samples of a device. */
export interface KernelTime {
  readonly device: string;
  readonly implementation: string;
  readonly launches: number;
  readonly seconds: number;
  /** Of the time of all implementations of ours on the device. */
  readonly share: number;
}

/** The report before it is drawn. */
export interface ReportModel {
  readonly title: string;
  readonly date: string;
  readonly sections: SuiteSection[];
  readonly environments: Environment[];
  readonly counts: { readonly trusted: number; readonly ambiguous: number; readonly rejected: number };
  readonly warnings: readonly string[];
  /** Those that ran longest, at most ten a device. */
  readonly topKernels: KernelTime[];
  readonly traces: readonly StoredTrace[];
  readonly notes: string;
}

/** Arranges runs by device and suite, devices with a GPU first. */
export function reportModel(input: ReportInput): ReportModel {
  const all = [...input.runs, ...(input.baselines ?? [])];
  const everything = recordsOf(all);
  const records = withCounters(comparableRecords(everything), everything);
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
    topKernels: topKernels(records),
    traces: input.traces ?? [],
    notes: input.notes ?? "",
  };
}

function topKernels(records: readonly MeasureRecord[]): KernelTime[] {
  const times = new Map<
    string,
    { device: string; implementation: string; launches: number; seconds: number }
  >();
  const whole = new Map<string, number>();
  for (const { environment, implementation, method, samples } of records) {
    if (implementation.kind !== "ours") continue;
    const device = environment.device.name;
    const seconds = samples.reduce((a, b) => a + b, 0) * method.batch;
    const key = JSON.stringify([device, implementation.name]);
    const held = times.get(key) ?? { device, implementation: implementation.name, launches: 0, seconds: 0 };
    held.launches += samples.length * method.batch;
    held.seconds += seconds;
    times.set(key, held);
    whole.set(device, (whole.get(device) ?? 0) + seconds);
  }
  const sorted = [...times.values()]
    .map((time) => ({ ...time, share: time.seconds / whole.get(time.device)! }))
    .sort((a, b) => b.seconds - a.seconds);
  return [...whole.keys()].flatMap((device) => sorted.filter((t) => t.device === device).slice(0, 10));
}

/** What was measured in an environment: PyTorch's runs name their torch, and only the lab's own name their Node. */
export function environmentTitle({ device, packages, node }: Environment): string {
  if (!packages.torch) return `${device.name}, this lab's runs`;
  return `${device.name}, ${node === null ? "PyTorch's runs" : "this lab's and PyTorch's runs in turns"}`;
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
  const failures = own.flatMap((run) => run.failures).filter((f) => f.case.suite === suite);
  const ours = best.filter((r) => r.implementation.kind === "ours" && r.verdict.verdict !== "rejected");
  return {
    suite,
    environment: newest.environment,
    records,
    best,
    failures,
    headlines: ours.length === 0 ? [] : headlines(records),
    speedUps: speedUpsOf(records),
    kernels: ours.map((record) => ({ record, use: utilizationOf(record), limit: limitOf(record) })),
    ladder: ladderOf(best),
    attempts: attemptsOf(records, failures),
    shown: shownOf(ours),
  };
}

function shownOf(ours: readonly MeasureRecord[]): MeasureRecord | null {
  const fastest = new Map<string, MeasureRecord>();
  for (const record of ours) {
    const held = fastest.get(caseKey(record));
    if (!held || record.statistics.median < held.statistics.median) fastest.set(caseKey(record), record);
  }
  return [...fastest.values()].sort((a, b) => b.statistics.median - a.statistics.median)[0] ?? null;
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

function headlines(measured: readonly MeasureRecord[]): string[] {
  const cases = new Map<string, MeasureRecord[]>();
  for (const record of measured.filter((r) => r.verdict.verdict !== "rejected")) {
    const key = caseKey(record);
    cases.set(key, [...(cases.get(key) ?? []), record]);
  }
  return [...cases.values()].map((records) => {
    const ours = bestOfOurs(records);
    const theirs = records
      .filter((r) => r.implementation.kind === "baseline")
      .sort((a, b) => a.statistics.median - b.statistics.median);
    const beside = ours && theirs.find((r) => sameRun(r, ours));
    return headline(ours, beside ?? theirs[0] ?? null);
  });
}

function headline(ours: MeasureRecord | null, baseline: MeasureRecord | null): string {
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
  // A copy also writes: a kernel that nearly only reads may pass its rate.
  const roof = roofline?.source.startsWith("measured copy") ? "a copy's rate" : "the roof";
  if (roofline) parts.push(`${formatShare(roofline.share)} of ${roof}`);
  if (ours && baseline) {
    const c = compareRecords(ours, baseline);
    const apart = sameRun(ours, baseline) ? "" : " of another run";
    parts.push(
      c.outcome === "tie"
        ? `a tie with ${baseline.implementation.name}${apart}`
        : `${digits(c.ratio)}x ${baseline.implementation.name}${apart} (${digits(c.lo)} to ${digits(c.hi)})`,
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
