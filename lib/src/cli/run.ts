import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { LabError } from "../core/error";
import { homePath } from "../core/paths";
import { type NotebookRun, runNotebook } from "../notebook/runner";
import { tableOf } from "../show/table";
import { deviceOption } from "./options";
import { exitWith, print, warn } from "./output";
import { progressBar } from "./progress";
import { writeReport } from "./report";

/** `lab run [notebook|all]`: notebooks from first to last cell, without Jupyter. */
export function addRun(lab: Command): void {
  lab
    .command("run")
    .argument("[notebook]", "a number (01), a name, a path, or all", "all")
    .description("run the walkthrough notebooks headless, then write the report")
    .addOption(deviceOption())
    .option("--time-limit <seconds>", "for each notebook", "600")
    .option(
      "--counters",
      "let every lab.measure of theirs read counters too: ncu's, or the lens's on the CPU device",
    )
    .option("--no-report", "do not write the report")
    .addHelpText(
      "after",
      "\nExamples:\n  lab run all\n  lab run 01 --device cpu\n  lab run path/to/own.ipynb\n  lab run 02 --counters\n\nExits 1 when a cell fails.",
    )
    .action(
      async (
        wanted: string,
        options: {
          json?: boolean;
          device?: string;
          timeLimit: string;
          counters?: boolean;
          report: boolean;
        },
      ) => {
        const runs: NotebookRun[] = [];
        for (const path of findNotebooks(wanted)) {
          const name = basename(path, ".ipynb");
          const bar = progressBar();
          runs.push(
            await runNotebook(path, {
              timeLimit: Number(options.timeLimit),
              env: {
                ...(options.device ? { KERNEL_LAB_DEVICE: options.device } : {}),
                ...(options.counters ? { KERNEL_LAB_COUNTERS: "1" } : {}),
              },
              onCell: (_, done, total) => bar.update(name, done, total),
            }),
          );
          bar.end();
        }
        const made = options.report ? await writeReport() : null;
        for (const warning of made?.warnings ?? []) warn(warning);
        print(options.json, { notebooks: runs.map(summary), report: made }, () =>
          [
            tableOf(runs.map(summary)).text,
            ...runs.flatMap((run) => failureLines(run)),
            made ? `report: ${made.html}` : "",
          ]
            .filter(Boolean)
            .join("\n"),
        );
        if (runs.some((run) => !run.ok)) exitWith(1);
      },
    );
}

/** The notebooks meant by "all", a number, a name or a path. */
export function findNotebooks(wanted: string): string[] {
  const folder = homePath("notebooks");
  const all = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".ipynb"))
        .sort()
    : [];
  const chosen =
    wanted === "all"
      ? all
      : all.filter((name) => name === `${wanted}.ipynb` || name.startsWith(`${wanted}-`));
  if (chosen.length > 0) return chosen.map((name) => join(folder, name));
  if (wanted !== "all" && wanted.endsWith(".ipynb") && existsSync(wanted)) return [wanted];
  throw new LabError("no-such-notebook", `Running notebooks: found none for "${wanted}".`, {
    advice: `There are ${all.map((name) => basename(name, ".ipynb")).join(", ") || "none"}; "all" runs every one.`,
  });
}

function summary(run: NotebookRun) {
  return {
    notebook: basename(run.path, ".ipynb"),
    cells: run.cells.length,
    seconds: Number(run.seconds.toFixed(1)),
    result: run.ok ? "ok" : "FAILED",
  };
}

function failureLines(run: NotebookRun): string[] {
  const failed = run.cells.find((cell) => cell.failure && !cell.expected);
  return failed?.failure ? [`${basename(run.path)} cell ${failed.index}:`, ...failed.failure.traceback] : [];
}
