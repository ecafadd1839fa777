import * as Plot from "@observablehq/plot";
import { type Figure, figure } from "./figure";
import { digits, tickText } from "./format";
import type { Standing } from "./standing";
import { colors, textWidth } from "./theme";

/**
 * The ratio of every case that has both sides, with its interval, on a logarithmic axis: right of 1, ours is the faster.
 *
 * Hollow: one side is not trusted.
 */
export function standingPlot(rows: readonly Standing[]): Figure {
  const devices = [...new Set(rows.map((row) => row.device))];
  const points = rows.flatMap((row) => {
    if (!row.ratio || !row.ours || !row.best) return [];
    const hollow = row.ours.verdict !== "trusted" || row.best.verdict !== "trusted";
    const color =
      row.outcome === "faster" ? colors.good : row.outcome === "tie" ? colors.baseline : colors.roof;
    return [
      {
        name: `${row.suite} ${row.case}${devices.length > 1 ? `, ${row.device}` : ""}`,
        ...row.ratio,
        hollow,
        color,
        label: `${digits(row.ratio.value)}x ${row.best.implementation}`,
      },
    ];
  });
  type Point = (typeof points)[number];
  const all = points.flatMap((p) => [p.lo, p.hi, 1]);
  const [from, to] = all.length > 0 ? [Math.min(...all) / 1.2, Math.max(...all) * 1.2] : [0.5, 2];
  const hollow = points.filter((p) => p.hollow).length;
  const missing = rows.length - points.length;
  return figure(
    {
      width: 760,
      height: 60 + 26 * Math.max(1, points.length),
      marginLeft: Math.min(330, Math.max(60, ...points.map((p) => textWidth(p.name))) + 12),
      marginRight: Math.max(40, ...points.map((p) => textWidth(p.label))) + 12,
      marginBottom: 44,
      x: {
        type: "log",
        domain: [from, to],
        label: "time of the best baseline over ours (log): right of 1, ours is faster",
        grid: true,
        ticks: 6,
        tickFormat: tickText,
      },
      y: { label: null, domain: points.map((p) => p.name), tickSize: 0 },
      marks: [
        Plot.ruleX([1], { stroke: "currentColor" }),
        Plot.ruleY(points, { x1: "lo", x2: "hi", y: "name", stroke: "color", strokeWidth: 2 }),
        Plot.dot(points, {
          x: "value",
          y: "name",
          r: 5,
          stroke: "color",
          strokeWidth: 2,
          fill: (p: Point) => (p.hollow ? "transparent" : p.color),
          title: (p: Point) => `${p.name}: ${p.label} (${digits(p.lo)} to ${digits(p.hi)})`,
        }),
        Plot.text(points, {
          frameAnchor: "right",
          y: "name",
          text: "label",
          textAnchor: "start",
          dx: 7,
          fill: "currentColor",
        }),
      ],
    },
    {
      title: `Against the best baseline${rows[0] ? ` on ${devices.join(", ")}` : ""}`,
      caption: [
        "Dots: ratio of medians; lines: 95% interval.",
        hollow > 0 ? `Hollow: ${hollow} with an ambiguous side.` : "",
        missing > 0 ? `Not drawn: ${missing} without both sides.` : "",
      ]
        .filter(Boolean)
        .join(" "),
      legend: [
        { label: "faster", color: colors.good },
        { label: "tie", color: colors.baseline },
        { label: "slower", color: colors.roof },
      ],
    },
  );
}
