import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { recordedRuns } from "../baselines/recorded";
import { resultsPath } from "../core/paths";
import { loadRuns } from "../record/store";
import { type Report, report } from "../show/report";
import { print } from "./output";

/** `lab report`: everything under results/ and data/baselines/ as one page. */
export function addReport(lab: Command): void {
  lab
    .command("report")
    .description("write one self-contained HTML page and the same in Markdown from the result files")
    .option("--out <file>", "the HTML file; the Markdown goes beside it", resultsPath("local", "report.html"))
    .option("--suite <name>", "only this suite")
    .option("--no-baselines", "leave the recorded baselines out")
    .addHelpText("after", "\nExamples:\n  lab report\n  lab report --suite softmax --out softmax.html")
    .action((options: { json?: boolean; out: string; suite?: string; baselines: boolean }) => {
      const made = writeReport(options);
      print(options.json, made, () =>
        [
          ...made.warnings.map((w) => `warning: ${w}`),
          `written: ${made.html}`,
          `written: ${made.markdown}`,
        ].join("\n"),
      );
    });
}

/** Builds and writes the report; answers where it lies and what was skipped. */
export function writeReport(options: { out?: string; suite?: string; baselines?: boolean } = {}): {
  html: string;
  markdown: string;
  warnings: string[];
} {
  const html = resolve(options.out ?? resultsPath("local", "report.html"));
  const markdown = html.replace(/\.html?$/, "").concat(".md");
  const results = loadRuns(undefined, options.suite);
  const recorded = options.baselines === false ? { runs: [], skipped: [] } : recordedRuns();
  const baselines = options.suite
    ? recorded.runs.map((run) => ({
        ...run,
        records: run.records.filter((r) => r.case.suite === options.suite),
        failures: [],
      }))
    : recorded.runs;
  const warnings = [...results.skipped, ...recorded.skipped].map(
    (s) => `Skipped: ${s.error.message.replace(/\n/g, " ")}`,
  );
  const made: Report = report({ runs: results.runs, baselines, warnings });
  mkdirSync(dirname(html), { recursive: true });
  writeFileSync(html, made.html);
  writeFileSync(markdown, made.markdown);
  return { html, markdown, warnings };
}
