import type { Command } from "commander";
import { measureBaseline } from "../bench/regression";
import { LabError } from "../core/error";
import { freeBaselinePath, readBaseline, saveBaseline, savedBaselineNames } from "../record/savedBaseline";
import { open } from "../runtime/open";
import { recordsView, tableOf } from "../show/table";
import { deviceOption } from "./options";
import { print, warn } from "./output";
import { progressBar } from "./progress";

interface SaveChoice {
  readonly json?: boolean;
  readonly device: "auto" | "cpu" | "cuda";
  readonly suite?: readonly string[];
  readonly rung?: readonly string[];
  readonly replace?: boolean;
}

/** `lab baseline`: measurements kept under a name, with their sources, to hold later ones against. */
export function addBaseline(lab: Command): void {
  const baseline = lab.command("baseline").description("keep measurements under a name for lab compare");
  baseline
    .command("save")
    .argument("<name>", "main, release-0.3 ...")
    .description("measure suites or kernels and keep records and sources in baselines/")
    .option("--suite <suite...>", "only these suites")
    .option("--rung <rung...>", "only these kernels, each at its bench case")
    .addOption(deviceOption().default("auto"))
    .option("--replace", "replace a baseline of that name")
    .addHelpText(
      "after",
      "\nExamples:\n  lab baseline save main\n  lab baseline save main --suite softmax --replace\n" +
        "  lab baseline save quick --rung softmax/05_vector matmul/05_vector",
    )
    .action(async (name: string, choice: SaveChoice) => {
      const saving = choice.replace ? { replace: true } : {};
      freeBaselinePath(name, saving);
      const device = await open(choice.device);
      const bar = progressBar();
      try {
        const made = await measureBaseline(device, name, {
          ...(choice.suite ? { suites: choice.suite } : {}),
          ...(choice.rung ? { rungs: choice.rung } : {}),
          onProgress: bar.update,
        });
        const file = saveBaseline(made, saving);
        const records = made.run.records.map((r) => ({ ...r, environment: made.run.environment }));
        print(choice.json, { file, records, failures: made.run.failures }, () =>
          [
            recordsView(records).text,
            ...made.run.failures.map(
              (f) => `not measured: ${f.implementation.name}, ${f.case.name}: ${f.reason}`,
            ),
            `written: ${file}`,
          ].join("\n"),
        );
      } finally {
        bar.end();
        await device.close();
      }
    });
  baseline
    .command("list")
    .description("list the baselines there are")
    .addHelpText("after", "\nExamples:\n  lab baseline list --json")
    .action((choice: { json?: boolean }) => {
      const rows = savedBaselineNames().flatMap((name) => {
        try {
          const { run } = readBaseline(name);
          const { device, date, lab: version } = run.environment;
          return [{ name, device: device.name, date, lab: version.version, records: run.records.length }];
        } catch (error) {
          if (!LabError.is(error)) throw error;
          warn(`skipped: ${error.message}`);
          return [];
        }
      });
      print(choice.json, rows, () =>
        rows.length === 0 ? "No baselines. Save one: lab baseline save main" : tableOf(rows).text,
      );
    });
}
