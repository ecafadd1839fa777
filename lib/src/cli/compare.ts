import { appendFileSync } from "node:fs";
import type { Command } from "commander";
import { compareBaselines, compareWithBaseline } from "../bench/regression";
import { readBaseline } from "../record/savedBaseline";
import { open } from "../runtime/open";
import { changeMarkdown, changeText } from "../show/changes";
import { deviceOption } from "./options";
import { exitWith, print } from "./output";
import { progressBar } from "./progress";

interface CompareChoice {
  readonly json?: boolean;
  readonly against?: string;
  readonly device: "auto" | "cpu" | "cuda";
  readonly suite?: readonly string[];
  readonly rung?: readonly string[];
  readonly summary?: string;
}

/** `lab compare NAME`: the regression gate. */
export function addCompare(lab: Command): void {
  lab
    .command("compare")
    .argument("<name>", "a baseline: lab baseline list")
    .description("measure old and new kernels in turns against a baseline; the regression gate")
    .option("--against <name>", "compare with this baseline's records instead of measuring")
    .option("--suite <suite...>", "only these suites")
    .option("--rung <rung...>", "only these kernels")
    .addOption(deviceOption().default("auto"))
    .option("--summary <file>", "append the result as Markdown: $GITHUB_STEP_SUMMARY")
    .addHelpText(
      "after",
      "\nExamples:\n  lab compare main\n  lab compare main --against release-0.3\n" +
        '  lab compare main --suite softmax --summary "$GITHUB_STEP_SUMMARY"\n\n' +
        "Exits 0 under 10% slower, 1 from 10 to 20% or where a side is missing, 2 over 20% or where an output is wrong;\n" +
        "only where the interval of the ratio leaves 1 out.",
    )
    .action(async (name: string, choice: CompareChoice) => {
      const baseline = readBaseline(name);
      const only = {
        ...(choice.suite ? { suites: choice.suite } : {}),
        ...(choice.rung ? { rungs: choice.rung } : {}),
      };
      const report = choice.against
        ? compareBaselines(baseline, readBaseline(choice.against), only)
        : await measured(choice, (device, onProgress) =>
            compareWithBaseline(device, baseline, { ...only, onProgress }),
          );
      if (choice.summary) appendFileSync(choice.summary, changeMarkdown(report));
      print(choice.json, report, () => changeText(report));
      exitWith(report.exitCode);
    });
}

async function measured<T>(
  choice: CompareChoice,
  work: (
    device: Awaited<ReturnType<typeof open>>,
    onProgress: ReturnType<typeof progressBar>["update"],
  ) => Promise<T>,
): Promise<T> {
  const device = await open(choice.device);
  const bar = progressBar();
  try {
    return await work(device, bar.update);
  } finally {
    bar.end();
    await device.close();
  }
}
