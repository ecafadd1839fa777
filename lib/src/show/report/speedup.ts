import * as Plot from "@observablehq/plot";
import { bestOfOurs, compareRecords, sameRun } from "../../record/pairing";
import type { MeasureRecord } from "../../record/schema";
import { caseKey } from "../../record/store";
import { type Figure, figure } from "../figure";
import { digits, tickText } from "../format";
import { caseLabel } from "../labels";
import { oursPalette, textWidth } from "../theme";
import { isAmbiguous } from "../verdicts";

/** Ours against one baseline at one case. */
export interface SpeedUp {
  readonly case: string;
  readonly ours: MeasureRecord;
  readonly baseline: MeasureRecord;
  /** The baseline's time over ours, with its 95% interval: over 1, ours is the faster. */
  readonly ratio: number;
  readonly lo: number;
  readonly hi: number;
  readonly outcome: "faster" | "slower" | "tie";
  /** Both sides were measured in one run. */
  readonly sameRun: boolean;
}

/**
 * The best of ours in each case against every baseline of it; rejected measurements are left out. Of a baseline measured
 * several times it is the one of the same run, else the fastest.
 */
export function speedUpsOf(measured: readonly MeasureRecord[]): SpeedUp[] {
  const cases = new Map<string, MeasureRecord[]>();
  for (const record of measured.filter((r) => r.verdict.verdict !== "rejected")) {
    cases.set(caseKey(record), [...(cases.get(caseKey(record)) ?? []), record]);
  }
  return [...cases.values()].flatMap((records) => {
    const ours = bestOfOurs(records);
    if (!ours) return [];
    const beside = (r: MeasureRecord) => (sameRun(r, ours) ? 0 : 1);
    const preferred = records
      .filter((r) => r.implementation.kind === "baseline")
      .sort((a, b) => beside(a) - beside(b) || a.statistics.median - b.statistics.median);
    const names = new Set(preferred.map((r) => r.implementation.name));
    return [...names]
      .map((name) => preferred.find((r) => r.implementation.name === name)!)
      .sort((a, b) => a.statistics.median - b.statistics.median)
      .map((baseline) => {
        const { ratio, lo, hi, outcome } = compareRecords(ours, baseline);
        const word = outcome === "tie" ? ("tie" as const) : outcome === "a" ? "faster" : "slower";
        return {
          case: caseLabel(ours),
          ours,
          baseline,
          ratio,
          lo,
          hi,
          outcome: word,
          sameRun: sameRun(ours, baseline),
        };
      });
  });
}

/** Ratios worth a line of the grid. */
const ratios = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 30, 50, 100, 200, 500, 1000,
];

const symbols = ["circle", "square", "triangle", "diamond", "star", "wye", "cross"] as const;

/** The ratios as points with their intervals, a row a case, a colour and a shape a baseline; right of the line ours is faster. */
export function speedUpPlot(speedUps: readonly SpeedUp[], title: string): Figure {
  const names = [...new Set(speedUps.map((s) => s.baseline.implementation.name))];
  const points = speedUps.map((s) => {
    const at = names.indexOf(s.baseline.implementation.name);
    return {
      ...s,
      name: s.baseline.implementation.name,
      color: oursPalette[at % oursPalette.length]!,
      symbol: symbols[at % symbols.length]!,
      hollow: isAmbiguous(s.ours) || isAmbiguous(s.baseline),
    };
  });
  type Point = (typeof points)[number];
  const cases = [...new Set(points.map((p) => p.case))];
  const ends = points.flatMap((p) => [p.lo, p.hi]);
  const [from, to] = [Math.min(0.5, ...ends) * 0.95, Math.max(2, ...ends) * 1.05];
  return figure(
    {
      width: 760,
      height: 70 + cases.length * 40,
      marginLeft: Math.min(280, Math.max(60, ...cases.map(textWidth)) + 12),
      marginRight: 56,
      marginTop: 12,
      marginBottom: 46,
      x: {
        type: "log",
        domain: [from, to],
        label: "times as fast as the baseline",
        grid: true,
        ticks: ratios.filter((ratio) => ratio >= from && ratio <= to),
        tickFormat: tickText,
      },
      y: { label: null, domain: cases, tickSize: 0, padding: 0.4 },
      symbol: { type: "identity" },
      marks: [
        Plot.ruleX([1], { stroke: "currentColor", strokeWidth: 1.5 }),
        Plot.link(points, {
          x1: "lo",
          x2: "hi",
          y: "case",
          stroke: "color",
          strokeWidth: 3,
          strokeOpacity: 0.6,
        }),
        Plot.dot(points, {
          x: "ratio",
          y: "case",
          symbol: "symbol",
          r: 6,
          fill: (p: Point) => (p.hollow ? "transparent" : p.color),
          stroke: "color",
          strokeWidth: 2,
          title: (p: Point) => `${p.case}\n${p.ours.implementation.name}: ${speedUpText(p)}`,
        }),
      ],
    },
    {
      title,
      caption:
        "The best of ours in each case; bars: 95% interval of the ratio. Right of the line ours is the faster." +
        (points.some((p) => p.hollow) ? " Hollow: one of the two is ambiguous." : "") +
        (points.some((p) => !p.sameRun) ? " Some pairs come from two runs: the table says which." : ""),
      legend: names.map((label, i) => ({ label, color: oursPalette[i % oursPalette.length]! })),
    },
  );
}

/** "2.18x torch compiled (2.17 to 2.19)", or a tie. */
export function speedUpText(s: SpeedUp): string {
  const { name } = s.baseline.implementation;
  return s.outcome === "tie"
    ? `a tie with ${name}`
    : `${digits(s.ratio)}x ${name} (${digits(s.lo)} to ${digits(s.hi)})`;
}
