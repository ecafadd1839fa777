import type { Failure, MeasureRecord } from "../record/schema";
import { barPlot } from "./bars";
import { show } from "./display";
import type { Figure } from "./figure";
import { heatmap } from "./heatmap";
import { linePlot } from "./lines";
import type { MetricName } from "./metric";
import { type RowTable, recordsView, tableOf } from "./table";

/** Options of `plot`; which picture it is follows from them when `kind` is left out. */
export interface PlotRequest {
  readonly kind?: "bars" | "lines" | "heatmap";
  readonly x?: string;
  readonly y?: string;
  readonly metric?: MetricName;
  readonly title?: string;
  readonly caption?: string;
  readonly width?: number;
  /** Of a heatmap: points that were skipped, and a sweep's winners. */
  readonly failures?: readonly Failure[];
  readonly best?: readonly MeasureRecord[];
  readonly resource?: "occupancy" | "registers" | "shared";
}

/**
 * Draws records: bars of implementations, with `x` lines over a size, with `x` and `y` a heatmap of a sweep.
 *
 * In a notebook the picture is displayed, elsewhere its SVG is returned.
 *
 * @throws LabError "no-axis"
 * @example lab.plot(records, { x: "cols", metric: "bandwidth" })
 */
export function plot(
  records: MeasureRecord | readonly MeasureRecord[],
  request: PlotRequest = {},
): string | undefined {
  return show(plotFigure([records].flat() as MeasureRecord[], request));
}

/** The picture `plot` shows. */
export function plotFigure(records: readonly MeasureRecord[], request: PlotRequest = {}): Figure {
  const { kind, x, y } = request;
  if ((kind === "heatmap" || kind === undefined) && x !== undefined && y !== undefined) {
    return heatmap(records, { ...request, x, y });
  }
  return kind === "lines" || (kind === undefined && x !== undefined)
    ? linePlot(records, request)
    : barPlot(records, request);
}

/**
 * Shows records, row objects or an arquero table as a table; outside a notebook answers it as text.
 *
 * @example lab.table(records)
 */
export function table(
  rows: readonly MeasureRecord[] | readonly object[] | RowTable,
  title?: string,
): string | undefined {
  const options = title === undefined ? {} : { title };
  return show(isRecords(rows) ? recordsView(rows, options) : tableOf(rows, options));
}

function isRecords(
  rows: readonly MeasureRecord[] | readonly object[] | RowTable,
): rows is readonly MeasureRecord[] {
  return Array.isArray(rows) && rows.length > 0 && "statistics" in rows[0] && "implementation" in rows[0];
}
