import { tiedForBest } from "../../record/comparison";
import type { Failure, MeasureRecord } from "../../record/schema";
import { caseKey } from "../../record/store";
import { caseLabel } from "../labels";

/** One setting that was measured. */
export interface Attempt {
  /** What was varied: "BM 128, BN 64". */
  readonly setting: string;
  readonly record: MeasureRecord;
  /** Its time over that of the fastest, 1 for the fastest itself. */
  readonly slower: number;
  /** It cannot be told from the fastest. */
  readonly best: boolean;
}

/** Every setting of an implementation that was tried at a case. */
export interface Attempts {
  readonly implementation: string;
  readonly case: string;
  /** Fastest first; rejected measurements are left out. */
  readonly attempts: Attempt[];
  /** Why others were not measured, with how many. */
  readonly skipped: { readonly reason: string; readonly count: number }[];
}

/** The sweeps among records: implementations with several settings at one case. */
export function attemptsOf(records: readonly MeasureRecord[], failures: readonly Failure[]): Attempts[] {
  const groups = new Map<string, MeasureRecord[]>();
  for (const record of records) {
    if (record.verdict.verdict === "rejected" || record.implementation.kind === "baseline") continue;
    const key = `${caseKey(record)} ${record.implementation.id}`;
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => {
      const first = group[0]!;
      const varied = variedOf(group);
      const best = new Set(tiedForBest(group));
      const sorted = [...group].sort((a, b) => a.statistics.median - b.statistics.median);
      return {
        implementation: first.implementation.name,
        case: caseLabel(first),
        attempts: sorted.map((record) => ({
          setting: settingOf(record, varied),
          record,
          slower: record.statistics.median / sorted[0]!.statistics.median,
          best: best.has(record),
        })),
        skipped: counted(
          failures.filter(
            (f) => f.implementation.id === first.implementation.id && caseKey(f) === caseKey(first),
          ),
        ),
      };
    });
}

/** One rung of a ladder at a case, against the first rung measured there. */
export interface LadderStep {
  readonly case: string;
  readonly record: MeasureRecord;
  /** Time of the first rung over this one's. */
  readonly faster: number;
}

/** The rungs of ours at each case in the order of the ladder, each at its best setting. */
export function ladderOf(best: readonly MeasureRecord[]): LadderStep[] {
  const cases = new Map<string, MeasureRecord[]>();
  for (const record of best) {
    if (record.implementation.kind !== "ours" || record.verdict.verdict === "rejected") continue;
    if (!/\/\d\d_/.test(record.implementation.id)) continue;
    cases.set(caseKey(record), [...(cases.get(caseKey(record)) ?? []), record]);
  }
  return [...cases.values()]
    .filter((group) => group.length > 1)
    .flatMap((group) => {
      const rungs = [...group].sort((a, b) => (a.implementation.id < b.implementation.id ? -1 : 1));
      return rungs.map((record) => ({
        case: caseLabel(record),
        record,
        faster: rungs[0]!.statistics.median / record.statistics.median,
      }));
    });
}

/** The parameters that take more than one value. */
function variedOf(group: readonly MeasureRecord[]): string[] {
  const names = new Set(group.flatMap((r) => Object.keys(r.implementation.parameters)));
  return [...names].filter((name) => new Set(group.map((r) => r.implementation.parameters[name])).size > 1);
}

function settingOf(record: MeasureRecord, varied: readonly string[]): string {
  return varied.map((name) => `${name} ${record.implementation.parameters[name] ?? "-"}`).join(", ");
}

function counted(failures: readonly Failure[]): { reason: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { reason } of failures) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
}
