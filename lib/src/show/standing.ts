import { sameCase } from "../record/cases";
import { compareSamples } from "../record/comparison";
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

/** A record and the run it belongs to. */
interface Candidate {
  readonly record: MeasureRecord;
  readonly run: RunDocument;
}

// The lab's own speed and what was tried by hand are no cases to stand in.
const notCases = new Set(["figures", "scratch"]);

/**
 * Where this lab stands: per case and device the best of ours against the best baseline, the published target and the
 * physical limit.
 *
 * Ours is the fastest trusted record, or the fastest ambiguous one where none is trusted. A baseline's record comes from
 * the run of ours where that has it, else the newest of the same device. The best baseline is the fastest that is not
 * rejected: a slower trusted one would flatter us.
 *
 * @example standingOf([...lab.loadRuns().runs, ...lab.recordedRuns().runs], { suite: "softmax" })
 */
export function standingOf(runs: readonly RunDocument[], options: StandingOptions = {}): Standing[] {
  const figures = options.targets ?? targetFigures();
  const cases = new Map<string, Candidate[]>();
  for (const run of runs) {
    if (!wantsDevice(run, options.device)) continue;
    for (const stored of run.records) {
      if (!wantsSuite(stored.case.suite, options.suite) || stored.verdict.verdict === "rejected") continue;
      // A part of an implementation, timed by itself, states no work of its own.
      if (stored.bytes === null && stored.flops === null) continue;
      const record = { ...stored, environment: run.environment };
      const key = JSON.stringify([run.environment.device.name, sameCase(record)]);
      cases.set(key, [...(cases.get(key) ?? []), { record, run }]);
    }
  }
  return [...cases.values()].map((candidates) => standingOfCase(candidates, figures)).sort(inOrder);
}

/** Just what `--json` prints. */
export function standingRow(standing: Standing): StandingRow {
  const { suite, case: name, device, ours, best, ratio, target, limit } = standing;
  return { suite, case: name, device, ours, best, ratio, target, limit };
}

function standingOfCase(candidates: readonly Candidate[], figures: readonly TargetFigure[]): Standing {
  const ours = newestOfEach(candidates.filter(kindIs("ours"))).sort(trustedThenFastest)[0] ?? null;
  const theirs = newestOfEach(candidates.filter(kindIs("baseline")), ours?.run).sort(fastest);
  const best = theirs[0] ?? null;
  const { record } = ours ?? best!;
  const { device } = record.environment;
  const work = device.kind === "cuda" ? workOfCase(record.case) : null;
  const published = work && publishedTimes(work, device, figures);
  const limit = limitOf(record, best?.record ?? null);
  const compared = ours && best && compare(ours, best);
  return {
    suite: record.case.suite,
    case: caseLabel(record),
    device: device.name,
    ours: ours && standee(ours.record),
    best: best && standee(best.record),
    ratio: compared && { value: compared.ratio, lo: compared.lo, hi: compared.hi },
    target: published?.target ?? null,
    limit: limit?.seconds ?? null,
    kind: device.kind,
    baselines: theirs.map((c) => standee(c.record)),
    sameRun: ours !== null && ours.run === best?.run,
    outcome: compared && ({ a: "faster", b: "slower", tie: "tie" } as const)[compared.outcome],
    published,
    share: ours && limit ? limit.seconds / ours.record.statistics.median : null,
    limitSource: limit?.source ?? null,
    doubts: ours?.record.verdict.reasons ?? [],
  };
}

function compare(ours: Candidate, best: Candidate) {
  const [a, b] = [ours.record, best.record];
  // Measured in turns: sample i of both ran side by side.
  const paired =
    ours.run === best.run &&
    a.method.interleaved &&
    b.method.interleaved &&
    a.samples.length === b.samples.length;
  return compareSamples(a.samples, b.samples, { paired });
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

/** Of each implementation with its parameters the record of the preferred run, else the newest. */
function newestOfEach(candidates: readonly Candidate[], preferred?: RunDocument): Candidate[] {
  const held = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const { id, parameters } = candidate.record.implementation;
    const key = JSON.stringify([id, Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))]);
    const other = held.get(key);
    if (!other || rank(candidate, preferred) >= rank(other, preferred)) held.set(key, candidate);
  }
  return [...held.values()];
}

/** Sorts as text: those of the preferred run after all others, then by date. */
function rank({ run }: Candidate, preferred: RunDocument | undefined): string {
  return `${run === preferred ? 1 : 0} ${run.environment.date}`;
}

function wantsSuite(suite: string, wanted: string | undefined): boolean {
  return wanted === undefined ? !notCases.has(suite) : suite === wanted;
}

function wantsDevice(run: RunDocument, wanted: string | undefined): boolean {
  const { name } = run.environment.device;
  return wanted === undefined || name.toLowerCase().includes(wanted.toLowerCase());
}

const kindIs = (kind: "ours" | "baseline") => (c: Candidate) => c.record.implementation.kind === kind;

const fastest = (a: Candidate, b: Candidate) => a.record.statistics.median - b.record.statistics.median;

function trustedThenFastest(a: Candidate, b: Candidate): number {
  const doubtful = (c: Candidate) => (c.record.verdict.verdict === "trusted" ? 0 : 1);
  return doubtful(a) - doubtful(b) || fastest(a, b);
}

function inOrder(a: Standing, b: Standing): number {
  const cpu = (s: Standing) => (s.kind === "cuda" ? 0 : 1);
  return (
    cpu(a) - cpu(b) ||
    a.device.localeCompare(b.device) ||
    a.suite.localeCompare(b.suite) ||
    a.case.localeCompare(b.case, "en", { numeric: true })
  );
}
