import { type DType, decode, dtypes } from "../core/dtype";
import { LabError } from "../core/error";
import type { Kernel } from "../runtime/kernel";
import type { LaunchConfig } from "../runtime/launch";
import type { KernelArg } from "../runtime/pack";
import { Tensor } from "../runtime/tensor";
import type { Hazard } from "./hazard";
import { hazardHtml, hazardText } from "./hazardText";
import { type HazardReport, type WatchOptions, watchLaunch } from "./watch";

/** How a launch is explored. */
export interface ExploreOptions extends Omit<WatchOptions, "schedule"> {
  /** Random schedules beside the natural one; default 20. */
  readonly schedules?: number;
  /** Seed of the first; the others follow. Default 1. */
  readonly seed?: number;
}

/** A tensor that one schedule left otherwise than the natural order of threads does. */
export interface Difference {
  /** The parameter. */
  readonly name: string;
  readonly seed: number;
  /** The first element that differs, with its value in natural order and in this schedule. */
  readonly index: number;
  readonly expected: string;
  readonly actual: string;
  /** Elements that differ, and the largest difference over the larger magnitude; 1 where one is no number. */
  readonly elements: number;
  readonly relative: number;
}

/** What a launch does under many schedules. */
export interface Exploration {
  readonly kernel: string;
  readonly seeds: readonly number[];
  /** No schedule showed a hazard that is an error, and each came to its end. */
  readonly clean: boolean;
  /** Every schedule left the same bits. Sums by floating-point atomics need not, and are no mistake. */
  readonly deterministic: boolean;
  readonly hazards: readonly Hazard[];
  readonly differences: readonly Difference[];
  /** The first seed that showed an error, did not end, or left other bits; null where none did. */
  readonly firstFailure: number | null;
  /** The report of that seed, or of the natural order where only that shows a hazard. */
  readonly failure: HazardReport | null;
  readonly text: string;
  readonly html: string;
}

/**
 * Runs a launch in its natural order and under random schedules of its threads, warps and blocks, looks for hazards in
 * each, and compares what they leave in the tensors.
 *
 * A schedule lets another thread run before any memory access, so that a missing barrier shows as a wrong result; the same
 * seed replays it bit for bit: `lab.lens(kernel, { ...launch, lens: { hazards: true, schedule: { seed } } }, ...args)`. The
 * tensors are copies. Errors: "invalid-option", "trace-too-large", "no-instrumentation", and what a launch throws.
 *
 * @example
 * const found = await lab.explore(kernel, { grid: 4, block: 128 }, [x, y, x.size], { schedules: 20 });
 * console.log(found.clean, found.firstFailure, found.text);
 */
export async function explore(
  kernel: Kernel,
  launch: LaunchConfig,
  args: readonly KernelArg[],
  options: ExploreOptions = {},
): Promise<Exploration> {
  const { schedules = 20, seed = 1, ...watch } = options;
  if (!Number.isInteger(schedules) || schedules < 1 || !Number.isSafeInteger(seed)) {
    throw new LabError(
      "invalid-option",
      `lab.explore expects a whole number of schedules and a whole seed but received ${schedules} and ${seed}.`,
    );
  }
  const natural = await watchLaunch(kernel, launch, args, watch);
  const seeds = Array.from({ length: schedules }, (_, i) => seed + i);
  const reports = [natural.report];
  const differences: Difference[] = [];
  let failure = natural.report.clean ? null : natural.report;
  let firstFailure: number | null = null;
  for (const drawn of seeds) {
    const { report, results } = await watchLaunch(kernel, launch, args, {
      ...watch,
      schedule: { seed: drawn },
    });
    reports.push(report);
    const other =
      report.ended || natural.report.ended ? [] : differ(kernel, args, drawn, natural.results, results);
    differences.push(...other);
    if (firstFailure === null && (!report.clean || other.length > 0)) {
      firstFailure = drawn;
      failure = report;
    }
  }
  const hazards = merged(reports);
  const clean = reports.every((report) => report.clean);
  return {
    kernel: kernel.name,
    seeds,
    clean,
    deterministic: differences.length === 0 && reports.every((report) => report.ended === null),
    hazards,
    differences,
    firstFailure,
    failure,
    text: `${headline(schedules, clean, firstFailure, differences)}\n${hazardText(hazards)}`,
    html: `<p>${headline(schedules, clean, firstFailure, differences)}</p>${hazardHtml(hazards)}`,
  };
}

/** One entry a kind and lines over all schedules: the first seen, with the counts added. */
function merged(reports: readonly HazardReport[]): Hazard[] {
  const found = new Map<string, Hazard>();
  for (const one of reports.flatMap((report) => report.hazards)) {
    // Which of two racing lines comes first depends on the schedule.
    const places = one.acts.map((act) => `${act.does} ${act.line?.line ?? ""}`).sort();
    const key = JSON.stringify([one.kind, one.memory?.name, places]);
    const known = found.get(key);
    const worse = known && known.level === "note" && one.level === "error" ? one : (known ?? one);
    found.set(key, known ? { ...worse, count: known.count + one.count } : one);
  }
  return [...found.values()];
}

function differ(
  kernel: Kernel,
  args: readonly KernelArg[],
  seed: number,
  expected: ReadonlyMap<number, Uint8Array>,
  actual: ReadonlyMap<number, Uint8Array>,
): Difference[] {
  return [...expected].flatMap(([i, before]) => {
    const after = actual.get(i)!;
    const tensor = args[i];
    if (!(tensor instanceof Tensor) || Buffer.compare(before, after) === 0) return [];
    const name = kernel.signature.params[i]?.name ?? `argument ${i + 1}`;
    return [{ name, seed, ...firstDifference(before, after, tensor.dtype) }];
  });
}

function firstDifference(
  before: Uint8Array,
  after: Uint8Array,
  dtype: DType,
): Omit<Difference, "name" | "seed"> {
  const width = dtypes[dtype].bytes;
  const a = decode(before, dtype);
  const b = decode(after, dtype);
  let index = -1;
  let elements = 0;
  let relative = 0;
  for (let i = 0; i < a.length; i++) {
    if (
      Buffer.compare(
        before.subarray(i * width, (i + 1) * width),
        after.subarray(i * width, (i + 1) * width),
      ) === 0
    )
      continue;
    if (index < 0) index = i;
    elements++;
    const [x, y] = [Number(a[i]), Number(b[i])];
    const share = Math.abs(x - y) / Math.max(Math.abs(x), Math.abs(y));
    relative = Math.max(relative, Number.isFinite(share) ? share : 1);
  }
  return { index, expected: String(a[index]), actual: String(b[index]), elements, relative };
}

function headline(
  schedules: number,
  clean: boolean,
  firstFailure: number | null,
  differences: readonly Difference[],
): string {
  const first = differences[0];
  const results = first
    ? `results differ between schedules: ${first.name}[${first.index}] is ${first.expected} in natural order and ${first.actual} with seed ${first.seed}`
    : "all left the same bits";
  const seed = firstFailure === null ? "" : ` The first to show it: seed ${firstFailure}.`;
  return `${schedules} random schedules: ${clean ? "no hazard" : "hazards"}; ${results}.${seed}`;
}
