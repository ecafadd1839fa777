import { LabError } from "../core/error";
import * as attention from "../ops/attention";
import * as matmul from "../ops/matmul";
import { Moe } from "../ops/moe";
import { checkMoe } from "../ops/moeCheck";
import { expertBytes, moeBenchConfig } from "../ops/moeConfig";
import * as softmax from "../ops/softmax";
import { type OpCase, type Prepared, prepare, type Variant } from "../ops/variant";
import type { Failure, MeasureRecord } from "../record/schema";
import type { Device } from "../runtime/device";
import { copyFailure } from "./failure";
import { type Contender, measure, measureInterleaved } from "./measure";
import type { MeasureOptions } from "./target";

/** What a suite run answers. */
export interface SuiteResult {
  readonly records: MeasureRecord[];
  readonly failures: Failure[];
}

/** What every measurement of a suite is told. */
export type SuiteOptions = Pick<MeasureOptions, "counters">;

/** Called with what is being measured, how many are done and how many there are. */
export type SuiteProgress = (what: string, done: number, total: number) => void;

/** A ladder's rungs and the cases they are measured at. */
export interface Ladder<C extends OpCase> {
  readonly variants: ReadonlyArray<Variant<C>>;
  cases(device: Device): C[];
  /** Whether a rung is worth its time at a case; every rung at every case when left out. */
  worth?(device: Device, variant: Variant<C>, c: C): boolean;
}

/** The softmax suite's rungs and cases. */
export const softmaxLadder: Ladder<softmax.SoftmaxCase> = {
  variants: softmax.variants,
  cases: (device) =>
    device.kind === "cuda"
      ? [
          softmax.makeCase({ rows: 65536, cols: 4096, dtype: "f16" }),
          softmax.makeCase({ rows: 65536, cols: 4096, dtype: "f32" }),
          softmax.makeCase({ rows: 262144, cols: 768, dtype: "f16" }),
        ]
      : [softmax.benchCase(device.info)],
};

/** The matmul suite's rungs and cases. */
export const matmulLadder: Ladder<matmul.MatmulCase> = {
  variants: matmul.variants,
  cases: (device) => [matmul.benchCase(device.info)],
};

const attentionLadder: Ladder<attention.AttentionCase> = {
  variants: attention.variants,
  cases: (device) => attention.suiteCases(device.info),
  // Beyond this a run without tensor cores takes seconds.
  worth: (_, variant, c) => variant.rung > 5 || variant.flops(c) < 5e11,
};

/** The suites that `lab bench <suite>` knows. */
export const suiteNames = ["softmax", "matmul", "attention", "moe"] as const;

/** Name of a suite. */
export type SuiteName = (typeof suiteNames)[number];

/**
 * Measures every rung of a suite at its cases on a device, checked; rungs that cannot run are listed with reasons.
 *
 * @param options `counters`: read them of every rung, after it was timed
 * @throws LabError "no-such-suite"
 * @example const { records } = await lab.runSuite(dev, "softmax"); lab.plot(records);
 */
export function runSuite(
  device: Device,
  suite: string,
  progress: SuiteProgress = () => {},
  options: SuiteOptions = {},
): Promise<SuiteResult> {
  if (suite === "softmax") return runLadder(device, "softmax", softmaxLadder, progress, options);
  if (suite === "matmul") return runLadder(device, "matmul", matmulLadder, progress, options);
  if (suite === "attention") return runLadder(device, "attention", attentionLadder, progress, options);
  if (suite === "moe") return runMoe(device, progress, options);
  throw new LabError("no-such-suite", `There is no suite "${suite}".`, {
    advice: `There are ${suiteNames.join(", ")}; "figures" prints the lab's own speed.`,
  });
}

/**
 * Measures a prepared variant: bytes, FLOPs, parameters, source hash and a check of the timed output come from it.
 *
 * @example const m = await lab.measureVariant(await lab.prepare(dev, variant, makeCase({ rows: 512, cols: 4096 })));
 */
export function measureVariant(prepared: Prepared, options: MeasureOptions = {}): Promise<MeasureRecord> {
  const { target, options: own } = contender(prepared, options);
  return measure(target, own);
}

/** Measures prepared variants in turns on one device, so that they can be compared. */
export function measureVariants(
  prepared: readonly Prepared[],
  options: MeasureOptions = {},
): Promise<MeasureRecord[]> {
  return measureInterleaved(prepared.map((p) => contender(p, options)));
}

/**
 * A prepared variant as a contender: what to time and everything a record says of it. A sweep's `target` answers it.
 *
 * @example const swept = await lab.sweep({ axes, options: {}, target: async (p) => lab.contender(await prepareAt(p)) });
 */
export function contender(prepared: Prepared, options: MeasureOptions = {}): Contender {
  const { variant, device, launches, parameters } = prepared;
  const own: MeasureOptions = {
    device,
    suite: variant.topic,
    case: { name: prepared.case.name, params: { ...prepared.case.params }, dtype: prepared.case.dtype },
    implementation: {
      id: variant.id,
      name: variant.id,
      parameters: { ...parameters },
    },
    bytes: prepared.bytes,
    flops: prepared.flops,
    inputs: prepared.inputs,
    outputs: prepared.outputs,
    check: () => prepared.checkTimed(),
    distribution: prepared.case.distribution,
    ...options,
  };
  return { target: launches, options: own };
}

async function runLadder<C extends OpCase>(
  device: Device,
  suite: string,
  ladder: Ladder<C>,
  progress: SuiteProgress,
  options: SuiteOptions,
): Promise<SuiteResult> {
  const result: SuiteResult = { records: [], failures: [] };
  const points = ladder
    .cases(device)
    .flatMap((c) => ladder.variants.map((variant) => ({ c, variant })))
    .filter(({ c, variant }) => ladder.worth?.(device, variant, c) ?? true);
  for (const [i, { c, variant }] of points.entries()) {
    progress(`${variant.id} ${c.name}`, i, points.length);
    try {
      const prepared = await prepare(device, variant, c);
      try {
        result.records.push(await measureVariant(prepared as unknown as Prepared, options));
      } finally {
        prepared.free();
      }
    } catch (error) {
      result.failures.push(copyFailure(error, suite, c, variant.id));
    }
  }
  progress(suite, points.length, points.length);
  return result;
}

async function runMoe(device: Device, progress: SuiteProgress, options: SuiteOptions): Promise<SuiteResult> {
  const { config, tokens } = moeBenchConfig(device.kind);
  const { dtype: _, ...sizes } = config;
  const result: SuiteResult = { records: [], failures: [] };
  const distribution = "normal with 0.1% outliers x16";
  const counts = device.kind === "cuda" ? [2048, 32768, tokens] : [tokens];
  const moe = await Moe.create(device, config);
  try {
    for (const [i, count] of counts.entries()) {
      const x = device.randn([count, config.dim], {
        seed: 3,
        dtype: config.dtype,
        outliers: { fraction: 0.001, scale: 16 },
      });
      const c = {
        name: `${count} tokens`,
        params: { tokens: count, ...sizes },
        dtype: config.dtype,
        distribution,
      };
      const run = moe.bind(x);
      try {
        for (const path of ["loop", "grouped"] as const) {
          progress(`moe ${path} ${c.name}`, i * 2 + (path === "loop" ? 0 : 1), counts.length * 2);
          const id = `moe/${path}`;
          try {
            run.poison();
            await run.forward(path);
            const work = () => {
              for (const step of run.steps(path)) step.run();
            };
            result.records.push(
              await measure(work, {
                device,
                suite: "moe",
                case: c,
                implementation: {
                  id,
                  name: id,
                  parameters: {},
                  source: run
                    .steps(path)
                    .map((s) => s.file)
                    .join(),
                },
                bytes: expertBytes(config, run.choices),
                flops: run.flops,
                inputs: [x],
                outputs: [run.out],
                check: () => checkMoe(run),
                distribution,
                ...options,
              }),
            );
          } catch (error) {
            result.failures.push(copyFailure(error, "moe", c, id));
          }
        }
      } finally {
        run.free();
        x.free();
      }
    }
  } finally {
    moe.free();
  }
  return result;
}
