import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LabError } from "../core/error";
import { counterQuantities, defaultMetrics, explainingMetrics, quantityOf } from "../record/counterMetrics";
import type { Predictions, ValidatedCount, Validation } from "../record/validation";
import type { Device } from "../runtime/device";
import { checkLaunch } from "../runtime/launch";
import { type KernelLaunch, saveReplay } from "../runtime/replay";
import { findNcu, joinRows } from "./counters";
import { labVersion } from "./environment";
import { runNcu, runProgram } from "./ncu";
import type { ValidationCase } from "./validationCases";

/** Counts agree when they are off by no more than this share. */
export const tolerance = 0.02;

/** Why a count differs, for rows whose case or kernel holds a text; the first that fits is taken. */
export interface ValidationReason {
  /** Part of the case's or the kernel's name. */
  readonly of: string;
  /** Ids of the quantities; all where left out. */
  readonly quantities?: readonly string[];
  readonly reason: string;
}

/** Counters of one launch by ncu's names, as the lens predicts them. */
export type Predictor = (launch: KernelLaunch) => Promise<Readonly<Record<string, number>>>;

/** Called with what is being looked at, how many are done and how many there are. */
export type ValidationProgress = (what: string, done: number, total: number) => void;

/** What identifies a row: launches of one kernel in one case. */
interface Launched {
  readonly case: string;
  readonly kernel: string;
  readonly launches: number;
  readonly grid: [number, number, number];
  readonly block: [number, number, number];
}

interface Row extends Launched {
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly instructions: Readonly<Record<string, number>> | null;
}

/** What the lens says of every case; needs no GPU. */
export async function predictCases(
  device: Device,
  cases: readonly ValidationCase[],
  predict: Predictor,
  progress: ValidationProgress = () => {},
): Promise<Predictions> {
  const rows: Row[] = [];
  for (const [i, c] of cases.entries()) {
    progress(c.name, i, cases.length);
    const { launches, free } = await c.prepare(device);
    try {
      for (const launch of launches) rows.push(rowOf(c.name, launch, await predict(launch), null));
    } finally {
      free();
    }
  }
  return {
    kind: "kernel-lab-predictions",
    lab: labVersion().version,
    date: new Date().toISOString(),
    rows: merged(rows).map(({ metrics, instructions: _, ...row }) => ({
      ...row,
      counts: Object.fromEntries(counterQuantities.map((q) => [q.id, quantityOf(q, metrics)])),
    })),
  };
}

/**
 * Measures every case with ncu, all launches in two runs of it, and holds the predictions against the counters.
 *
 * Errors: those of `lab.counters`; "stale-predictions" when they are of other launches.
 */
export async function validateCases(
  device: Device,
  cases: readonly ValidationCase[],
  predictions: Predictions,
  reasons: readonly ValidationReason[],
  progress: ValidationProgress = () => {},
): Promise<Validation> {
  const ncu = findNcu();
  const version = await runProgram(ncu, ["--version"], 60, process.env);
  const rows = await measureCases(device, cases, ncu, progress);
  return {
    kind: "kernel-lab-validation",
    lab: labVersion().version,
    date: new Date().toISOString(),
    device: { name: device.name, arch: device.info.arch, driver: device.info.driverVersion ?? null },
    compiler: await device.compiler(),
    ncu: /Version (\S+)/.exec(version.output)?.[1] ?? "unknown",
    tolerance,
    rows: joinPredictions(predictions, rows, reasons),
  };
}

/** An earlier validation's measured counts, held against other predictions and reasons; its date and device stay. */
export function rejoined(
  earlier: Validation,
  predictions: Predictions,
  reasons: readonly ValidationReason[],
): Validation {
  const measured = earlier.rows.map(({ counts: _, metrics, ...row }) => ({
    ...row,
    metrics: asked(metrics),
  }));
  return { ...earlier, tolerance, rows: joinPredictions(predictions, measured, reasons) };
}

/** What ncu was asked for: its raw page tells of the machine beside. */
function asked(metrics: Row["metrics"]): Row["metrics"] {
  const names = new Set([...defaultMetrics, ...explainingMetrics]);
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => names.has(name)));
}

async function measureCases(
  device: Device,
  cases: readonly ValidationCase[],
  ncu: string,
  progress: ValidationProgress,
): Promise<Row[]> {
  const prepared: { readonly name: string; readonly launch: KernelLaunch }[] = [];
  const frees: (() => void)[] = [];
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-validate-"));
  try {
    for (const [i, c] of cases.entries()) {
      progress(`preparing ${c.name}`, i, cases.length + 2);
      const { launches, free } = await c.prepare(device);
      frees.push(free);
      for (const launch of launches) prepared.push({ name: c.name, launch });
    }
    const launches = prepared.map(({ launch }) => launch);
    await saveReplay(folder, launches);
    const run = { ncu, folder, timeLimit: 280, uuid: device.info.uuid };
    progress("counting", cases.length, cases.length + 2);
    const counted = joinRows(launches, await runNcu({ ...run, metrics: defaultMetrics }), defaultMetrics);
    progress("counting what explains", cases.length + 1, cases.length + 2);
    const more = await runNcu({ ...run, metrics: explainingMetrics }).catch((error: unknown) => {
      // Beside the point where a GPU or an ncu has not got one of them.
      if (LabError.is(error, "unknown-metric")) return [];
      throw error;
    });
    const rows: Row[] = [];
    for (const [i, { name, launch }] of prepared.entries()) {
      const { memoryInstructions } = await launch.kernel.inspect();
      const metrics = asked({ ...counted[i]!.metrics, ...more[i]?.metrics });
      rows.push(rowOf(name, launch, metrics, memoryInstructions));
    }
    return merged(rows);
  } finally {
    for (const free of frees) free();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Rows of a validation from predictions and measured rows of the same launches. */
export function joinPredictions(
  predictions: Predictions,
  measured: readonly Row[],
  reasons: readonly ValidationReason[],
): Validation["rows"] {
  const key = (row: Launched) => JSON.stringify([row.case, row.kernel, row.launches, row.grid, row.block]);
  const known = new Map(predictions.rows.map((row) => [key(row), row]));
  return measured.map(({ metrics, instructions, ...row }) => {
    const prediction = known.get(key(row));
    if (!prediction) {
      throw new LabError(
        "stale-predictions",
        `There is no prediction of ${row.case}, ${row.kernel}, as launched.`,
        {
          advice: "Make them again on any machine: lab validate --predict.",
        },
      );
    }
    const counts = counterQuantities.map((quantity): ValidatedCount => {
      const predicted = prediction.counts[quantity.id] ?? null;
      return compared(quantity, predicted, quantityOf(quantity, metrics), row, reasons);
    });
    return { ...row, counts, metrics: { ...metrics }, instructions: instructions && { ...instructions } };
  });
}

function compared(
  { id, label }: { readonly id: string; readonly label: string },
  predicted: number | null,
  measured: number | null,
  row: Launched,
  reasons: readonly ValidationReason[],
): ValidatedCount {
  const both = predicted !== null && measured !== null;
  const equal = both && predicted === measured;
  const difference = equal ? 0 : both && measured !== 0 ? (predicted - measured) / measured : null;
  const agrees = difference !== null && Math.abs(difference) <= tolerance;
  const fits = ({ of, quantities }: ValidationReason) =>
    (row.case.includes(of) || row.kernel.includes(of)) && (quantities?.includes(id) ?? true);
  const reason = agrees ? "" : (reasons.find(fits)?.reason ?? "");
  return { quantity: id, label, predicted, measured, difference, agrees, reason };
}

function rowOf(
  name: string,
  { kernel, config }: KernelLaunch,
  metrics: Row["metrics"],
  instructions: Row["instructions"],
): Row {
  const { grid, block } = checkLaunch(kernel.name, config, kernel.device.info, kernel.attributes);
  return {
    case: name,
    kernel: kernel.name,
    launches: 1,
    grid: [...grid],
    block: [...block],
    metrics,
    instructions,
  };
}

/** Launches of one kernel in one case as one row: their counts added up, the grid of the first. */
function merged(rows: readonly Row[]): Row[] {
  const joined = new Map<string, Row>();
  for (const row of rows) {
    const key = `${row.case} ${row.kernel}`;
    const before = joined.get(key);
    joined.set(key, before ? { ...before, launches: before.launches + 1, metrics: sum(before, row) } : row);
  }
  return [...joined.values()];
}

function sum(a: Row, b: Row): Row["metrics"] {
  return Object.fromEntries(
    Object.entries(a.metrics).map(([name, value]) => {
      const other = b.metrics[name] ?? null;
      return [name, value === null || other === null ? null : value + other];
    }),
  );
}
