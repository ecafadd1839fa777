import { Option } from "commander";
import { suiteNames } from "../bench/suites";
import { LabError } from "../core/error";
import type { RunDocument } from "../record/schema";

/** `--device <kind>` of every command that opens one; what is none of the three is a wrong command line. */
export function deviceOption(): Option {
  return new Option("--device <kind>", "the device to open").choices(["auto", "cpu", "cuda"]);
}

/** The suites that runs hold records of. */
export function suitesOf(runs: readonly RunDocument[]): Set<string> {
  return new Set(runs.flatMap((run) => run.records.map((record) => record.case.suite)));
}

/**
 * Holds a suite that was typed against those there are and those there are records of.
 *
 * @throws LabError "no-such-suite"
 */
export function knownSuite(suite: string | undefined, recorded: Iterable<string> = []): void {
  const known = [...new Set([...suiteNames, ...recorded])];
  if (suite === undefined || known.includes(suite)) return;
  throw new LabError("no-such-suite", `There is no suite "${suite}".`, {
    advice: `There are ${known.join(", ")}.`,
  });
}
