import type { Command } from "commander";
import { recordedBaselines } from "../baselines/recorded";
import { runBaselines } from "../baselines/run";
import { recordsView } from "../show/table";
import { print } from "./output";
import { progressBar } from "./progress";

/** `lab baselines`: PyTorch's kernels, measured here or as recorded. */
export function addBaselines(lab: Command): void {
  lab
    .command("baselines")
    .description("list the recorded PyTorch baselines, or measure them here with --run")
    .option("--run", "measure PyTorch on this machine and write data/baselines")
    .option("--quick", "with --run: tiny sizes, to try it")
    .option("--out <folder>", "with --run: where to write")
    .option("--suite <suite>", "only this suite")
    .addHelpText(
      "after",
      "\nExamples:\n  lab baselines --suite softmax\n  lab baselines --run\n  lab baselines --run --quick --out results/local/baselines",
    )
    .action(
      async (options: { json?: boolean; run?: boolean; quick?: boolean; out?: string; suite?: string }) => {
        if (options.run) {
          const bar = progressBar();
          const path = await runBaselines({
            ...(options.quick ? { quick: true } : {}),
            ...(options.out ? { out: options.out } : {}),
            ...(options.suite ? { suites: [options.suite] } : {}),
            onProgress: bar.update,
          }).finally(() => bar.end());
          print(options.json, { file: path }, () => `written: ${path}`);
          return;
        }
        const records = recordedBaselines(options.suite ? { suite: options.suite } : {});
        print(options.json, records, () =>
          records.length === 0
            ? "No recorded baselines. Measure them with: lab baselines --run"
            : recordsView(records).text,
        );
      },
    );
}
