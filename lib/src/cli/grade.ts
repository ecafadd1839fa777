import type { Command } from "commander";
import { exitWith, print } from "./output";

/** `lab grade FILE...`: a teacher's look at exported results. */
export function addGrade(lab: Command): void {
  lab
    .command("grade")
    .argument(
      "<file...>",
      "result files or bundles of lab export, or folders: each file or folder in one is a student's",
    )
    .description(
      "grade exported results by the published criteria; files made or changed by hand, or handed in twice, are noticed",
    )
    .option("--csv", "print a table for a spreadsheet, a row a student")
    .addHelpText(
      "after",
      "\nExamples:\n  lab grade results/moe/run.json\n  lab grade handed-in/ --csv > grades.csv\n" +
        "  lab grade handed-in/ --json\n\nExits 1 when a file is forged or cannot be read; what is suspicious, such as one file of two students, is for a person.",
    )
    .action(async (paths: string[], options: { json?: boolean; csv?: boolean }) => {
      // Loaded here: every other command starts without the gate and the ladders.
      const { gradeSubmissions } = await import("../grade/grade");
      const { gradesCsv, gradeText } = await import("../grade/gradeView");
      const { readSubmissions } = await import("../grade/submission");
      const grades = gradeSubmissions(readSubmissions(paths));
      if (options.csv && !options.json) process.stdout.write(gradesCsv(grades));
      else print(options.json, grades, () => grades.map(gradeText).join("\n\n"));
      const wrong = grades.some(
        (g) => g.findings.some((f) => f.severity === "forged") || g.files.some((f) => f.error !== null),
      );
      if (wrong) exitWith(1);
    });
}
