import * as Plot from "@observablehq/plot";
import { tiedForBest } from "../record/comparison";
import type { Failure, MeasureRecord } from "../record/schema";
import { type Figure, figure } from "./figure";
import { digits } from "./format";
import { defaultTitle } from "./labels";
import { type MetricName, metricFor } from "./metric";
import { colors, heat } from "./theme";
import { honourVerdicts, isAmbiguous } from "./verdicts";

/** How a heatmap is drawn: which two parameters of the implementation span it. */
export interface HeatmapOptions {
  readonly x: string;
  readonly y: string;
  readonly metric?: MetricName;
  /** A resource shown instead of the metric: "occupancy", "registers", "shared". */
  readonly resource?: "occupancy" | "registers" | "shared";
  /** A sweep's `best`, measured in turns: their cells are outlined instead of those whose intervals overlap. */
  readonly best?: readonly MeasureRecord[];
  /** Points that were skipped, drawn as crosses with their reasons. */
  readonly failures?: readonly Failure[];
  readonly title?: string;
  readonly width?: number;
  readonly caption?: string;
}

interface Cell {
  x: string;
  y: string;
  value: number;
  label: string;
  step: number;
  tied: boolean;
  hollow: boolean;
  title: string;
}

/**
 * A sweep over two parameters: the best record of each cell, the cells tied for best outlined, skipped ones crossed.
 *
 * @example lab.show(lab.heatmap(sweep.records, { x: "BN", y: "BM", failures: sweep.failures }))
 */
export function heatmap(records: readonly MeasureRecord[], options: HeatmapOptions): Figure {
  const { shown: believed, caption } = honourVerdicts(records);
  const shown = options.resource ? records : believed;
  const metric = metricFor(shown, options.metric);
  const cellOf = (r: MeasureRecord) => `${parameter(r, options.x)} ${parameter(r, options.y)}`;
  // A sweep's winners were measured again: they are told by their settings.
  const winners = options.best ? new Set(options.best.map(cellOf)) : null;
  const tied = new Set(winners ? [] : tiedForBest(shown));
  const amount = (r: MeasureRecord) =>
    options.resource ? resourceOf(r, options.resource) : scaled(metric.of(r), metric.scale);
  const best = bestOfCell(shown, options);
  const values = best.map(amount).filter((v) => v !== null);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const cells: Cell[] = best.flatMap((record) => {
    const value = amount(record);
    if (value === null) return [];
    const share = high > low ? (value - low) / (high - low) : 1;
    const deep = metric.better === "lower" && !options.resource ? 1 - share : share;
    return [
      {
        x: parameter(record, options.x),
        y: parameter(record, options.y),
        value,
        label: cellLabel(value, options.resource),
        step: Math.min(heat.length - 1, Math.floor(deep * heat.length)),
        tied: !options.resource && (winners ? winners.has(cellOf(record)) : tied.has(record)),
        // What a kernel takes is known whatever its clock did.
        hollow: !options.resource && isAmbiguous(record),
        title: Object.entries(record.implementation.parameters)
          .map(([k, v]) => `${k} = ${v}`)
          .join("\n"),
      },
    ];
  });
  const filled = new Set(cells.map((c) => `${c.x} ${c.y}`));
  const crosses = (options.failures ?? [])
    .map((f) => ({ x: parameter(f, options.x), y: parameter(f, options.y), title: f.reason }))
    .filter((c) => !filled.has(`${c.x} ${c.y}`));
  const xs = ordered([...cells, ...crosses].map((c) => c.x));
  const ys = ordered([...cells, ...crosses].map((c) => c.y));
  const label = options.resource
    ? { occupancy: "occupancy", registers: "registers a thread", shared: "shared memory, KiB a block" }[
        options.resource
      ]
    : metric.label;
  const ties = cells.filter((c) => c.tied).length;
  return figure(
    {
      width: options.width ?? Math.min(760, 90 + xs.length * 84),
      height: 70 + ys.length * 40,
      marginLeft: 66,
      marginBottom: 44,
      marginTop: 10,
      marginRight: 10,
      x: { type: "band", domain: xs, label: options.x, tickSize: 0, padding: 0.06 },
      y: { type: "band", domain: ys, label: options.y, tickSize: 0, padding: 0.06 },
      marks: [
        // Two marks: Plot takes a dash pattern for a mark, not for each of its cells.
        ...[false, true].map((hollow) =>
          Plot.cell(
            cells.filter((d) => d.hollow === hollow),
            {
              x: "x",
              y: "y",
              fill: (d: Cell) => (hollow ? "transparent" : heat[d.step]!),
              stroke: (d: Cell) => (d.tied ? colors.roof : heat[d.step]!),
              strokeWidth: (d: Cell) => (d.tied ? 3 : 1.5),
              ...(hollow ? { strokeDasharray: "4 3" } : {}),
              title: "title",
              rx: 3,
            } as object,
          ),
        ),
        Plot.text(cells, {
          x: "x",
          y: "y",
          text: "label",
          fill: (d: Cell) => (d.hollow ? "currentColor" : d.step >= 4 ? "#fff" : "#14202e"),
        }),
        Plot.text(crosses, {
          x: "x",
          y: "y",
          text: () => "×",
          fill: "currentColor",
          fillOpacity: 0.5,
          title: "title",
          fontSize: 16,
        }),
      ],
    },
    {
      title: options.title ?? `${defaultTitle(records)}: ${label}`,
      caption: [
        options.caption,
        options.resource ? `In each cell: ${label}.` : `Best of each cell, in ${label}.`,
        ties === 0 ? "" : `Outlined: ${ties === 1 ? "the fastest" : `${ties} tied for best`}.`,
        crosses.length > 0
          ? `×: ${crosses.length} skipped (${[...new Set(crosses.map((c) => firstLine(c.title)))].slice(0, 2).join("; ")}).`
          : "",
        options.resource ? "" : caption,
      ]
        .filter(Boolean)
        .join(" "),
    },
  );
}

function cellLabel(value: number, resource: HeatmapOptions["resource"]): string {
  if (resource === "occupancy") return `${Math.round(value)}%`;
  return resource === "registers" ? String(value) : digits(value);
}

function bestOfCell(records: readonly MeasureRecord[], options: HeatmapOptions): MeasureRecord[] {
  const best = new Map<string, MeasureRecord>();
  for (const record of records) {
    const key = `${parameter(record, options.x)} ${parameter(record, options.y)}`;
    const held = best.get(key);
    if (!held || record.statistics.median < held.statistics.median) best.set(key, record);
  }
  return [...best.values()];
}

function resourceOf(record: MeasureRecord, name: "occupancy" | "registers" | "shared"): number | null {
  const r = record.resources;
  if (!r) return null;
  if (name === "occupancy") return scaled(r.occupancy, 0.01);
  return name === "registers" ? r.registers : ((r.staticShared ?? 0) + (r.dynamicShared ?? 0)) / 1024;
}

// A compiler's message names mangled symbols from its second line on; the cross itself tells them in full.
function firstLine(reason: string): string {
  return (reason.split("\n")[0] ?? "").replace(/[.:]+$/, "");
}

function parameter(item: Pick<MeasureRecord, "implementation" | "case">, name: string): string {
  return String(item.implementation.parameters[name] ?? item.case.params[name] ?? "");
}

function scaled(value: number | null, scale: number): number | null {
  return value === null ? null : value / scale;
}

function ordered(values: string[]): string[] {
  return [...new Set(values)].sort((a, b) => Number(a) - Number(b) || a.localeCompare(b));
}
