import { Command, CommanderError } from "commander";
import { labVersion } from "../bench/environment";
import { addBaselines } from "./baselines";
import { addBench } from "./bench";
import { addBundle } from "./bundle";
import { addClean } from "./clean";
import { addDoctor } from "./doctor";
import { addList } from "./list";
import { exitCodes, fail } from "./output";
import { addReport } from "./report";
import { addRun } from "./run";

/** The `lab` command with everything it knows. */
export function program(): Command {
  const lab = new Command("lab")
    .description("Kernel Lab: one .cu file, two devices.")
    .version(labVersion().version)
    .showHelpAfterError("(lab --help lists the commands)")
    .exitOverride()
    .addHelpText(
      "after",
      `\nExit codes:\n${Object.entries(exitCodes)
        .map(([code, meaning]) => `  ${code}  ${meaning}`)
        .join("\n")}`,
    );
  for (const add of [addDoctor, addRun, addBench, addBaselines, addReport, addList, addClean, addBundle])
    add(lab);
  for (const command of lab.commands) command.option("--json", "print JSON").exitOverride();
  return lab;
}

/** Runs the command line; sets `process.exitCode` and never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else {
      fail(argv.includes("--json"), error);
    }
  }
}
