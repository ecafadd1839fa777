import { Argument, type Command } from "commander";
import { environmentOf } from "../bench/environment";
import type { Figure } from "../bench/figure";
import { runFigures } from "../bench/figures";
import { unreadCounters } from "../bench/recordCounters";
import { runSuite, suiteNames } from "../bench/suites";
import { LabError } from "../core/error";
import { runDocument } from "../record/document";
import type { MeasureRecord } from "../record/schema";
import { saveRun } from "../record/store";
import { open } from "../runtime/open";
import { digits } from "../show/format";
import { statisticsView } from "../show/statisticsView";
import { recordsView, tableOf } from "../show/table";
import { deviceOption } from "./options";
import { exitWith, print, warn } from "./output";
import { progressBar } from "./progress";

interface BenchOptions {
  readonly json?: boolean;
  readonly device: "auto" | "cpu" | "cuda";
  readonly save: boolean;
  readonly statistics?: boolean;
  readonly counters?: boolean;
}

/** `lab bench [suite]`: the lab's own speed against its goals, or a suite's kernels. */
export function addBench(lab: Command): void {
  lab
    .command("bench")
    .addArgument(
      new Argument("[suite]", "the lab's own figures, a suite, or every suite")
        .choices(["figures", ...suiteNames, "all"])
        .default("figures"),
    )
    .description("measure the lab's own speed against its goals, or every rung of a suite; writes results/")
    .addOption(deviceOption().default("auto"))
    .option("--statistics", "every statistic: mean, std, min, max, median, interval, p95, p99, MAD")
    .option("--counters", "read counters too: ncu's on a GPU, what the lens counts on the CPU device")
    .option("--no-save", "do not write a result file")
    .addHelpText(
      "after",
      "\nExamples:\n  lab bench\n  lab bench softmax --device cpu\n  lab bench all --json\n  lab bench matmul --counters\n\nExits 1 when a figure misses its goal.",
    )
    .action(async (suite: string, options: BenchOptions) => {
      if (suite === "figures") return benchFigures(options);
      const wanted = suite === "all" ? [...suiteNames] : [suite];
      const files: string[] = [];
      const records: MeasureRecord[] = [];
      const failures: string[] = [];
      const device = await open(options.device);
      try {
        for (const name of wanted) {
          const bar = progressBar();
          const asked = options.counters ? { counters: true } : {};
          const result = await runSuite(device, name, bar.update, asked);
          bar.end();
          records.push(...result.records);
          failures.push(
            ...result.failures.map((f) => `${f.implementation.name}, ${f.case.name}: ${f.reason}`),
          );
          if (options.save) {
            const environment = await environmentOf(device);
            files.push(
              saveRun(runDocument(name, result.records, { failures: result.failures, environment })),
            );
          }
        }
      } finally {
        await device.close();
      }
      for (const warning of unreadCounters(records)) warn(warning);
      print(options.json, { files, records, failures }, () =>
        [
          device.kind === "cpu" ? "CPU device: these are not GPU times.\n" : "",
          (options.statistics ? statisticsView(records) : recordsView(records)).text,
          ...failures.map((f) => `not measured: ${f}`),
          ...files.map((f) => `written: ${f}`),
        ]
          .filter(Boolean)
          .join("\n"),
      );
    });
}

async function benchFigures(options: BenchOptions): Promise<void> {
  const ignored = [
    ...(options.device === "auto" ? [] : ["--device"]),
    ...(options.statistics ? ["--statistics"] : []),
    ...(options.counters ? ["--counters"] : []),
  ];
  if (ignored.length > 0) {
    throw new LabError(
      "bad-options",
      `Measuring the lab's own figures: ${ignored.join(" and ")} says nothing here.`,
      {
        advice:
          "They are measured on both devices, as far as there are. Name a suite: lab bench softmax --device cpu",
      },
    );
  }
  const bar = progressBar();
  const { figures, records } = await runFigures(bar.update).finally(() => bar.end());
  const notes = figures.map((f) => JSON.stringify(f));
  const files: string[] = [];
  if (options.save && records.length > 0) {
    files.push(saveRun(runDocument("figures", records, { notes })));
  }
  print(options.json, { files, figures }, () =>
    [tableOf(figures.map(figureRow)).text, ...files.map((f) => `written: ${f}`)].join("\n"),
  );
  if (figures.some((f) => f.met === false)) exitWith(1);
}

function figureRow(figure: Figure): Record<string, string> {
  return {
    figure: figure.name,
    value: figure.value === null ? "-" : `${digits(figure.value)} ${figure.unit}`,
    goal: `${figure.sense} ${figure.goal} ${figure.unit}`,
    result: figure.met === null ? "not measured" : figure.met ? "met" : "MISSED",
    how: figure.how,
  };
}
