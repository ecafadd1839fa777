import * as aq from "arquero";
import type { MeasureRecord } from "../record/schema";

/**
 * Records as an arquero table, one row each, times in seconds: filter, derive and roll up as arquero does.
 *
 * @example lab.recordTable(records).orderby("median")
 */
export function recordTable(records: readonly MeasureRecord[]): ReturnType<typeof aq.from> {
  return aq.from(
    records.map((r) => ({
      suite: r.case.suite,
      case: r.case.name,
      dtype: r.case.dtype,
      ...r.case.params,
      implementation: r.implementation.name,
      kind: r.implementation.kind,
      device: r.environment.device.name,
      ...r.statistics,
      ci95: `${r.statistics.ci95[0]}..${r.statistics.ci95[1]}`,
      bytesPerSecond: r.rates.bytesPerSecond,
      flopsPerSecond: r.rates.flopsPerSecond,
      share: r.rates.roofline?.share ?? null,
      verdict: r.verdict.verdict,
    })),
  );
}
