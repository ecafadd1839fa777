import * as Plot from "@observablehq/plot";
import type { MeasureRecord } from "../record/schema";
import { countedBytes } from "./counted";
import { type Figure, figure } from "./figure";
import { digits, formatByteRate, formatFlopRate, tickText } from "./format";
import { defaultTitle } from "./labels";
import { colorOf, colors } from "./theme";
import { honourVerdicts, isAmbiguous } from "./verdicts";

/** The two roofs: bytes a second, and operations a second of the unit in use. */
export interface RooflineOptions {
  readonly bandwidth: number;
  readonly peak: number;
  readonly title?: string;
  readonly width?: number;
}

const pointsNote =
  "Diamonds: by the bytes that hardware counters saw. Circles: by the bytes that must move at least.";

/**
 * Operations a second over arithmetic intensity, both logarithmic, beneath the device's two roofs. The intensity is by the
 * bytes that hardware counters saw where the record has them, marked, else by the bytes that must move.
 *
 * @example lab.show(lab.rooflinePlot(records, { bandwidth: 4.18e12, peak: 67e12 }))
 */
export function rooflinePlot(records: readonly MeasureRecord[], options: RooflineOptions): Figure {
  const { shown, caption } = honourVerdicts(records);
  const color = colorOf(records);
  const points = shown.flatMap((record) => {
    if (!record.bytes || !record.flops) return [];
    const { name } = record.implementation;
    const counted = countedBytes(record);
    return [
      {
        name,
        intensity: record.flops / (counted || record.bytes),
        counted: Boolean(counted),
        rate: record.flops / record.statistics.median / 1e12,
        color: color.get(name)!,
        hollow: isAmbiguous(record),
      },
    ];
  });
  type Point = (typeof points)[number];
  const ridge = options.peak / options.bandwidth;
  const intensities = points.map((p) => p.intensity);
  const from = Math.min(ridge / 16, ...intensities) / 2;
  const to = Math.max(ridge * 16, ...intensities) * 2;
  const roof = [from, ridge, to].map((i) => ({
    i,
    rate: Math.min(options.peak, options.bandwidth * i) / 1e12,
  }));
  return figure(
    {
      width: options.width ?? 760,
      height: 400,
      marginLeft: 66,
      marginBottom: 46,
      marginTop: 26,
      marginRight: 24,
      x: { type: "log", label: "FLOP a byte", grid: true, tickFormat: tickText, ticks: 6 },
      y: { type: "log", label: "TFLOP/s", grid: true, tickFormat: tickText, ticks: 6 },
      marks: [
        Plot.line(roof, { x: "i", y: "rate", stroke: colors.roof, strokeWidth: 2 }),
        ...([false, true] as const).map((counted) =>
          Plot.dot(
            points.filter((p) => p.counted === counted),
            {
              x: "intensity",
              y: "rate",
              r: 5.5,
              ...(counted ? { symbol: "diamond" as const } : {}),
              fill: (d: Point) => (d.hollow ? "transparent" : d.color),
              stroke: "color",
              strokeWidth: 2,
              title: (d: Point) =>
                `${d.name}: ${formatFlopRate(d.rate * 1e12)} at ${digits(d.intensity)} FLOP a byte` +
                (counted ? ", bytes as the hardware counted them" : ", bytes that must move"),
            },
          ),
        ),
      ],
    },
    {
      title: options.title ?? `Roofline: ${defaultTitle(records)}`,
      caption: [
        `Roofs: ${formatByteRate(options.bandwidth)} and ${formatFlopRate(options.peak)}; they meet at ${digits(ridge)} FLOP a byte.`,
        points.some((p) => p.counted) ? pointsNote : "",
        caption,
      ]
        .filter(Boolean)
        .join(" "),
      legend: [...new Set(points.map((p) => p.name))].map((name) => ({
        label: name,
        color: color.get(name)!,
      })),
    },
  );
}
