import * as Plot from "@observablehq/plot";
import type { MeasureRecord } from "../record/schema";
import { type Figure, figure } from "./figure";
import { formatSeconds } from "./format";
import { caseLabel, defaultTitle } from "./labels";
import { type MetricName, metricFor } from "./metric";
import { colors, type Swatch, textWidth } from "./theme";
import { honourVerdicts, isAmbiguous } from "./verdicts";

/** The name of a rung: "softmax/04_online". */
const RUNG = /^[\w-]+\/\d\d_/;

/** How bars are drawn. */
export interface BarOptions {
  readonly title?: string;
  readonly metric?: MetricName;
  /** Pixels, default 760. */
  readonly width?: number;
  readonly caption?: string;
}

/** Pixels above the bars of a case, for its name. */
const titleRoom = 32;

/**
 * Implementations side by side, one bar each with the interval of its median; a group a case, ours in colour.
 *
 * @example lab.show(lab.barPlot(records, { title: "softmax 65536x4096 fp16" }))
 */
export function barPlot(records: readonly MeasureRecord[], options: BarOptions = {}): Figure {
  const { shown, caption } = honourVerdicts(records);
  const metric = metricFor(shown, options.metric);
  const cases = [...new Set(records.map(caseLabel))];
  const rows = shown.flatMap((record) => {
    const value = metric.of(record);
    if (value === null) return [];
    const [slow, fast] = [
      metric.at(record, record.statistics.ci95[1]),
      metric.at(record, record.statistics.ci95[0]),
    ];
    return [
      {
        group: caseLabel(record),
        name: record.implementation.name,
        value: value / metric.scale,
        lo: Math.min(slow ?? value, fast ?? value) / metric.scale,
        hi: Math.max(slow ?? value, fast ?? value) / metric.scale,
        label:
          metric.name === "time"
            ? metric.text(value)
            : `${metric.text(value)}  ${formatSeconds(record.statistics.median)}`,
        color: record.implementation.kind === "ours" ? colors.ours : colors.baseline,
        hollow: isAmbiguous(record),
      },
    ];
  });
  const given = [...new Set(rows.map((r) => r.name))];
  // A ladder is read rung by rung, in whatever order it was measured.
  const names = [...given.filter((n) => RUNG.test(n)).sort(), ...given.filter((n) => !RUNG.test(n))];
  const left = Math.min(260, Math.max(60, ...names.map(textWidth)) + 12);
  const right = Math.max(40, ...rows.map((r) => textWidth(r.label))) + 12;
  const grouped = cases.length > 1;
  const roofs = metric.name === "bandwidth" ? roofLines(shown, metric.scale) : [];
  const perCase = grouped
    ? Math.max(...cases.map((c) => rows.filter((r) => r.group === c).length), 1)
    : names.length;
  return figure(
    {
      width: options.width ?? 760,
      height: 54 + cases.length * (perCase * 26 + (grouped ? titleRoom : 0)),
      marginLeft: left,
      marginRight: right,
      marginTop: grouped ? 22 : 10,
      marginBottom: 44,
      x: { label: metric.label, grid: true, zero: true, nice: true, ticks: 6 },
      y: { label: null, domain: names, tickSize: 0, padding: 0.28 },
      ...(grouped
        ? { fy: { label: null, domain: cases, axis: null, padding: titleRoom / (perCase * 26 + titleRoom) } }
        : {}),
      marks: [
        // Two marks: Plot takes a dash pattern for a mark, not for each of its bars.
        ...[false, true].map((hollow) =>
          Plot.barX(
            rows.filter((d) => d.hollow === hollow),
            {
              x: "value",
              y: "name",
              ...(grouped ? { fy: "group" } : {}),
              fill: (d: (typeof rows)[number]) => (hollow ? "transparent" : d.color),
              stroke: "color",
              strokeWidth: 1.5,
              ...(hollow ? { strokeDasharray: "4 3" } : {}),
              title: (d: (typeof rows)[number]) => `${d.group}\n${d.name}: ${d.label}`,
            } as object,
          ),
        ),
        Plot.ruleY(rows, {
          x1: "lo",
          x2: "hi",
          y: "name",
          ...(grouped ? { fy: "group" } : {}),
          stroke: "currentColor",
          strokeWidth: 2,
        }),
        Plot.text(rows, {
          frameAnchor: "right",
          y: "name",
          ...(grouped ? { fy: "group" } : {}),
          text: "label",
          textAnchor: "start",
          dx: 7,
          fill: "currentColor",
        }),
        ...(grouped
          ? [
              Plot.text(cases, {
                fy: (d: string) => d,
                text: (d: string) => d,
                frameAnchor: "top-left",
                dx: -left + 4,
                dy: -18,
                fontWeight: 600,
                fill: "currentColor",
              }),
            ]
          : []),
        ...roofs.flatMap((roof) => [
          Plot.ruleX([roof.value], { stroke: colors.roof, strokeWidth: 1.5, strokeDasharray: "6 4" }),
        ]),
        Plot.ruleX([0], { stroke: "currentColor" }),
      ],
    },
    {
      title: options.title ?? defaultTitle(records),
      caption: [
        options.caption,
        roofs.map((r) => `Dashed: ${r.source}.`).join(" "),
        caption,
        "Bars: medians; ticks: 95% interval of the median.",
      ]
        .filter(Boolean)
        .join(" "),
      legend: legendOf(shown),
    },
  );
}

function legendOf(records: readonly MeasureRecord[]): Swatch[] {
  const kinds = new Set(records.map((r) => r.implementation.kind));
  if (kinds.size < 2) return [];
  return [
    { label: "this lab", color: colors.ours },
    { label: "baseline", color: colors.baseline },
  ];
}

function roofLines(records: readonly MeasureRecord[], scale: number): { value: number; source: string }[] {
  const roofs = new Map<string, number>();
  for (const { rates, bytes } of records) {
    const roof = rates.roofline;
    if (roof?.bound === "memory" && bytes && roof.floorSeconds > 0)
      roofs.set(roof.source, bytes / roof.floorSeconds / scale);
  }
  return roofs.size === 1 ? [...roofs].map(([source, value]) => ({ source, value })) : [];
}
