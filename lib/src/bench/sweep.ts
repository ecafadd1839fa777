import { LabError } from "../core/error";
import { tiedForBest } from "../record/comparison";
import type { Failure, MeasureRecord } from "../record/schema";
import { measureInterleaved } from "./measure";
import type { MeasureOptions, MeasureTarget } from "./target";

type Value = number | string | boolean;

/** One setting of every axis. */
export type SweepPoint<A extends Record<string, readonly Value[]>> = {
  readonly [K in keyof A]: A[K][number];
};

/** What a sweep is: its axes, which points make sense, and what to time at a point. */
export interface SweepDeclaration<A extends Record<string, readonly Value[]>> {
  readonly axes: A;
  /** What every record shares; the point is added to the implementation's parameters. */
  readonly options: MeasureOptions;
  /** Null for a point to be measured, else why it is skipped: "BM x BN needs 300 registers". */
  readonly skip?: (point: SweepPoint<A>) => string | null;
  /** Compiles and prepares a point. What it throws is kept as the reason why the point failed. */
  readonly target: (
    point: SweepPoint<A>,
  ) => Promise<{ target: MeasureTarget; options?: Partial<MeasureOptions> }>;
  /** Called after every point. */
  readonly onProgress?: (done: number, total: number, point: SweepPoint<A>) => void;
  /** How many of the fastest are measured again in turns to settle the order; default 4, 0 for none. */
  readonly finalists?: number;
}

/** A finished sweep. */
export interface Sweep {
  /** A record for every point that ran. */
  readonly records: MeasureRecord[];
  /** Points that were skipped or failed, with the reason. */
  readonly failures: Failure[];
  /** The fastest and those that cannot be told from it, from the interleaved final. */
  readonly best: MeasureRecord[];
}

/**
 * Measures every valid setting of some axes, then the fastest again in turns, and answers those tied for best.
 *
 * @throws LabError "bad-options" when an axis is empty; "device-lost" is kept as the point's failure
 * @example
 * const sweep = await lab.sweep({
 *   axes: { block: [64, 128, 256, 512] },
 *   options: { suite: "softmax", bytes },
 *   target: async ({ block }) => ({ target: { kernel, config: { grid: rows, block }, args: [x, y, rows, cols] } }),
 * });
 * lab.plot(sweep.records);
 */
export async function sweep<const A extends Record<string, readonly Value[]>>(
  declaration: SweepDeclaration<A>,
): Promise<Sweep> {
  const { axes, options, skip, target, onProgress } = declaration;
  const points = pointsOf(axes);
  const failures: Failure[] = [];
  const measured: { record: MeasureRecord; target: MeasureTarget; options: MeasureOptions }[] = [];
  for (const [i, point] of points.entries()) {
    const reason = skip?.(point) ?? null;
    if (reason !== null) {
      failures.push(failure(point, options, "skipped", reason));
    } else {
      try {
        const made = await target(point);
        const own = withPoint({ ...options, ...made.options }, point);
        const [record] = await measureInterleaved([{ target: made.target, options: own }]);
        measured.push({ record: record!, target: made.target, options: own });
      } catch (error) {
        if (!LabError.is(error)) throw error;
        failures.push(failure(point, options, "failed", `${error.code}: ${error.what}`));
      }
    }
    onProgress?.(i + 1, points.length, point);
  }
  return {
    records: measured.map((m) => m.record),
    failures,
    best: await final(measured, declaration.finalists ?? 4),
  };
}

// Points are measured minutes apart, at different clocks: only the final, in turns, may name a winner.
async function final(
  measured: readonly { record: MeasureRecord; target: MeasureTarget; options: MeasureOptions }[],
  count: number,
): Promise<MeasureRecord[]> {
  const ranked = measured
    .filter((m) => m.record.verdict.verdict !== "rejected")
    .sort((a, b) => a.record.statistics.median - b.record.statistics.median);
  if (count < 2 || ranked.length < 2) return tiedForBest(ranked.map((m) => m.record));
  const finalists = ranked.slice(0, count);
  return tiedForBest(
    await measureInterleaved(finalists.map(({ target, options }) => ({ target, options }))),
    { paired: true },
  );
}

/** Every combination of the axes, the last axis fastest. */
export function pointsOf<const A extends Record<string, readonly Value[]>>(axes: A): SweepPoint<A>[] {
  let points: Record<string, Value>[] = [{}];
  for (const [name, values] of Object.entries(axes)) {
    if (values.length === 0) {
      throw new LabError("bad-options", `Sweeping: expected values on every axis, "${name}" has none.`, {
        advice: "Give each axis at least one value.",
      });
    }
    points = points.flatMap((point) => values.map((value) => ({ ...point, [name]: value })));
  }
  return points as SweepPoint<A>[];
}

function withPoint(options: MeasureOptions, point: Record<string, Value>): MeasureOptions {
  const parameters = { ...options.implementation?.parameters, ...point };
  return { ...options, implementation: { ...options.implementation, parameters } };
}

function failure(
  point: Record<string, Value>,
  options: MeasureOptions,
  kind: Failure["kind"],
  reason: string,
): Failure {
  const name = options.implementation?.name ?? options.implementation?.id ?? "sweep";
  return {
    case: {
      suite: options.suite ?? "scratch",
      name: options.case?.name ?? name,
      params: { ...options.case?.params },
      dtype: options.case?.dtype ?? "f32",
    },
    implementation: {
      id: options.implementation?.id ?? name,
      name,
      kind: "ours",
      parameters: { ...options.implementation?.parameters, ...point },
      sourceHash: null,
    },
    kind,
    reason,
  };
}
