import type { MeasureRecord } from "../record/schema";
import { digits, formatSeconds } from "./format";
import { caseLabel } from "./labels";
import { type TableOptions, type TableView, tableOf } from "./table";

/**
 * Every statistic of records as a table: count, mean, deviation, extremes, median with its interval, percentiles, MAD,
 * and the rates a cycle of the median SM clock, which compare runs that were throttled.
 *
 * @example lab.show(lab.statisticsView(records))
 */
export function statisticsView(records: readonly MeasureRecord[], options: TableOptions = {}): TableView {
  const rows = records.map(({ statistics: s, rates, verdict, case: c, implementation }) => ({
    case: caseLabel({ case: c }),
    implementation: implementation.name,
    count: s.count,
    mean: formatSeconds(s.mean),
    std: formatSeconds(s.std),
    min: formatSeconds(s.min),
    max: formatSeconds(s.max),
    median: formatSeconds(s.median),
    "95% interval": `${formatSeconds(s.ci95[0])} to ${formatSeconds(s.ci95[1])}`,
    p95: formatSeconds(s.p95),
    p99: formatSeconds(s.p99),
    MAD: formatSeconds(s.mad),
    "bytes/cycle": perCycle(verdict.verdict, rates.perCycle?.bytes),
    "FLOP/cycle": perCycle(verdict.verdict, rates.perCycle?.flops),
    verdict: verdict.throttled ? `${verdict.verdict}, throttled` : verdict.verdict,
  }));
  return tableOf(rows, options);
}

function perCycle(verdict: string, rate: number | null | undefined): string {
  return rate === null || rate === undefined || verdict === "rejected" ? "" : digits(rate);
}
