import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { recordedRuns } from "../baselines/recorded";
import { LabError } from "../core/error";
import { resultsPath } from "../core/paths";
import type { RunDocument } from "../record/schema";
import { loadRuns } from "../record/store";
import { print, warn } from "./output";

/** What goes into a report and where it goes. */
export interface ReportChoice {
  /** The HTML file; default results/local/report.html. The Markdown goes beside it. */
  readonly out?: string;
  readonly suite?: string;
  readonly device?: string;
  /** Ids of runs or of single records. */
  readonly run?: readonly string[];
  /** False leaves the recorded baselines out. */
  readonly baselines?: boolean;
}

/** `lab report`: everything under results/ and data/baselines/ as one page. */
export function addReport(lab: Command): void {
  lab
    .command("report")
    .description("write one self-contained HTML page and the same in Markdown from the result files")
    .option("--out <file>", "the HTML file; the Markdown goes beside it", resultsPath("local", "report.html"))
    .option("--run <run...>", "only these runs or records, by id")
    .option("--suite <suite>", "only this suite")
    .option("--device <device>", "only this device")
    .option("--no-baselines", "leave the recorded baselines out")
    .addHelpText(
      "after",
      "\nExamples:\n  lab report\n  lab report --suite softmax --out softmax.html\n  lab report --device 'NVIDIA H200'",
    )
    .action(async (options: ReportChoice & { json?: boolean }) => {
      const made = await writeReport(options);
      for (const warning of made.warnings) warn(warning);
      print(options.json, made, () => `written: ${made.html}\nwritten: ${made.markdown}`);
    });
}

/** Builds and writes the report; answers where it lies and what was skipped. */
export async function writeReport(
  choice: ReportChoice = {},
): Promise<{ html: string; markdown: string; warnings: string[] }> {
  // Drawing takes a third of a second to load: commands that draw nothing, completion above all, do without.
  const { report } = await import("../show/report");
  const html = resolve(choice.out ?? resultsPath("local", "report.html"));
  const markdown = html.replace(/\.html?$/, "").concat(".md");
  const results = loadRuns();
  const recorded = choice.baselines === false ? { runs: [], skipped: [] } : recordedRuns();
  const warnings = [...results.skipped, ...recorded.skipped].map(
    (s) => `Skipped: ${s.error.message.replace(/\n/g, " ")}`,
  );
  const runs = chosenRuns(results.runs, choice);
  const devices = new Set(runs.map((run) => run.environment.device.name));
  const baselines = chosenRuns(recorded.runs, { suite: choice.suite, device: choice.device }).filter(
    (run) => !choice.run || devices.has(run.environment.device.name),
  );
  const made = report({ runs, baselines, warnings });
  mkdirSync(dirname(html), { recursive: true });
  writeFileSync(html, made.html);
  writeFileSync(markdown, made.markdown);
  return { html, markdown, warnings };
}

/**
 * The runs, cut down to what was asked for.
 *
 * @throws LabError "no-such-run" for an id that is neither a run's nor a record's
 */
export function chosenRuns(
  runs: readonly RunDocument[],
  {
    suite,
    device,
    run: ids,
  }: Pick<ReportChoice, "run"> & { suite?: string | undefined; device?: string | undefined },
): RunDocument[] {
  const unknown = ids?.find((id) => !runs.some((r) => r.id === id || r.records.some((own) => own.id === id)));
  if (unknown !== undefined) {
    throw new LabError("no-such-run", `Choosing runs: found no run or record with id "${unknown}".`, {
      advice: "Ids stand in the result files and complete with Tab: lab completion bash.",
    });
  }
  return runs
    .filter((run) => device === undefined || run.environment.device.name === device)
    .map((run) => {
      const whole = !ids || ids.includes(run.id);
      return {
        ...run,
        records: run.records.filter(
          (r) => (suite === undefined || r.case.suite === suite) && (whole || ids.includes(r.id)),
        ),
        failures: run.failures.filter((f) => whole && (suite === undefined || f.case.suite === suite)),
      };
    })
    .filter((run) => run.records.length + run.failures.length > 0);
}
