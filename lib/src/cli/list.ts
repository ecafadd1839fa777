import type { Command } from "commander";
import { LabError } from "../core/error";
import { ladders } from "../ops/ladders";
import { tableOf } from "../show/table";
import { print } from "./output";

/** `lab list`: the ladders' rungs. */
export function addList(lab: Command): void {
  lab
    .command("list")
    .argument("[topic]", "only this topic")
    .description("list the kernels: id, title, idea, file")
    .addHelpText("after", "\nExamples:\n  lab list\n  lab list softmax --json")
    .action((topic: string | undefined, options: { json?: boolean }) => {
      const rows = ladders
        .flatMap((ladder) => ladder.variants)
        .filter((v) => topic === undefined || v.topic === topic)
        .map(({ id, title, idea, file }) => ({ id, title, idea, file: `kernels/${file}` }));
      if (rows.length === 0) {
        throw new LabError("no-such-topic", `There is no topic "${topic}".`, {
          advice: `There are ${ladders.map((ladder) => ladder.topic).join(", ")}.`,
        });
      }
      print(options.json, rows, () => tableOf(rows).text);
    });
}
