import { existsSync, rmSync } from "node:fs";
import type { Command } from "commander";
import { cacheContents } from "../backend/cache";
import { homePath, resultsPath } from "../core/paths";
import { unfinishedFiles } from "../record/atomicFile";
import { verifiedName } from "../record/verified";
import { print } from "./output";

/** `lab clean`: what the lab can make again. */
export function addClean(lab: Command): void {
  lab
    .command("clean")
    .description(
      "delete the compile cache and what killed writers left; with --all also .lab/ (Python environment, other people's kernels) and results/local/",
    )
    .option("--all", "delete everything that is machine-local")
    .option("--dry-run", "only say what would be deleted")
    .addHelpText(
      "after",
      "\nExamples:\n  lab clean --dry-run\n  lab clean --all\n\nRecorded results and baselines are never touched, nor what else lies where KERNEL_LAB_CACHE points.",
    )
    .action((options: { json?: boolean; all?: boolean; dryRun?: boolean }) => {
      const paths = [
        ...cacheContents(),
        resultsPath(verifiedName),
        ...unfinishedFiles(resultsPath()),
        ...(options.all ? [homePath(".lab"), resultsPath("local")] : []),
      ].filter((path) => existsSync(path));
      if (!options.dryRun) for (const path of paths) rmSync(path, { recursive: true, force: true });
      const verb = options.dryRun ? "would delete" : "deleted";
      print(options.json, { paths, deleted: !options.dryRun }, () =>
        paths.length === 0 ? "Nothing to delete." : paths.map((f) => `${verb} ${f}`).join("\n"),
      );
    });
}
