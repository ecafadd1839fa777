import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { LabError } from "../core/error";
import { resultsPath } from "../core/paths";
import { print, warn } from "./output";
import { loadSource, type RunChoice } from "./source";

/** What goes into a report and where it goes. */
export interface ReportChoice extends RunChoice {
  /** The HTML file; default results/local/report.html. The Markdown goes beside it. */
  readonly out?: string;
  /** A text of the author: discussion and future work. */
  readonly notes?: string;
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
    .option("--from <file...>", "a bundle of lab export, or result files, instead of results/")
    .option("--notes <file>", "the author's discussion and future work, as plain text")
    .addHelpText(
      "after",
      "\nExamples:\n  lab report\n  lab report --suite softmax --out softmax.html\n  lab report --device 'NVIDIA H200'\n  lab report --from bundle.zip --out bundle.html",
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
  const { report } = await import("../show/report/report");
  const html = resolve(choice.out ?? resultsPath("local", "report.html"));
  const markdown = html.replace(/\.html?$/, "").concat(".md");
  const { runs, baselines, traces, warnings } = await loadSource(choice);
  const made = report({ runs, baselines, traces, warnings, ...notesOf(choice.notes) });
  mkdirSync(dirname(html), { recursive: true });
  writeFileSync(html, made.html);
  writeFileSync(markdown, made.markdown);
  return { html, markdown, warnings: [...warnings] };
}

function notesOf(file: string | undefined): { notes?: string } {
  if (file === undefined) return {};
  try {
    return { notes: readFileSync(file, "utf8") };
  } catch (cause) {
    throw new LabError("no-such-file", `Reading the notes for a report: there is no file ${file}.`, {
      advice: "Write it first: paragraphs, and lists of lines that begin with a dash.",
      cause,
    });
  }
}
