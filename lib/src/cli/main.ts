/**
 * The `lab` command, a file a command.
 *
 * To add one: a file `cli/<name>.ts` that exports `add<Name>(lab: Command)` and looks like its neighbours
 * (`description`, examples by `addHelpText("after", "\nExamples:\n  lab ...")`, an action that ends in `print(options.json,
 * data, text)`), its import here and its line in `commands`. The rest comes by itself, for subcommands too:
 * `--json`; errors as message, code and advice (`fail`); exit codes (`exitWith(1)` for a warning, 2 for critical); the
 * completion of `<suite>`, `<kind>`, `<device>`, `<run>` and whatever `values` in completionValues.ts knows, by the name in
 * the brackets; `progressBar()` for anything that takes long.
 */

import { Command, CommanderError } from "commander";
import { labVersion } from "../bench/environment";
import { addAudit } from "./audit";
import { addBaseline } from "./baseline";
import { addBaselines } from "./baselines";
import { addBench } from "./bench";
import { addBundle } from "./bundle";
import { addCalibrate } from "./calibrate";
import { addClean } from "./clean";
import { addCompare } from "./compare";
import { addCompletion, complete } from "./completion";
import { addDoctor } from "./doctor";
import { addDuel } from "./duel";
import { addExport } from "./export";
import { addGrade } from "./grade";
import { addList } from "./list";
import { exitCodes, fail, quietWhenPipeCloses } from "./output";
import { addReport } from "./report";
import { addRun } from "./run";
import { addStanding } from "./standing";
import { addSweep } from "./sweep";
import { addValidate } from "./validate";

/** Every command, in the order that `lab --help` lists them. */
const commands: readonly ((lab: Command) => void)[] = [
  addDoctor,
  addRun,
  addBench,
  addSweep,
  addCompare,
  addDuel,
  addBaseline,
  addCalibrate,
  addReport,
  addStanding,
  addExport,
  addAudit,
  addValidate,
  addGrade,
  addBaselines,
  addList,
  addClean,
  addBundle,
  addCompletion,
];

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
    )
    .addHelpText(
      "after",
      '\nExamples:\n  lab doctor\n  lab bench softmax --device cpu\n  lab report --suite softmax\n  eval "$(lab completion bash)"',
    );
  for (const add of commands) add(lab);
  for (const command of leavesOf(lab))
    command.option(
      "--json",
      "print JSON on stdout, and nothing else; a failure as {error: {code, message, advice}}",
    );
  return lab;
}

/** The commands that do something: those without subcommands, however deep. */
export function leavesOf(command: Command): Command[] {
  return command.commands.flatMap((child) => {
    child.exitOverride();
    return child.commands.length === 0 ? [child] : leavesOf(child);
  });
}

/** Runs the command line; sets `process.exitCode` and never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  quietWhenPipeCloses();
  const json = argv.includes("--json");
  try {
    if (argv[0] === "__complete") return complete(program(), argv.slice(1));
    await program().parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) return fail(json, error);
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    // Commander has told people already.
    if (json && error.exitCode !== 0) {
      const body = { code: "usage", message: error.message.replace(/^error: /, ""), advice: "lab --help" };
      process.stdout.write(`${JSON.stringify({ error: body }, null, 2)}\n`);
    }
  }
}
