import type { MeasureRecord } from "../record/schema";

/** One of the lab's own speed goals and what was measured. */
export interface Figure {
  readonly name: string;
  /** In the unit named; null when it could not be measured. */
  readonly value: number | null;
  readonly unit: string;
  readonly goal: number;
  readonly sense: "at most" | "at least";
  /** Null when it could not be measured. */
  readonly met: boolean | null;
  /** How it was measured, or why not. */
  readonly how: string;
}

/** The figures of a run, with the records behind them where there are any. */
export interface FigureRun {
  readonly figures: Figure[];
  readonly records: MeasureRecord[];
}

/** Makes a figure and holds it against its goal. */
export function figureOf(
  name: string,
  value: number | null,
  unit: string,
  sense: Figure["sense"],
  goal: number,
  how: string,
): Figure {
  const met = value === null ? null : sense === "at most" ? value <= goal : value >= goal;
  return { name, value, unit, goal, sense, met, how };
}
