import { loadRuns } from "../record/store";
import { show } from "../show/display";
import { type Standing, type StandingOptions, standingOf } from "../show/standing";
import { standingPlot } from "../show/standingPlot";
import { standingTable } from "../show/standingTable";
import { recordedRuns } from "./recorded";

/**
 * Where the lab stands, from the result files and recorded baselines of this checkout; nothing is measured.
 *
 * @example lab.standingRows({ suite: "attention" }).filter((row) => row.outcome === "slower")
 */
export function standingRows(options: StandingOptions = {}): Standing[] {
  return standingOf([...recordedRuns().runs, ...loadRuns().runs], options);
}

/**
 * Shows where the lab stands as a table and a plot; outside a notebook answers the table as text.
 *
 * @example lab.standing({ suite: "softmax" })
 */
export function standing(options: StandingOptions = {}): string | undefined {
  const rows = standingRows(options);
  const text = show(standingTable(rows));
  if (text === undefined) show(standingPlot(rows));
  return text;
}
