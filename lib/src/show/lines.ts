import * as Plot from "@observablehq/plot";
import { LabError } from "../core/error";
import type { MeasureRecord } from "../record/schema";
import { type Figure, figure } from "./figure";
import { tickText } from "./format";
import { defaultTitle } from "./labels";
import { type MetricName, metricFor } from "./metric";
import { colorOf } from "./theme";
import { honourVerdicts, isAmbiguous } from "./verdicts";

/** How lines are drawn. */
export interface LineOptions {
  /** The case parameter along x; default: the first numeric one with more than one value. */
  readonly x?: string;
  readonly metric?: MetricName;
  readonly title?: string;
  readonly width?: number;
  readonly caption?: string;
}

/**
 * One line an implementation over a size, both axes logarithmic for times; baselines dashed grey.
 *
 * @throws LabError "no-axis" when no numeric parameter takes several values
 * @example lab.show(lab.linePlot(records, { x: "cols" }))
 */
export function linePlot(records: readonly MeasureRecord[], options: LineOptions = {}): Figure {
  const { shown, caption } = honourVerdicts(records);
  const x = options.x ?? varyingParameter(records);
  const metric = metricFor(shown, options.metric);
  const color = colorOf(records);
  const points = shown
    .flatMap((record) => {
      const at = record.case.params[x];
      const value = metric.of(record);
      if (typeof at !== "number" || value === null) return [];
      const lo = metric.at(record, record.statistics.ci95[1]) ?? value;
      const hi = metric.at(record, record.statistics.ci95[0]) ?? value;
      const { name, kind } = record.implementation;
      return [
        {
          at,
          value: value / metric.scale,
          lo: lo / metric.scale,
          hi: hi / metric.scale,
          name,
          baseline: kind === "baseline",
          color: color.get(name)!,
          hollow: isAmbiguous(record),
          text: metric.text(value),
        },
      ];
    })
    .sort((a, b) => a.at - b.at);
  type Point = (typeof points)[number];
  const ticks = [...new Set(points.map((p) => p.at))];
  const names = [...new Set(points.map((p) => p.name))];
  return figure(
    {
      width: options.width ?? 760,
      height: 380,
      marginLeft: 62,
      marginRight: 24,
      marginBottom: 46,
      marginTop: 26,
      x: {
        type: "log",
        base: 2,
        label: x,
        ...(ticks.length <= 10 ? { ticks } : {}),
        tickFormat: (d: number) => d.toLocaleString("en-US"),
      },
      y: {
        label: metric.label,
        grid: true,
        nice: true,
        ...(metric.name === "time"
          ? { type: "log" as const, ticks: 5, tickFormat: tickText }
          : { zero: true }),
      },
      marks: [
        ...names.flatMap((name) => {
          const own = points.filter((p) => p.name === name);
          const { baseline, color: stroke } = own[0]!;
          return [
            Plot.line(own, {
              x: "at",
              y: "value",
              stroke,
              strokeWidth: baseline ? 1.8 : 2.4,
              ...(baseline ? { strokeDasharray: "6 4" } : {}),
            }),
          ];
        }),
        Plot.ruleX(points, { x: "at", y1: "lo", y2: "hi", stroke: "color", strokeWidth: 2 }),
        Plot.dot(points, {
          x: "at",
          y: "value",
          r: 4,
          fill: (d: Point) => (d.hollow ? "transparent" : d.color),
          stroke: "color",
          strokeWidth: 2,
          title: (d: Point) => `${d.name}, ${x} = ${d.at}: ${d.text}`,
        }),
      ],
    },
    {
      title: options.title ?? defaultTitle(records),
      caption: [options.caption, caption].filter(Boolean).join(" "),
      legend: names.map((name) => ({ label: name, color: color.get(name)! })),
    },
  );
}

/** The first numeric case parameter that takes several values. */
export function varyingParameter(records: readonly MeasureRecord[]): string {
  const keys = new Set(records.flatMap((r) => Object.keys(r.case.params)));
  for (const key of keys) {
    const values = new Set(records.map((r) => r.case.params[key]).filter((v) => typeof v === "number"));
    if (values.size > 1) return key;
  }
  throw new LabError(
    "no-axis",
    "Drawing lines: expected a numeric case parameter with several values, found none.",
    {
      advice: `Name one with { x }, or draw bars; the parameters are: ${[...keys].join(", ") || "none"}.`,
    },
  );
}
