import * as Plot from "@observablehq/plot";
import type { MeasureRecord } from "../../record/schema";
import { type Figure, figure } from "../figure";
import { formatSeconds, tickText } from "../format";
import { caseLabel } from "../labels";
import { colors } from "../theme";

const steps = "▁▂▃▄▅▆▇█";

/** The timed runs of a record in the order they were launched, after the warm-up; the line is their median. */
export function samplesPlot(record: MeasureRecord): Figure {
  const { samples, method, statistics, implementation } = record;
  const [scale, unit] = unitFor(statistics.median);
  const points = samples.map((seconds, i) => ({ run: method.warmup + i + 1, time: seconds / scale }));
  const warm = method.warmup > 0 ? [{ x1: 0.5, x2: method.warmup + 0.5 }] : [];
  return figure(
    {
      width: 760,
      height: 210,
      marginLeft: 66,
      marginRight: 20,
      marginTop: 26,
      marginBottom: 44,
      x: {
        label: "launch",
        domain: [0.5, method.warmup + samples.length + 0.5],
        ticks: 8,
        tickFormat: tickText,
      },
      y: { label: unit, grid: true, ticks: 5, nice: true },
      marks: [
        Plot.rectX(warm, { x1: "x1", x2: "x2", fill: "currentColor", fillOpacity: 0.1 }),
        Plot.text(warm, {
          x: "x1",
          frameAnchor: "top-left",
          dx: 5,
          dy: 4,
          text: () => "warm-up",
          fill: "currentColor",
        }),
        Plot.ruleY([statistics.median / scale], { stroke: colors.roof, strokeDasharray: "6 4" }),
        Plot.dot(points, {
          x: "run",
          y: "time",
          r: 3,
          fill: colors.ours,
          title: (p: (typeof points)[number]) => `launch ${p.run}: ${formatSeconds(p.time * scale)}`,
        }),
      ],
    },
    {
      title: `Launches of ${implementation.name}, ${caseLabel(record)}`,
      caption: `Dashed: the median, ${formatSeconds(statistics.median)}. Shaded: ${method.warmup} warm-up runs, not timed.`,
    },
  );
}

/** The clock of the multiprocessors and the power over the seconds of a record; null where no sensor was read. */
export function sensorsPlot(record: MeasureRecord): Figure | null {
  const { powerLimitW } = record.environment.device;
  const readings = record.state.flatMap(({ at, smClockHz, powerW }) => [
    ...(smClockHz === null ? [] : [{ at, what: "SM clock, GHz", value: smClockHz / 1e9 }]),
    ...(powerW === null ? [] : [{ at, what: "power, W", value: powerW }]),
  ]);
  if (readings.filter((r) => r.what.startsWith("SM")).length < 2) return null;
  const whats = [...new Set(readings.map((r) => r.what))];
  // Facets of one plot share a scale, so that each quantity is drawn as a share of its own top.
  const top = new Map(
    whats.map((what) => [what, Math.max(...readings.filter((r) => r.what === what).map((r) => r.value))]),
  );
  const points = readings.map((r) => ({ ...r, share: (r.value / (top.get(r.what) || 1)) * 100 }));
  const throttled = [...new Set(record.state.flatMap((s) => s.throttleReasons ?? []))];
  const colorsOf: Record<string, string> = { [whats[0]!]: colors.ours, [whats[1] ?? ""]: colors.roof };
  return figure(
    {
      width: 760,
      height: 190,
      marginLeft: 66,
      marginRight: 20,
      marginTop: 26,
      marginBottom: 44,
      x: { label: "seconds since the run began", ticks: 8, tickFormat: tickText },
      y: { label: "% of its top", domain: [0, 105], grid: true, ticks: 5 },
      marks: [
        Plot.line(points, {
          x: "at",
          y: "share",
          z: "what",
          stroke: (p: (typeof points)[number]) => colorsOf[p.what]!,
          strokeWidth: 2,
        }),
        Plot.dot(points, {
          x: "at",
          y: "share",
          r: 3,
          fill: (p: (typeof points)[number]) => colorsOf[p.what]!,
          title: (p: (typeof points)[number]) => `${p.what} ${tickText(p.value)}`,
        }),
      ],
    },
    {
      title: `Clock and power during ${record.implementation.name}, ${caseLabel(record)}`,
      caption:
        whats.map((what) => `${what}: at most ${tickText(top.get(what)!)}`).join("; ") +
        (powerLimitW ? ` of ${powerLimitW} W allowed` : "") +
        (throttled.length > 0 ? `. Throttled: ${throttled.join(", ")}.` : ". Not throttled."),
      legend: whats.map((label) => ({ label, color: colorsOf[label]! })),
    },
  );
}

/** Samples as a line of blocks, low to high: what a text can show of a timeline. */
export function sparkline(samples: readonly number[], width = 40): string {
  const size = Math.max(1, Math.ceil(samples.length / width));
  const means: number[] = [];
  for (let i = 0; i < samples.length; i += size) {
    const part = samples.slice(i, i + size);
    means.push(part.reduce((a, b) => a + b, 0) / part.length);
  }
  const [low, high] = [Math.min(...means), Math.max(...means)];
  // Noise of a per mille must not look like mountains: the scale is a tenth of the time at least.
  const span = Math.max(high - low, low / 10);
  return means.map((x) => steps[Math.min(7, Math.floor(((x - low) / span) * 8))]).join("");
}

function unitFor(seconds: number): [number, string] {
  if (seconds >= 1) return [1, "s"];
  if (seconds >= 1e-3) return [1e-3, "ms"];
  return seconds >= 1e-6 ? [1e-6, "us"] : [1e-9, "ns"];
}
