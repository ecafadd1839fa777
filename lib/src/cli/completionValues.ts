import { existsSync, readdirSync } from "node:fs";
import { suiteNames } from "../bench/suites";
import { homePath } from "../core/paths";
import { ladders } from "../ops/ladders";
import { savedBaselineNames } from "../record/savedBaseline";
import { loadRuns } from "../record/store";

/** Something that may be typed, and what it is. */
export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** In place of a candidate: file names fit here, which the shell itself knows best. */
export const filesWanted = ":files:";

const files = (): Candidate[] => [{ value: filesWanted, about: "" }];

/**
 * What may stand for an argument or an option's value, by the name in its brackets: `<suite>`, `--device <kind>`.
 *
 * A name that is not here completes to nothing.
 */
export const values: Readonly<Record<string, () => Candidate[]>> = {
  suite: () => suiteNames.map((value) => ({ value, about: "suite" })),
  kind: () => [
    { value: "auto", about: "a GPU if there is one, else the CPU device" },
    { value: "cpu", about: "the CPU device" },
    { value: "cuda", about: "an NVIDIA GPU" },
  ],
  device: () =>
    [...new Set(loadRuns().runs.map((run) => run.environment.device.name))].map((value) => ({
      value,
      about: "device with results",
    })),
  run: () =>
    loadRuns().runs.map((run) => ({
      value: run.id,
      about: `${run.suite}, ${run.environment.device.name}, ${run.environment.date}, ${run.records.length} records`,
    })),
  record: () =>
    loadRuns().runs.flatMap((run) =>
      run.records.map((r) => ({ value: r.id, about: `${r.implementation.name}, ${r.case.name}` })),
    ),
  rung: () => ladders.flatMap((l) => l.variants.map((v) => ({ value: v.id, about: v.title }))),
  name: () => savedBaselineNames().map((value) => ({ value, about: "baseline" })),
  topic: () => ladders.map(({ topic: value }) => ({ value, about: "topic" })),
  notebook: () => [
    { value: "all", about: "every walkthrough" },
    ...namesOf("notebooks", ".ipynb").map((value) => ({ value, about: "walkthrough" })),
  ],
  file: files,
  folder: files,
};

function namesOf(name: string, ending: string): string[] {
  const folder = homePath(name);
  return (existsSync(folder) ? readdirSync(folder) : [])
    .filter((entry) => entry.endsWith(ending))
    .map((entry) => entry.slice(0, -ending.length));
}
