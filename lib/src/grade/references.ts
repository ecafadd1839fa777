import { sameCase } from "../record/cases";
import type { MeasureRecord, RunDocument } from "../record/schema";
import { recordsOf } from "../record/store";
import { publishedTimes, workOfCase } from "../show/standingTargets";
import { gpuFacts } from "../targets/gpus";
import { type TargetFigure, targetFigures } from "../targets/load";

/** What a time is held against, and where that comes from. */
export interface Reference {
  readonly seconds: number;
  readonly source: string;
  /** It stands in the student's own file: nobody else vouches for it. */
  readonly own: boolean;
}

/** Where references are looked for: recorded baselines first, then the student's own file, then the published tables. */
export interface ReferenceSources {
  readonly recorded: readonly RunDocument[];
  readonly own: readonly RunDocument[];
  readonly figures?: readonly TargetFigure[];
}

/** The reference flash attention's time for the case of a record; null where there is none. */
export function attentionReference(record: MeasureRecord, sources: ReferenceSources): Reference | null {
  const measured = baselineFor(record, sources, /flash/i);
  if (measured) return measured;
  const work = workOfCase(record.case);
  const figures = (sources.figures ?? targetFigures()).filter((f) => f.role === "reference");
  const asTargets = figures.map((f) => ({ ...f, role: "target" as const }));
  const found = work && publishedTimes(work, record.environment.device, asTargets);
  // The tables hold for their chips only.
  if (!found || gpuFacts(found.hardware) !== gpuFacts(record.environment.device.name)) return null;
  return { seconds: found.target, source: `${found.table}, ${found.hardware}`, own: false };
}

/**
 * The time that cuBLAS would take for the FLOPs of a MoE layer at the rate it has at the documents' expert GEMM
 * (8192 x 11008 x 4096) on this device; no less than the weights take to be read.
 */
export function moeReference(record: MeasureRecord, sources: ReferenceSources): Reference | null {
  const { flops, bytes, environment } = record;
  if (flops === null) return null;
  const gemm = (runs: readonly RunDocument[]) =>
    fastestOf(
      recordsOf(runs, { suite: "matmul", kind: "baseline", device: environment.device.name }).filter(
        ({ case: { params, dtype } }) =>
          params.m === 8192 && params.n === 11008 && params.k === 4096 && dtype === record.case.dtype,
      ),
    );
  const recorded = gemm(sources.recorded);
  const found = recorded ?? gemm(sources.own);
  if (!found?.flops) return null;
  const rate = found.flops / found.statistics.median;
  const memory = (bytes ?? 0) / (gpuFacts(environment.device.name)?.bandwidth ?? Number.POSITIVE_INFINITY);
  return {
    seconds: Math.max(flops / rate, memory),
    source: `${found.implementation.name} at 8192x11008x4096 (${(rate / 1e12).toFixed(0)} TFLOP/s, ${found.id})`,
    own: !recorded,
  };
}

/** PyTorch naive's time for the case of a record. */
export function naiveReference(record: MeasureRecord, sources: ReferenceSources): Reference | null {
  return baselineFor(record, sources, /naive|eager/i);
}

function baselineFor(record: MeasureRecord, sources: ReferenceSources, id: RegExp): Reference | null {
  const filter = {
    suite: record.case.suite,
    kind: "baseline",
    device: record.environment.device.name,
  } as const;
  const of = (runs: readonly RunDocument[]) =>
    fastestOf(
      recordsOf(runs, filter).filter((r) => id.test(r.implementation.id) && sameCase(r) === sameCase(record)),
    );
  const recorded = of(sources.recorded);
  const found = recorded ?? of(sources.own);
  if (!found) return null;
  const { name } = found.implementation;
  return { seconds: found.statistics.median, source: `${name} (${found.id})`, own: !recorded };
}

function fastestOf(records: readonly MeasureRecord[]): MeasureRecord | undefined {
  return records
    .filter((r) => r.verdict.verdict !== "rejected")
    .sort((a, b) => a.statistics.median - b.statistics.median)[0];
}
