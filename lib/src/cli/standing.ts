import type { Command } from "commander";
import { recordedRuns } from "../baselines/recorded";
import { loadRuns } from "../record/store";
import { standingOf, standingRow } from "../show/standing";
import { standingTable } from "../show/standingTable";
import { knownSuite, suitesOf } from "./options";
import { print, warn } from "./output";

/** `lab standing [suite]`: ours against the best baseline, the published target and the limit, from files alone. */
export function addStanding(lab: Command): void {
  lab
    .command("standing")
    .argument("[suite]", "only this suite")
    .description(
      "show where the lab stands: best of ours, best baseline, ratio, published target, physical limit",
    )
    .option("--device <device>", "only devices whose name holds this")
    .addHelpText(
      "after",
      "\nExamples:\n  lab standing\n  lab standing attention --device H200\n  lab standing --json" +
        "\n\nReads results/ and data/baselines/; measures nothing. A ratio over 1: ours is faster.",
    )
    .action((suite: string | undefined, options: { json?: boolean; device?: string }) => {
      const results = loadRuns();
      const recorded = recordedRuns();
      for (const { error } of [...results.skipped, ...recorded.skipped]) warn(`skipped: ${error.message}`);
      const runs = [...recorded.runs, ...results.runs];
      knownSuite(suite, suitesOf(runs));
      const rows = standingOf(runs, {
        ...(suite === undefined ? {} : { suite }),
        ...(options.device === undefined ? {} : { device: options.device }),
      });
      print(options.json, rows.map(standingRow), () =>
        rows.length === 0
          ? "No records to compare. Measure some with: lab bench <suite>"
          : standingTable(rows).text,
      );
    });
}
