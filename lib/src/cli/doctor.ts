import type { Command } from "commander";
import { tableOf } from "../show/table";
import { print } from "./output";
import { type Part, runDoctor } from "./parts";

/** `lab doctor`: every part as found, or missing with the command that mends it. */
export function addDoctor(lab: Command): void {
  lab
    .command("doctor")
    .description("tell what is here and what is missing, with the command that mends it; always exits 0")
    .addHelpText("after", "\nExamples:\n  lab doctor\n  lab doctor --json")
    .action(async (options: { json?: boolean }) => {
      const parts = await runDoctor();
      print(options.json, parts, () => tableOf(parts.map(row)).text);
    });
}

function row(part: Part): Record<string, string> {
  return {
    part: part.name,
    state: part.found ? "found" : part.needed ? "MISSING" : "not here",
    version: part.version ?? "",
    "where, or what to do": part.found ? (part.detail ?? "") : part.mend,
  };
}
