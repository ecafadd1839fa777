import { mkdirSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import type { Command } from "commander";
import { LabError } from "../core/error";
import { replaceFile } from "../record/atomicFile";
import { csvText, recordColumns, sampleColumns } from "../record/columns";
import { recordsOf } from "../record/store";
import { print, warn } from "./output";
import { loadSource, type RunChoice, type Source } from "./source";

type ExportChoice = RunChoice & { readonly json?: boolean; readonly samples?: boolean };

/** `lab export <file>`: records for other programs, or everything a report is drawn from as one file. */
export function addExport(lab: Command): void {
  lab
    .command("export")
    .argument("<file>", "a .csv or .parquet table, or a .zip bundle")
    .description(
      "write records as CSV or Parquet, or as one bundle that lab report draws everything from again",
    )
    .option("--run <run...>", "only these runs or records, by id")
    .option("--suite <suite>", "only this suite")
    .option("--device <device>", "only this device")
    .option("--samples", "tables: a row a sample instead of a row a record")
    .option("--no-baselines", "leave the recorded baselines out")
    .option("--from <file...>", "a bundle or result files instead of results/")
    .addHelpText(
      "after",
      "\nExamples:\n  lab export records.csv\n  lab export softmax.parquet --suite softmax --samples\n" +
        "  lab export everything.zip && lab report --from everything.zip",
    )
    .action(async (file: string, choice: ExportChoice) => {
      const source = await loadSource(choice);
      for (const warning of source.warnings) warn(warning);
      const made = await contentOf(extname(file), source, choice);
      const path = resolve(file);
      mkdirSync(dirname(path), { recursive: true });
      replaceFile(dirname(path), basename(path), made.content);
      const { rows, columns, runs } = made;
      print(choice.json, { file: path, rows, columns, runs, warnings: source.warnings }, () =>
        rows === null
          ? `written: ${path}, ${runs} runs`
          : `written: ${path}, ${rows} rows of ${columns} columns`,
      );
    });
}

interface Exported {
  readonly content: string | Uint8Array;
  readonly rows: number | null;
  readonly columns: number | null;
  readonly runs: number;
}

async function contentOf(ending: string, source: Source, choice: ExportChoice): Promise<Exported> {
  const all = [...source.runs, ...source.baselines];
  if (ending === ".zip") {
    const { packBundle } = await import("../record/bundle");
    const content = packBundle({ results: source.runs.map(packed), baselines: source.baselines.map(packed) });
    return { content, rows: null, columns: null, runs: all.length };
  }
  const columns = (choice.samples ? sampleColumns : recordColumns)(recordsOf(all));
  const size = { rows: columns[0]?.values.length ?? 0, columns: columns.length, runs: all.length };
  if (ending === ".csv") return { content: csvText(columns), ...size };
  if (ending === ".parquet") {
    const { parquetBytes } = await import("../record/parquet");
    return { content: parquetBytes(columns), ...size };
  }
  throw new LabError("bad-options", `Exporting: there is no format for the ending "${ending}".`, {
    advice: "Give a file that ends in .csv, .parquet or .zip.",
  });

  function packed(run: Source["runs"][number]) {
    return { run, path: source.pathOf.get(run) ?? null };
  }
}
