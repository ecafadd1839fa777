import { sameCase } from "../record/cases";
import { bestOfOurs, comparableRecords, compareRecords, sameRun } from "../record/pairing";
import type { MeasureRecord, RunDocument } from "../record/schema";
import { gpuFacts, unitOf } from "../targets/gpus";
import { type TargetFigure, targetFigures } from "../targets/load";
import { caseLabel } from "./labels";
import { type PublishedTimes, publishedTimes, workOfCase } from "./standingTargets";

/** An implementation's time for a case. */
export interface Standee {
  readonly implementation: string;
  /** Median, seconds. */
  readonly seconds: number;
  readonly verdict: "trusted" | "ambiguous";
}

/** What `lab standing --json` prints for a case on a device; null where something is missing. */
export interface StandingRow {
  readonly suite: string;
  readonly case: string;
  readonly device: string;
  readonly ours: Standee | null;
  readonly best: Standee | null;
  /** Time of the best baseline over ours, with its 95% interval: over 1, ours is the faster. */
  readonly ratio: { readonly value: number; readonly lo: number; readonly hi: number } | null;
  /** Published target, seconds. */
  readonly target: number | null;
  /** The least time the data sheet allows, seconds; on a CPU, the measured copy. */
  readonly limit: number | null;
}

/** A row with what a person wants to know besides. */
export interface Standing extends StandingRow {
  readonly kind: "cpu" | "cuda";
  /** Every baseline of the case, fastest first. */
  readonly baselines: readonly Standee[];
  /** Ours and the best baseline were measured in one run. */
  readonly sameRun: boolean;
  /** "faster", "slower", or "tie" when the interval of the ratio holds 1. */
  readonly outcome: "faster" | "tie" | "slower" | null;
  readonly published: PublishedTimes | null;
  /** Limit over our time, 1 at the limit. */
  readonly share: number | null;
  readonly limitSource: string | null;
  /** Why ours is not trusted. */
  readonly doubts: readonly string[];
}

/** Which cases stand in the table. */
export interface StandingOptions {
  readonly suite?: string;
  /** A device's name, or a part of it in any case. */
  readonly device?: string;
  readonly targets?: readonly TargetFigure[];
}

// The lab's own speed and what was tried by hand are no cases to stand in.
const notCases = new Set(["figures", "scratch"]);

/**
 * Where this lab stands: per case and device the best of ours against the best baseline, the published target and the
 * physical limit.
 *
 * Ours is the fastest trusted record, or the fastest ambiguous one where none is trusted; records of one run with a
 * baseline are preferred as `comparableRecords` tells. A baseline's record comes from the run of ours where that has it,
 * else the newest of the same device. The best baseline is the fastest of that run that is not rejected: a slower trusted one
 * would flatter us.
 *
 * @example standingOf([...lab.loadRuns().runs, ...lab.recordedRuns().runs], { suite: "softmax" })
 */
export function standingOf(runs: readonly RunDocument[], options: StandingOptions = {}): Standing[] {
  const figures = options.targets ?? targetFigures();
  const cases = new Map<string, MeasureRecord[]>();
  for (const run of runs) {
    if (!wantsDevice(run, options.device)) continue;
    for (const stored of run.records) {
      if (!wantsSuite(stored.case.suite, options.suite) || stored.verdict.verdict === "rejected") continue;
      // A part of an implementation, timed by itself, states no work of its own.
      if (stored.bytes === null && stored.flops === null) continue;
      const record = { ...stored, environment: run.environment };
      const key = JSON.stringify([run.environment.device.name, sameCase(record)]);
      cases.set(key, [...(cases.get(key) ?? []), record]);
    }
  }
  return [...cases.values()].map((records) => standingOfCase(records, figures)).sort(inOrder);
}

/** Just what `--json` prints. */
export function standingRow(standing: Standing): StandingRow {
  const { suite, case: name, device, ours, best, ratio, target, limit } = standing;
  return { suite, case: name, device, ours, best, ratio, target, limit };
}

function standingOfCase(records: readonly MeasureRecord[], figures: readonly TargetFigure[]): Standing {
  const candidates = comparableRecords(records);
  const ours = bestOfOurs(candidates);
  const theirs = candidates.filter((r) => r.implementation.kind === "baseline").sort(fastest);
  const best = theirs.find((r) => ours !== null && sameRun(r, ours)) ?? theirs[0] ?? null;
  const record = ours ?? best!;
  const { device } = record.environment;
  const work = device.kind === "cuda" ? workOfCase(record.case) : null;
  const published = work && publishedTimes(work, device, figures);
  const limit = limitOf(record, best);
  const compared = ours && best && compareRecords(ours, best);
  return {
    suite: record.case.suite,
    case: caseLabel(record),
    device: device.name,
    ours: ours && standee(ours),
    best: best && standee(best),
    ratio: compared && { value: compared.ratio, lo: compared.lo, hi: compared.hi },
    target: published?.target ?? null,
    limit: limit?.seconds ?? null,
    kind: device.kind,
    baselines: theirs.map(standee),
    sameRun: ours !== null && best !== null && sameRun(ours, best),
    outcome: compared && ({ a: "faster", b: "slower", tie: "tie" } as const)[compared.outcome],
    published,
    share: ours && limit ? limit.seconds / ours.statistics.median : null,
    limitSource: limit?.source ?? null,
    doubts: ours?.verdict.reasons ?? [],
  };
}

function limitOf(
  record: MeasureRecord,
  other: MeasureRecord | null,
): { seconds: number; source: string } | null {
  const bytes = record.bytes ?? other?.bytes ?? 0;
  const flops = record.flops ?? other?.flops ?? 0;
  const { device } = record.environment;
  const facts = device.kind === "cuda" ? gpuFacts(device.name) : null;
  if (!facts) {
    const roof = record.rates.roofline;
    return roof && { seconds: roof.floorSeconds, source: roof.source };
  }
  const unit = unitOf(record.case.dtype);
  const memory = bytes / facts.bandwidth;
  const compute = flops / (facts.flops[unit] ?? Number.POSITIVE_INFINITY);
  const source = memory >= compute ? "bandwidth" : `${unit} peak`;
  return Math.max(memory, compute) > 0
    ? { seconds: Math.max(memory, compute), source: `${source} of the ${facts.name}'s data sheet` }
    : null;
}

function standee(record: MeasureRecord): Standee {
  return {
    implementation: record.implementation.name,
    seconds: record.statistics.median,
    verdict: record.verdict.verdict === "trusted" ? "trusted" : "ambiguous",
  };
}

function wantsSuite(suite: string, wanted: string | undefined): boolean {
  return wanted === undefined ? !notCases.has(suite) : suite === wanted;
}

function wantsDevice(run: RunDocument, wanted: string | undefined): boolean {
  const { name } = run.environment.device;
  return wanted === undefined || name.toLowerCase().includes(wanted.toLowerCase());
}

const fastest = (a: MeasureRecord, b: MeasureRecord) => a.statistics.median - b.statistics.median;

function inOrder(a: Standing, b: Standing): number {
  const cpu = (s: Standing) => (s.kind === "cuda" ? 0 : 1);
  return (
    cpu(a) - cpu(b) ||
    a.device.localeCompare(b.device) ||
    a.suite.localeCompare(b.suite) ||
    a.case.localeCompare(b.case, "en", { numeric: true })
  );
}
