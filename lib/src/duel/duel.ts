import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findTorch, runProgram } from "../baselines/run";
import { LabError } from "../core/error";
import { homePath } from "../core/paths";
import { runDocument } from "../record/document";
import type { Failure, MeasureRecord } from "../record/schema";
import { saveRun } from "../record/store";
import { open } from "../runtime/open";
import { type DuelChoice, type DuelLimits, type DuelPlan, writeJob } from "./job";
import { readResult, recordsOf } from "./records";
import { duelSuite } from "./suites";

/** How a duel is held. */
export interface DuelOptions extends DuelChoice, Partial<DuelLimits> {
  /** Folder of the result files; default results/. */
  readonly out?: string;
  /** Folder for job, kernels and raw result, kept afterwards; default a temporary one. */
  readonly work?: string;
  /** Called with each line the program prints. */
  readonly onLine?: (line: string) => void;
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/** What a duel answers. */
export interface DuelOutcome {
  /** The result file; null when nothing at all could be measured. */
  readonly file: string | null;
  readonly records: readonly MeasureRecord[];
  readonly failures: readonly Failure[];
}

const usual: DuelLimits = { rounds: 100, fewest: 30, seconds: 1, limit: 420 };

/**
 * Holds a suite's kernels against PyTorch's routes in one Python process on the GPU: the same tensors, in turns, the L2
 * cache overwritten before each sample, outputs poisoned before and checked against float64 after the timed runs.
 *
 * Times are in seconds, `memory` in bytes (inputs, and the peak with outputs and scratch). All contenders of a case are in
 * one result file, so that `lab.standing` pairs their samples.
 *
 * @throws LabError "no-torch", "no-such-suite", "no-such-case", "no-such-variant", "duel-failed" with the
 *   program's last lines
 * @example await lab.duel("attention", { cases: ["S2048"], onLine: console.log })
 */
export async function duel(suiteName: string, options: DuelOptions = {}): Promise<DuelOutcome> {
  const suite = duelSuite(suiteName);
  const torch = await findTorch();
  if (!torch?.cuda) {
    throw new LabError(
      "no-torch",
      "Holding kernels against PyTorch's: no Python here has torch with a GPU.",
      {
        advice:
          "pip install torch where there is a GPU; `lab standing` compares with the recorded baselines.",
      },
    );
  }
  const folder = options.work ?? mkdtempSync(join(tmpdir(), "kernel-lab-duel-"));
  try {
    const plan = await planOf(suite, folder, options);
    const program = homePath("lib", "src", "baselines", "duel.py");
    const output = await runProgram(torch.python, [program, folder], options.onLine);
    return finish(plan, folder, output, options.out);
  } finally {
    if (!options.work) rmSync(folder, { recursive: true, force: true });
  }
}

async function planOf(
  suite: ReturnType<typeof duelSuite>,
  folder: string,
  options: DuelOptions,
): Promise<DuelPlan> {
  const { rounds, fewest, seconds, limit } = { ...usual, ...given(options) };
  // Closed before Python begins: it needs all of the memory, and nothing may run beside it.
  const device = await open("cuda");
  try {
    const limits = { rounds: Math.max(rounds, fewest), fewest, seconds, limit };
    return await writeJob(device, suite, folder, options, limits, options.onProgress);
  } finally {
    await device.close();
  }
}

/** Only what was really given: an option that is there but undefined must not hide the usual one. */
function given(options: DuelOptions): Partial<DuelLimits> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Turns what Python left in the folder into a result file. */
export function finish(plan: DuelPlan, folder: string, output: string, out?: string): DuelOutcome {
  const path = join(folder, "result.json");
  if (!existsSync(path)) {
    const last = output.trim().split("\n").slice(-4).join(" | ");
    throw new LabError(
      "duel-failed",
      `Holding ${plan.job.suite} against PyTorch's: ${last || "no output"}.`,
      {
        advice: "Run it again with a work folder (--work DIR) and the program by hand over that folder.",
      },
    );
  }
  const { records, failures } = recordsOf(plan, readResult(readFileSync(path, "utf8")));
  const environment = records[0]?.environment ?? plan.environment;
  const notes = [
    "Ours and PyTorch's in turns in one process; the lab's kernels were launched from Python as compiled by the lab.",
  ];
  const document = runDocument(plan.job.suite, records, {
    failures,
    environment,
    notes,
    writer: "kernel-lab duel",
  });
  return { file: saveRun(document, out), records, failures };
}
