import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentOf } from "../bench/environment";
import { copyFailure } from "../bench/failure";
import { type CounterReading, readCounters } from "../bench/recordCounters";
import { type Roof, roofOf } from "../bench/roofline";
import { resourcesOf } from "../bench/target";
import { LabError } from "../core/error";
import { type OpCase, type Prepared, type Problem, prepare, type Variant } from "../ops/variant";
import type { Case, Environment, Failure, Implementation, Resources } from "../record/schema";
import type { Device } from "../runtime/device";
import { saveReplay } from "../runtime/replay";
import type { Storage } from "../runtime/storage";
import type { Tensor } from "../runtime/tensor";
import { type DuelSuite, rungsFor, type TensorShape } from "./suites";

/** How long a duel may take. */
export interface DuelLimits {
  /** Samples of each contender at most and at least; in between the seconds of a case decide. */
  readonly rounds: number;
  readonly fewest: number;
  readonly seconds: number;
  /** Seconds after which the cases left are given up. */
  readonly limit: number;
}

/** What `job.json` holds: all that the Python program needs to know. */
export interface DuelJob extends DuelLimits {
  readonly suite: string;
  /** The cache to be overwritten before each sample, as the lab counts it. */
  readonly l2Bytes: number;
  /** Parts of names of the peers wanted; null for all. */
  readonly peers: readonly string[] | null;
  readonly cases: readonly DuelCase[];
}

/** A case of a job. */
export interface DuelCase {
  readonly case: Case;
  readonly op: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<Record<string, TensorShape>>;
  readonly outputs: readonly string[];
  readonly bytes: number;
  readonly flops: number;
  /** Folders of replays beside the job, one a rung. */
  readonly ours: readonly { readonly id: string; readonly folder: string }[];
}

/** What records say of one of ours beyond its times. */
export interface OurSide {
  readonly implementation: Implementation;
  readonly resources: Resources | null;
  /** Read under ncu before the duel, of the same launches; null where nobody asked. */
  readonly counters: CounterReading | null;
}

/** A job with what the records need that Python does not. */
export interface DuelPlan {
  readonly job: DuelJob;
  readonly environment: Environment;
  readonly roofs: ReadonlyMap<string, Roof>;
  /** By case and id. */
  readonly ours: ReadonlyArray<ReadonlyMap<string, OurSide>>;
  readonly failures: readonly Failure[];
}

/** Which part of a suite duels. */
export interface DuelChoice {
  readonly rungs?: readonly string[];
  /** Words of which a case's name and element type hold one. */
  readonly cases?: readonly string[];
  readonly peers?: readonly string[];
  /** Read ncu's counters of ours. The tensors hold what the memory held: the counts of dense kernels do not depend on it. */
  readonly counters?: boolean;
}

/** The cases of a suite that a choice leaves. */
export function chosenCases(suite: DuelSuite, device: Device, choice: DuelChoice): readonly OpCase[] {
  const all = suite.cases(device);
  const words = choice.cases ?? [];
  if (words.length === 0) return all;
  const found = all.filter((c) => words.some((word) => `${c.name} ${c.dtype}`.includes(word)));
  if (found.length > 0) return found;
  throw new LabError("no-such-case", `No case of ${suite.name} holds ${words.join(" or ")}.`, {
    advice: `There are: ${all.map((c) => `${c.name} ${c.dtype}`).join("; ")}.`,
  });
}

/**
 * Compiles the chosen rungs for the chosen cases and writes them with `job.json` into a folder. The tensors are there only
 * for their shapes: nothing is launched but what measuring the roof takes.
 */
export async function writeJob(
  device: Device,
  suite: DuelSuite,
  folder: string,
  choice: DuelChoice,
  limits: DuelLimits,
  progress: (what: string, done: number, total: number) => void = () => {},
): Promise<DuelPlan> {
  mkdirSync(folder, { recursive: true });
  const cases: DuelCase[] = [];
  const ours: Map<string, OurSide>[] = [];
  const failures: Failure[] = [];
  const roofs = new Map<string, Roof>();
  const wanted = chosenCases(suite, device, choice);
  for (const [i, c] of wanted.entries()) {
    progress(`${suite.name} ${c.name}`, i, wanted.length);
    if (!roofs.has(c.dtype)) roofs.set(c.dtype, await roofOf(device, c.dtype));
    const sides = new Map<string, OurSide>();
    const folders: { id: string; folder: string }[] = [];
    const problem = emptyProblem(device, suite, c);
    try {
      for (const variant of rungsFor(suite, device.info, c, choice.rungs)) {
        try {
          const name = `case-${i}-${variant.id.replace("/", "-")}`;
          sides.set(variant.id, await writeOne(device, variant, c, problem, join(folder, name), choice));
          folders.push({ id: variant.id, folder: name });
        } catch (error) {
          failures.push(copyFailure(error, suite.name, c, variant.id));
        }
      }
    } finally {
      for (const tensor of Object.values(problem.tensors)) tensor.free();
    }
    const { bytes, flops } = workOf(suite, c);
    ours.push(sides);
    cases.push({
      case: caseOf(suite, c),
      op: suite.describe(c),
      tensors: suite.tensors(c),
      outputs: suite.outputs,
      bytes,
      flops,
      ours: folders,
    });
  }
  progress(suite.name, wanted.length, wanted.length);
  const peers = choice.peers?.length ? choice.peers : null;
  const job: DuelJob = { suite: suite.name, l2Bytes: device.info.l2Bytes, peers, cases, ...limits };
  writeFileSync(join(folder, "job.json"), JSON.stringify(job));
  return { job, environment: await environmentOf(device), roofs, ours, failures };
}

function caseOf(suite: DuelSuite, c: OpCase): Case {
  return {
    suite: suite.name,
    name: c.name,
    params: { ...c.params },
    dtype: c.dtype,
    distribution: c.distribution,
  };
}

function workOf(suite: DuelSuite, c: OpCase): { bytes: number; flops: number } {
  const any = suite.variants[0]!;
  return { bytes: any.bytes(c), flops: any.flops(c) };
}

function emptyProblem(device: Device, suite: DuelSuite, c: OpCase): Problem {
  const tensors: Record<string, Tensor> = {};
  for (const [name, { dtype, shape }] of Object.entries(suite.tensors(c))) {
    tensors[name] = device.empty([...shape], { dtype });
  }
  return {
    tensors,
    outputs: suite.outputs,
    check: () =>
      Promise.reject(
        new LabError("no-contents", `${c.name} has tensors for their shapes only.`, {
          advice: "Prepare it with the problem of its variant to check it.",
        }),
      ),
  };
}

async function writeOne(
  device: Device,
  variant: Variant,
  c: OpCase,
  problem: Problem,
  folder: string,
  { counters }: DuelChoice,
): Promise<OurSide> {
  const prepared = await prepare(device, variant, c, { problem });
  try {
    const named = new Map<Storage, string>(
      Object.entries(prepared.tensors).map(([name, tensor]) => [tensor.storage, name]),
    );
    await saveReplay(folder, prepared.launches, { named });
    return {
      implementation: implementationOf(prepared),
      resources: await resourcesOf(prepared.launches),
      counters: counters ? await readCounters(prepared.launches) : null,
    };
  } finally {
    prepared.free();
  }
}

function implementationOf({ variant, parameters, sourceHash }: Prepared): Implementation {
  return { id: variant.id, name: variant.id, kind: "ours", parameters: { ...parameters }, sourceHash };
}
