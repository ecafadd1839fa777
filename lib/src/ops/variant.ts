import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { DeviceInfo } from "../backend/contract";
import type { DType } from "../core/dtype";
import { LabError } from "../core/error";
import { kernelPath } from "../core/paths";
import type { CheckRecord } from "../record/schema";
import type { Device } from "../runtime/device";
import type { Kernel } from "../runtime/kernel";
import type { LaunchConfig } from "../runtime/launch";
import type { KernelArg } from "../runtime/pack";
import type { Tensor } from "../runtime/tensor";

/** Tile sizes and the like: what a sweep varies. */
export type Parameters = Readonly<Record<string, number | string | boolean>>;

/** The settings of each parameter that a sweep tries, before `needs` sorts out those that cannot be. */
export type Axes = Readonly<Record<string, ReadonlyArray<number | string | boolean>>>;

/** One size of a problem, with a name for tables and the parameters a record keeps. */
export interface OpCase {
  readonly name: string;
  readonly params: Parameters;
  readonly dtype: DType;
  /** How the inputs are drawn, in words. */
  readonly distribution: string;
}

/** One kernel launch, not yet enqueued. */
export interface Launch {
  readonly kernel: Kernel;
  readonly config: LaunchConfig;
  readonly args: readonly KernelArg[];
}

/** Inputs, outputs and the right answer of a case, on a device. */
export interface Problem {
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** The names of the tensors a kernel must write. */
  readonly outputs: readonly string[];
  /** Compares the outputs with the reference; samples large ones. */
  check(): Promise<CheckRecord>;
}

/** One rung of a ladder: a kernel file and how to run it. */
export interface Variant<C extends OpCase = OpCase> {
  /** "softmax/04_online": the file below kernels/ without its ending, and the implementation's id in records. */
  readonly id: string;
  readonly topic: string;
  readonly rung: number;
  readonly title: string;
  /** The idea in one sentence. */
  readonly idea: string;
  /** Path below kernels/. */
  readonly file: string;
  /** The parameters used unless others are given; they may depend on the case and the device. */
  parameters(info: DeviceInfo, c: C): Parameters;
  /** What `lab sweep` tries unless told otherwise; a rung without it has nothing to sweep. */
  axes?(info: DeviceInfo, c: C): Axes;
  /** Null when the rung can run the case there, else the reason why not. */
  needs(info: DeviceInfo, c: C, parameters: Parameters): string | null;
  /** Bytes that must move at least, the same for all rungs of a topic. */
  bytes(c: C): number;
  flops(c: C): number;
  /** Kernels wanted from the file: symbols or name expressions. */
  names(c: C, parameters: Parameters): string[];
  problem(device: Device, c: C): Promise<Problem>;
  /** Tensors it needs beside the problem's, as dtype and size; undefined contents unless they must be zeros at first. */
  scratch?(
    c: C,
    parameters: Parameters,
  ): Readonly<Record<string, { dtype: DType; size: number; zeros?: boolean }>>;
  launches(
    kernels: readonly Kernel[],
    tensors: Readonly<Record<string, Tensor>>,
    c: C,
    parameters: Parameters,
  ): Launch[];
}

/** A variant compiled and bound to a case's tensors: ready to run, check and measure. */
export interface Prepared<C extends OpCase = OpCase> {
  readonly device: Device;
  readonly variant: Variant<C>;
  readonly case: C;
  readonly parameters: Parameters;
  readonly kernels: readonly Kernel[];
  readonly launches: readonly Launch[];
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** The problem's tensors that a run reads, and those it writes; scratch is in neither. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly bytes: number;
  readonly flops: number;
  /** SHA-256 of the source that runs, its first 16 digits. */
  readonly sourceHash: string;
  /** Enqueues the work once. */
  run(): void;
  /** Poisons the outputs with NaN, runs once and compares. */
  check(): Promise<CheckRecord>;
  /** Compares what the outputs hold now: after timing, that is the timed runs' own work. */
  checkTimed(): Promise<CheckRecord>;
  free(): void;
}

/** How `prepare` may differ from the file as it stands. */
export interface PrepareOptions {
  readonly parameters?: Parameters;
  /** The text to compile instead of the file: an edited cell. */
  readonly source?: string;
  /** Folders to look in for headers before the file's own: those an older text was measured with. */
  readonly includes?: readonly string[];
  /** Extra compiler options. */
  readonly options?: readonly string[];
  /** Tensors and reference made before, by `variant.problem`: used as they are, and not freed by `free`. */
  readonly problem?: Problem;
}

/** The text of a variant's kernel file. */
export function variantSource(variant: Pick<Variant, "file">): string {
  return readFileSync(kernelPath(variant.file), "utf8");
}

/**
 * Compiles a variant for a case and makes its tensors.
 *
 * @throws LabError "not-supported" when the variant's `needs` says so, and what compiling throws
 * @example
 * const p = await lab.prepare(dev, lab.softmax.variant("04_online"), lab.softmax.makeCase({ rows: 7, cols: 333 }));
 * console.log((await p.check()).passed);
 * p.free();
 */
export async function prepare<C extends OpCase>(
  device: Device,
  variant: Variant<C>,
  c: C,
  options: PrepareOptions = {},
): Promise<Prepared<C>> {
  const parameters = { ...variant.parameters(device.info, c), ...options.parameters };
  const reason = variant.needs(device.info, c, parameters);
  if (reason !== null) {
    throw new LabError("not-supported", `${variant.id} cannot run ${c.name} on ${device.name}: ${reason}.`);
  }
  const source = options.source ?? variantSource(variant);
  const names = variant.names(c, parameters);
  const module = await device.compileModule(source, {
    names,
    fileName: variant.file,
    includes: [...(options.includes ?? []), dirname(kernelPath(variant.file))],
    options: options.options ?? [],
  });
  const kernels = names.map((name) => module.kernel(name));
  const problem = options.problem ?? (await variant.problem(device, c));
  const tensors: Record<string, Tensor> = { ...problem.tensors };
  for (const [name, { dtype, size, zeros }] of Object.entries(variant.scratch?.(c, parameters) ?? {})) {
    tensors[name] = zeros ? device.zeros([size], { dtype }) : device.empty([size], { dtype });
  }
  const launches = variant.launches(kernels, tensors, c, parameters);
  const run = () => {
    for (const { kernel, config, args } of launches) kernel.enqueue(config, ...args);
  };
  return {
    device,
    variant,
    case: c,
    parameters,
    kernels,
    launches,
    tensors,
    inputs: Object.entries(problem.tensors).flatMap(([name, t]) =>
      problem.outputs.includes(name) ? [] : [t],
    ),
    outputs: problem.outputs.map((name) => tensors[name]!),
    bytes: variant.bytes(c),
    flops: variant.flops(c),
    sourceHash: createHash("sha256").update(source).digest("hex").slice(0, 16),
    run,
    async check() {
      for (const name of problem.outputs) poison(tensors[name]!);
      run();
      return problem.check();
    },
    async checkTimed() {
      return { ...(await problem.check()), timedOutput: true };
    },
    free() {
      const lent = new Set(Object.values(options.problem?.tensors ?? {}));
      for (const tensor of Object.values(tensors)) if (!lent.has(tensor)) tensor.free();
    },
  };
}

/** The result of one case of `checkVariant`. */
export interface CaseResult {
  readonly case: string;
  readonly status: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped; empty when it passed. */
  readonly detail: string;
  readonly check: CheckRecord | null;
}

/**
 * Checks a variant against the float64 reference on each case; one that cannot run is skipped with its reason.
 *
 * @example lab.table(await lab.checkVariant(dev, lab.softmax.variant("03_warp"), lab.softmax.checkCases()))
 */
export async function checkVariant<C extends OpCase>(
  device: Device,
  variant: Variant<C>,
  cases: readonly C[],
  options: PrepareOptions = {},
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const c of cases) {
    const parameters = { ...variant.parameters(device.info, c), ...options.parameters };
    const reason = variant.needs(device.info, c, parameters);
    if (reason !== null) {
      results.push({ case: c.name, status: "skipped", detail: reason, check: null });
      continue;
    }
    const prepared = await prepare(device, variant, c, options);
    try {
      const check = await prepared.check();
      const status = check.passed ? "passed" : "failed";
      results.push({ case: c.name, status, detail: check.mismatch ?? "", check });
    } finally {
      prepared.free();
    }
  }
  return results;
}

/** Finds a variant by its id, its stem or its number: "softmax/04_online", "04_online", 4. */
export function findVariant<C extends OpCase>(
  variants: ReadonlyArray<Variant<C>>,
  wanted: string | number,
): Variant<C> {
  const found = variants.find((v) => v.id === wanted || v.id.endsWith(`/${wanted}`) || v.rung === wanted);
  if (found) return found;
  throw new LabError("no-such-variant", `There is no rung ${wanted}.`, {
    advice: `There are ${variants.map((v) => v.id).join(", ")}.`,
  });
}

/** Fills with values no kernel leaves by chance: NaN, or -1 for integers. */
function poison(tensor: Tensor): void {
  tensor.fill(tensor.dtype === "i32" ? -1 : Number.NaN);
}

/** The kernel symbol of a file: kernels/softmax/05_vector.cu holds softmax_05_vector. */
export function symbolOf(file: string): string {
  return file.replace(/\.cu$/, "").replace("/", "_");
}
