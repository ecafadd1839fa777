import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { LabError } from "../core/error";
import { homePath } from "../core/paths";
import { exitWith, print } from "./output";

/** `lab bundle`: one archive for a host with no registry. */
export function addBundle(lab: Command): void {
  lab
    .command("bundle")
    .description("make one archive that runs on a Linux x86-64 host with a driver and no registry")
    .addHelpText("after", "\nExamples:\n  lab bundle")
    .action((options: { json?: boolean }) => {
      const program = homePath("lib", "setup", "bundle.mjs");
      if (!existsSync(program)) {
        throw new LabError(
          "no-bundler",
          "Making a bundle: this copy of the lab has no lib/setup/bundle.mjs.",
          {
            advice: "Bundles are made from a source checkout, not from a bundle.",
          },
        );
      }
      const { status, stdout } = spawnSync(process.execPath, [program], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
      });
      if (status !== 0) exitWith(1);
      print(options.json, { status, output: stdout }, () => stdout.trimEnd());
    });
}
