import type { TimingResult } from "../backend/contract";
import { env } from "../core/env";
import { LabError } from "../core/error";
import { type Comparison, compareSamples } from "../record/comparison";
import { newId } from "../record/document";
import type { Environment, MeasureRecord, Method, StateReading } from "../record/schema";
import { median, summarize } from "../record/statistics";
import type { Device } from "../runtime/device";
import { checkCounts } from "./clock";
import { environmentOf } from "./environment";
import { judge } from "./gate";
import { readCounters } from "./recordCounters";
import { perCycleOf, physicalFloor, type Roof, ratesOf, roofOf } from "./roofline";
import { type Seen, Session } from "./session";
import {
  checkRecord,
  deviceOf,
  kernelOf,
  launchesOf,
  type MeasureOptions,
  type MeasureTarget,
  resourcesOf,
  sourceHashOf,
  workOf,
} from "./target";
import { gateFor } from "./thresholds";

/** A target with what is to be said of it. */
export interface Contender {
  readonly target: MeasureTarget;
  readonly options: MeasureOptions;
}

/** Two implementations measured in turns. */
export interface ComparedRecords {
  readonly a: MeasureRecord;
  readonly b: MeasureRecord;
  /** The ratio is b's time over a's: above 1, `a` is the faster. */
  readonly comparison: Comparison;
}

/**
 * Times a kernel and answers a record: samples, statistics, rates, share of the roofline, and whether to believe it.
 *
 * Ten warm-up runs and fifty samples by events in one native call: before each the outputs are poisoned, the L2 cache
 * is overwritten twice over and the next set of addresses is taken; afterwards inputs and outputs are looked at.
 * Errors: those of the launch; "bad-options".
 *
 * @param target `{ kernel, config, args }`, or a function that enqueues on `options.device`
 * @param options `bytes` and `flops` of one run make the rates; `check` makes the verdict
 * @example
 * const m = await lab.measure({ kernel: saxpy, config: { grid, block: 256 }, args: [2, x, y, n] }, { bytes: 12 * n });
 * console.log(m.statistics.median, m.rates.roofline?.share, m.verdict);
 */
export async function measure(target: MeasureTarget, options: MeasureOptions = {}): Promise<MeasureRecord> {
  const [record] = await measureInterleaved([{ target, options }]);
  return record!;
}

/**
 * Measures two implementations in turns (A B A B) and compares them pair by pair, so that drift of the clock cancels.
 *
 * @example
 * const { comparison } = await lab.compare({ a: { target: ours, options }, b: { target: theirs, options } });
 * console.log(comparison.outcome, comparison.ratio, [comparison.lo, comparison.hi]);
 */
export async function compare(contenders: { a: Contender; b: Contender }): Promise<ComparedRecords> {
  const [a, b] = await measureInterleaved([contenders.a, contenders.b]);
  return { a: a!, b: b!, comparison: compareSamples(a!.samples, b!.samples, { paired: true }) };
}

/** Measures any number of contenders on one device in turns; counts, mode and flushing are the first one's. */
export async function measureInterleaved(contenders: readonly Contender[]): Promise<MeasureRecord[]> {
  const first = contenders[0];
  if (!first)
    throw new LabError("bad-options", "Measuring: expected at least one target.", {
      advice: "Pass a target.",
    });
  const device = deviceOf(first.target, first.options);
  if (contenders.some((c) => deviceOf(c.target, c.options) !== device)) {
    throw new LabError("wrong-device", "Measuring in turns: expected targets of one device.", {
      advice: "Open the device once and make every target with it.",
    });
  }
  const roofs = await Promise.all(
    contenders.map(({ options }) => roofOf(device, dtypeOf(options), options.unit)),
  );
  const environment = await environmentOf(device);
  const session = await Session.open(device, contenders);
  const records: MeasureRecord[] = [];
  try {
    const works = contenders.map(({ target }) => workOf(target));
    const counts = await countsFor(device, works, first.options);
    await session.bind(counts.samples);
    const timing = await session.time(counts, first.options);
    for (const [i, contender] of contenders.entries()) {
      const seen = await session.inspect(i);
      records.push(
        await recordOf(contender, {
          device,
          samples: timing.seconds[i]!.map((s) => s / counts.batch),
          method: methodOf(session, timing, i, { ...counts, options: first.options }),
          state: timing.state.map((s) => ({
            ...s,
            throttleReasons: s.throttleReasons && [...s.throttleReasons],
          })),
          environment,
          roof: roofs[i]!,
          seen,
        }),
      );
    }
  } finally {
    session.close();
  }
  // Afterwards, with everything freed: nothing of it may be in the way of the clock, nor the clock's copies in its own.
  for (const [i, contender] of contenders.entries()) records[i] = await counted(records[i]!, contender);
  return records;
}

/** The record with counters of its launches where they were asked for, or with a note that says why not. */
async function counted(record: MeasureRecord, { target, options }: Contender): Promise<MeasureRecord> {
  if (!(options.counters ?? env("KERNEL_LAB_COUNTERS") === "1")) return record;
  const { counters, notes } = await readCounters(launchesOf(target));
  return {
    ...record,
    ...(counters ? { counters } : {}),
    notes: [...record.notes, ...notes],
  };
}

interface Measured {
  readonly samples: readonly number[];
  readonly method: Method;
  readonly state: readonly StateReading[];
  readonly environment: Environment;
  readonly roof: Roof;
  readonly device: Device;
  readonly seen: Seen;
}

function methodOf(
  session: Session,
  timing: TimingResult,
  i: number,
  asked: { warmup: number; samples: number; batch: number; options: MeasureOptions },
): Method {
  const { warmup, samples, batch, options } = asked;
  const sustained = options.mode === "sustained";
  return {
    warmup,
    samples,
    batch,
    flushBytes: sustained ? 0 : session.flushBytes,
    mode: sustained ? "sustained" : "short",
    timer: "events",
    interleaved: session.bound.length > 1,
    eventOverhead: median(timing.overhead),
    graph: options.graph ?? false,
    rotation: session.bound[i]!.sets,
    freshContents: session.bound[i]!.fresh,
    persistingReset: timing.persistingReset,
    unfinished: median(timing.unfinished[i]!),
    idle: median(timing.idle),
    // The ends of a span, some 20 us, must not matter.
    clockRatio: timing.hostSpan > 0.01 ? timing.eventSpan / timing.hostSpan : null,
  };
}

async function recordOf({ target, options }: Contender, measured: Measured): Promise<MeasureRecord> {
  const { samples, method, state, environment, roof, device, seen } = measured;
  const check = await checkRecord(options.check);
  const statistics = summarize(samples);
  const bytes = options.bytes ?? null;
  const flops = options.flops ?? null;
  const name = options.implementation?.name ?? kernelOf(target)?.name ?? "work";
  const memory = await device.memory();
  const gate = gateFor(device.info);
  return {
    id: newId(),
    case: {
      suite: options.suite ?? "scratch",
      name: options.case?.name ?? name,
      params: { ...options.case?.params },
      dtype: dtypeOf(options),
      ...(options.distribution === undefined ? {} : { distribution: options.distribution }),
    },
    implementation: {
      id: options.implementation?.id ?? name,
      name,
      kind: options.implementation?.kind ?? "ours",
      parameters: { ...options.implementation?.parameters },
      sourceHash: sourceHashOf(target, options),
    },
    method,
    samples: [...samples],
    statistics,
    bytes,
    flops,
    rates: {
      ...ratesOf(Math.max(statistics.median, 1e-12), bytes, flops, roof),
      perCycle: perCycleOf(Math.max(statistics.median, 1e-12), bytes, flops, state),
    },
    check,
    memory: { usedBytes: memory.used, peakBytes: null },
    verdict: judge(
      {
        kind: device.kind,
        samples,
        statistics,
        method,
        floorSeconds: physicalFloor(bytes, flops, roof, device.info.l2Bytes),
        check,
        state,
        inputs: seen.inputs,
        outputs: seen.outputs,
        l2Bytes: device.info.l2Bytes,
      },
      gate,
    ),
    resources: await resourcesOf(target),
    state: [...state],
    notes: [...(options.notes ?? [])],
    inputs: [...seen.inputs],
    outputs: [...seen.outputs],
    environment,
  };
}

/**
 * How many runs: as asked, cut down where the CPU device would take longer than the budget. Runs everything once, so
 * that a fault surfaces before anything is timed and whatever the work makes at its first run is there.
 */
async function countsFor(
  device: Device,
  works: ReadonlyArray<() => void>,
  options: MeasureOptions,
): Promise<{ warmup: number; samples: number; batch: number }> {
  const counts = { warmup: options.warmup ?? 10, samples: options.samples ?? 50, batch: options.batch ?? 1 };
  checkCounts(counts);
  const budget = options.budget ?? (device.kind === "cpu" ? 3 : Number.POSITIVE_INFINITY);
  const began = performance.now();
  for (const work of works) work();
  await device.sync();
  if (!Number.isFinite(budget)) return counts;
  const once = ((performance.now() - began) / 1000) * counts.batch;
  const affordable = Math.floor(budget / once);
  return {
    ...counts,
    samples: Math.min(counts.samples, Math.max(10, affordable)),
    warmup: Math.min(counts.warmup, Math.max(1, Math.floor(affordable / 5))),
  };
}

function dtypeOf(options: MeasureOptions): string {
  return options.case?.dtype ?? "f32";
}
