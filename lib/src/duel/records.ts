import { z } from "zod";
import { judge } from "../bench/gate";
import { perCycleOf, physicalFloor, ratesOf } from "../bench/roofline";
import { gateFor } from "../bench/thresholds";
import { LabError } from "../core/error";
import { newId } from "../record/document";
import {
  type CheckRecord,
  type Failure,
  type Implementation,
  type MeasureRecord,
  type Method,
  samplesSchema,
  stateSchema,
} from "../record/schema";
import { summarize } from "../record/statistics";
import type { DuelCase, DuelPlan } from "./job";

const errorsSchema = z.strictObject({
  passed: z.boolean(),
  compared: z.int().nonnegative(),
  maxAbs: z.number().nullable(),
  meanAbs: z.number().nullable(),
  maxRel: z.number().nullable(),
  meanRel: z.number().nullable(),
  /** Root mean square of the error over that of the reference. */
  rms: z.number().nullable(),
  tolerance: z.string(),
  mismatch: z.string().nullable(),
});

const contenderSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  ours: z.boolean(),
  samples: samplesSchema,
  check: errorsSchema,
  inputBytes: z.number(),
  extraBytes: z.number(),
});

const resultSchema = z.strictObject({
  packages: z.record(z.string(), z.string()),
  flushBytes: z.number(),
  eventOverhead: z.number(),
  persistingReset: z.boolean(),
  cases: z.array(
    z.strictObject({
      index: z.int().nonnegative(),
      warmup: z.int().nonnegative(),
      state: z.array(stateSchema),
      contenders: z.array(contenderSchema),
      failures: z.array(
        z.strictObject({
          id: z.string(),
          name: z.string(),
          kind: z.enum(["skipped", "failed"]),
          reason: z.string(),
        }),
      ),
    }),
  ),
});

/** What the Python program leaves in `result.json`. */
export type DuelResult = z.infer<typeof resultSchema>;
type Contender = z.infer<typeof contenderSchema>;

/** The peer whose error ours is held against, and by how much ours may be larger. */
export const errorGoal = { peer: "torch/flash", most: 1.2 } as const;

/**
 * Reads `result.json`.
 *
 * @throws LabError "bad-duel" when it is none
 */
export function readResult(text: string): DuelResult {
  try {
    return resultSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new LabError("bad-duel", "Reading what the Python program measured: expected its result.json.", {
      advice: "lib/src/duel and lib/src/baselines must be of one version; the cause names the field.",
      cause,
    });
  }
}

/** The records and failures of a duel, each series judged by the device's gate. */
export function recordsOf(
  plan: DuelPlan,
  result: DuelResult,
): { records: MeasureRecord[]; failures: Failure[] } {
  const environment = {
    ...plan.environment,
    packages: { ...plan.environment.packages, ...result.packages },
  };
  const records: MeasureRecord[] = [];
  const failures: Failure[] = [...plan.failures];
  for (const found of result.cases) {
    const wanted = plan.job.cases[found.index];
    if (!wanted)
      throw new LabError("bad-duel", `The result names case ${found.index}, which the job has not.`);
    const sides = plan.ours[found.index]!;
    const implementation = (id: string, name: string): Implementation =>
      sides.get(id)?.implementation ?? {
        ...{ id, name, kind: "baseline", parameters: {}, sourceHash: null },
      };
    for (const contender of found.contenders) {
      const { samples } = contender;
      const statistics = summarize(samples);
      const method: Method = {
        ...{ warmup: found.warmup, samples: samples.length, batch: 1, flushBytes: result.flushBytes },
        ...{ mode: "short", timer: "events", interleaved: found.contenders.length > 1 },
        ...{ eventOverhead: result.eventOverhead, persistingReset: result.persistingReset },
      };
      const check = checkOf(contender);
      const roof = plan.roofs.get(wanted.case.dtype)!;
      const l2Bytes = environment.device.l2Bytes ?? 0;
      const { bytes, flops } = wanted;
      const read = sides.get(contender.id)?.counters;
      records.push({
        id: newId(),
        case: wanted.case,
        implementation: implementation(contender.id, contender.name),
        method,
        samples,
        statistics,
        bytes,
        flops,
        rates: {
          ...ratesOf(Math.max(statistics.median, 1e-12), bytes, flops, roof),
          perCycle: perCycleOf(Math.max(statistics.median, 1e-12), bytes, flops, found.state),
        },
        check,
        memory: { usedBytes: contender.inputBytes, peakBytes: contender.inputBytes + contender.extraBytes },
        verdict: judge(
          {
            ...{ kind: environment.device.kind, samples, statistics, method, check, l2Bytes },
            floorSeconds: physicalFloor(bytes, flops, roof, l2Bytes),
            state: found.state,
          },
          gateFor(environment.device),
        ),
        resources: sides.get(contender.id)?.resources ?? null,
        state: found.state,
        notes: [...notesOf(contender, found.contenders), ...(read?.notes ?? [])],
        ...(read?.counters ? { counters: read.counters } : {}),
        environment,
      });
    }
    for (const { id, name, kind, reason } of found.failures) {
      const whose = id === "all" ? wanted.ours.map((o) => o.id) : [id];
      for (const one of whose.length > 0 ? whose : [id]) {
        const by = implementation(one, id === "all" ? one : name);
        failures.push({ case: wanted.case, implementation: by, kind, reason });
      }
    }
  }
  return { records, failures: [...failures, ...missing(plan, result)] };
}

/** Cases that the program did not come to: it was stopped, or it died. */
function missing(plan: DuelPlan, result: DuelResult): Failure[] {
  const seen = new Set(result.cases.map((c) => c.index));
  const left = (wanted: DuelCase, index: number): Failure[] =>
    seen.has(index)
      ? []
      : [...plan.ours[index]!.values()].map(({ implementation }) => ({
          case: wanted.case,
          implementation,
          kind: "failed",
          reason: "the Python program ended before it came to this case",
        }));
  return plan.job.cases.flatMap(left);
}

function checkOf({ check }: Contender): CheckRecord {
  const { meanRel: _, rms: __, ...kept } = check;
  return { ...kept, timedOutput: true };
}

/** Our error over the peer's, by mean and by root mean square; null where either is missing. */
export function errorRatio(ours: Contender, all: readonly Contender[]): { mean: number; rms: number } | null {
  const peer = all.find((c) => c.id === errorGoal.peer)?.check;
  const own = ours.check;
  if (!ours.ours || !peer?.meanAbs || !peer.rms || own.meanAbs === null || own.rms === null) return null;
  return { mean: own.meanAbs / peer.meanAbs, rms: own.rms / peer.rms };
}

function notesOf(contender: Contender, all: readonly Contender[]): string[] {
  const { meanRel, rms } = contender.check;
  const notes = [`${contender.extraBytes} bytes beyond the inputs: outputs and scratch`];
  const share = (x: number | null) => (x === null ? "NaN" : x.toExponential(3));
  notes.push(`error against float64: mean relative ${share(meanRel)}, root mean square ${share(rms)}`);
  const ratio = errorRatio(contender, all);
  if (ratio) {
    notes.push(
      `error over that of ${errorGoal.peer} on the same inputs: mean ${ratio.mean.toFixed(3)}x, ` +
        `root mean square ${ratio.rms.toFixed(3)}x (goal at most ${errorGoal.most}x)`,
    );
  }
  return notes;
}
