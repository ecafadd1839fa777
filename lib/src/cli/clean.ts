import { existsSync, rmSync } from "node:fs";
import type { Command } from "commander";
import { cacheRoot } from "../backend/cache";
import { homePath, resultsPath } from "../core/paths";
import { print } from "./output";

/** `lab clean`: what the lab can make again. */
export function addClean(lab: Command): void {
  lab
    .command("clean")
    .description("delete the compile cache; with --all also .lab/ (Python environment) and results/local/")
    .option("--all", "delete everything that is machine-local")
    .option("--dry-run", "only say what would be deleted")
    .addHelpText(
      "after",
      "\nExamples:\n  lab clean --dry-run\n  lab clean --all\n\nRecorded results and baselines are never touched.",
    )
    .action((options: { json?: boolean; all?: boolean; dryRun?: boolean }) => {
      const folders = [cacheRoot(), ...(options.all ? [homePath(".lab"), resultsPath("local")] : [])].filter(
        (f) => existsSync(f),
      );
      if (!options.dryRun) for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      const verb = options.dryRun ? "would delete" : "deleted";
      print(options.json, { folders, deleted: !options.dryRun }, () =>
        folders.length === 0 ? "Nothing to delete." : folders.map((f) => `${verb} ${f}`).join("\n"),
      );
    });
}
