import { existsSync, readFileSync } from "node:fs";
import { recordedRuns } from "../baselines/recorded";
import { LabError } from "../core/error";
import type { RunDocument } from "../record/schema";
import { loadRuns, readRun } from "../record/store";
import { readTrace, type StoredTrace, tracesBeside } from "../record/traceFile";
import { knownSuite, suitesOf } from "./options";

/** Runs to tell of, and what could not be read of them. */
export interface Source {
  readonly runs: readonly RunDocument[];
  readonly baselines: readonly RunDocument[];
  /** The file of a run on this disk; a bundle's runs have none. */
  readonly pathOf: ReadonlyMap<RunDocument, string>;
  /** What was kept beside the runs. */
  readonly traces: readonly StoredTrace[];
  readonly warnings: readonly string[];
}

/** Which runs and records are wanted; a missing field takes all. */
export interface RunChoice {
  readonly suite?: string | undefined;
  readonly device?: string | undefined;
  /** Ids of runs or of single records. */
  readonly run?: readonly string[] | undefined;
  /** False leaves the recorded baselines out. */
  readonly baselines?: boolean | undefined;
  /** Bundles and result files to read instead of results/ and data/baselines/. */
  readonly from?: readonly string[] | undefined;
}

/**
 * Loads what was asked for.
 *
 * Errors: "bad-bundle", those of `readRun` for a file named, "no-such-run", "no-such-suite", "no-such-device",
 * "no-such-file".
 */
export async function loadSource(choice: RunChoice = {}): Promise<Source> {
  const all = choice.from ? await named(choice.from) : stored();
  const everything = [...all.runs, ...all.baselines];
  knownSuite(choice.suite, suitesOf(everything));
  knownDevice(choice.device, everything);
  const runs = chosenRuns(all.runs, choice);
  const devices = new Set(runs.map((run) => run.environment.device.name));
  const { suite, device } = choice;
  const baselines =
    choice.baselines === false
      ? []
      : chosenRuns(all.baselines, { suite, device }).filter(
          // Chosen runs are held against what was measured on their own device only.
          (run) => !choice.run || devices.has(run.environment.device.name),
        );
  const beside = tracesOf(runs, all.pathOf);
  return {
    ...all,
    runs,
    baselines,
    traces: [...all.traces, ...beside.traces],
    warnings: [...all.warnings, ...beside.warnings],
  };
}

/** Holds a device that was typed against those there are runs of. */
function knownDevice(device: string | undefined, runs: readonly RunDocument[]): void {
  const known = [...new Set(runs.map((run) => run.environment.device.name))];
  if (device === undefined || known.includes(device)) return;
  throw new LabError("no-such-device", `There are no results of a device "${device}".`, {
    advice: known.length > 0 ? `There are some of ${known.join(", ")}.` : "Measure some: lab bench softmax",
  });
}

/** The traces beside the files of runs; one that cannot be read is named. */
function tracesOf(runs: readonly RunDocument[], pathOf: Source["pathOf"]) {
  const traces: StoredTrace[] = [];
  const warnings: string[] = [];
  for (const file of filesOf(runs, pathOf)) {
    try {
      traces.push(readTrace(readFileSync(file), file));
    } catch (error) {
      if (!LabError.is(error)) throw error;
      warnings.push(warningOf({ error }));
    }
  }
  return { traces, warnings };
}

function filesOf(runs: readonly RunDocument[], pathOf: Source["pathOf"]): string[] {
  return runs.flatMap((run) => {
    const path = pathOf.get(run);
    return path === undefined ? [] : tracesBeside(path);
  });
}

function stored(): Source {
  const results = loadRuns();
  const recorded = recordedRuns();
  return {
    runs: results.runs,
    baselines: recorded.runs,
    pathOf: new Map(
      [results, recorded].flatMap(({ runs, paths }) => runs.map((run, i) => [run, paths[i]!] as const)),
    ),
    traces: [],
    warnings: [...results.skipped, ...recorded.skipped].map(warningOf),
  };
}

async function named(files: readonly string[]): Promise<Source> {
  const runs: RunDocument[] = [];
  const baselines: RunDocument[] = [];
  const pathOf = new Map<RunDocument, string>();
  const traces: StoredTrace[] = [];
  const warnings: string[] = [];
  for (const file of files) {
    if (!existsSync(file)) {
      throw new LabError("no-such-file", `Reading results: there is no file ${file}.`, {
        advice: "Name a bundle (lab export results.zip) or a result file.",
      });
    }
    if (file.endsWith(".zip")) {
      const { readBundle } = await import("../record/bundle");
      const bundle = readBundle(file);
      runs.push(...bundle.runs);
      baselines.push(...bundle.baselines);
      traces.push(...bundle.traces);
      warnings.push(...bundle.skipped.map(warningOf));
    } else {
      const run = readRun(file);
      runs.push(run);
      pathOf.set(run, file);
    }
  }
  return { runs, baselines, pathOf, traces, warnings };
}

function warningOf({ error }: { error: LabError }): string {
  return `Skipped: ${error.message.replace(/\n/g, " ")}`;
}

/**
 * The runs, cut down to what was asked for; one that stays whole stays the same object.
 *
 * @throws LabError "no-such-run" for an id that is neither a run's nor a record's
 */
export function chosenRuns(runs: readonly RunDocument[], choice: RunChoice): RunDocument[] {
  const { suite, device, run: ids } = choice;
  const unknown = ids?.find((id) => !runs.some((r) => r.id === id || r.records.some((own) => own.id === id)));
  if (unknown !== undefined) {
    throw new LabError("no-such-run", `Choosing runs: found no run or record with id "${unknown}".`, {
      advice: "Ids stand in the result files and complete with Tab: lab completion bash.",
    });
  }
  return runs
    .filter((run) => device === undefined || run.environment.device.name === device)
    .map((run) => {
      const whole = !ids || ids.includes(run.id);
      const inSuite = (item: { case: { suite: string } }) => suite === undefined || item.case.suite === suite;
      const records = run.records.filter((r) => inSuite(r) && (whole || ids.includes(r.id)));
      const failures = run.failures.filter((f) => whole && inSuite(f));
      const same = records.length === run.records.length && failures.length === run.failures.length;
      return same ? run : { ...run, records, failures };
    })
    .filter((run) => run.records.length + run.failures.length > 0);
}
