import { dtypes } from "../core/dtype";
import { LabError } from "../core/error";
import type { Kernel } from "../runtime/kernel";
import type { Extents, LaunchConfig } from "../runtime/launch";
import type { KernelArg } from "../runtime/pack";
import { Tensor } from "../runtime/tensor";
import { insideNotebook, show } from "../show/display";
import { stepFrame, stepText } from "../show/steps/page";
import type { StepTrace } from "../show/steps/trace";
import { type RawSteps, readSteps, type TargetNames } from "./rawSteps";
import { type Trace, traceLaunch } from "./trace";

/** What to record of a launch. */
export interface StepOptions {
  /** The block by its index, or x, y and z; the first unless given. Several as a list of lists. */
  readonly block?: Extents | ReadonlyArray<readonly number[]>;
  /** Statements of threads after which recording gives up: 4 million unless given. */
  readonly maxSteps?: number;
  /** Seconds the launch may take; 60 unless given. */
  readonly timeLimit?: number;
  /** Show the page when in a notebook; true unless given. */
  readonly show?: boolean;
  /** Height of the page in a notebook, in pixels. */
  readonly height?: number;
}

/**
 * Records a block of a launch statement by statement, on the CPU and on copies of the tensors, and shows it in a
 * notebook as a page to step through.
 *
 * Recorded are each warp's lines and active lanes, accesses to global and shared memory, the values shared memory
 * takes, and named locals. Any kernel may be given, also a GPU's: the same source runs. Statements of headers are
 * passed over, and locals of `constexpr` functions and inside `switch` are not followed.
 *
 * @throws LabError "invalid-argument" for a block beyond the grid, "trace-too-large", "no-instrumentation", and what a launch throws
 * @example
 * const x = dev.randn([4, 256]), y = dev.empty([4, 256]);
 * const k = await dev.compileFile(lab.kernelPath("softmax/02_block.cu"), { name: "softmax_02_block<float>" });
 * const trace = await lab.step(k, { grid: 4, block: 256, shared: 1024 }, [x, y, 4, 256], { block: 1 });
 * writeFileSync("softmax.html", lab.stepPage(trace));
 */
export async function step(
  kernel: Kernel,
  config: LaunchConfig,
  args: readonly KernelArg[],
  options: StepOptions = {},
): Promise<StepTrace> {
  const grid = extents(config.grid);
  const blocks = chosenBlocks(kernel.name, grid, options.block ?? 0);
  const most = options.maxSteps ?? 4_000_000;
  const { trace, kernel: twin } = await traceLaunch(kernel, config, args, {
    request: {
      blocks,
      sample: 0,
      maxAccesses: 0,
      observers: [{ name: "steps", options: { mostSteps: String(most) } }],
    },
    timeLimit: options.timeLimit ?? 60,
    keep: false,
    purpose: "steps",
  });
  const raw = trace.observers.steps as RawSteps;
  if (raw.tooLarge) {
    throw new LabError(
      "trace-too-large",
      `Recording ${kernel.name} step by step: its block runs more than ${most} statements.`,
      {
        advice: "Give it a smaller problem (a shorter row, a smaller k), or raise maxSteps.",
        kernel: kernel.name,
      },
    );
  }
  const { source, request } = kernel.module;
  const about = {
    kernel: kernel.name,
    fileName: request.fileName,
    source,
    grid,
    block: extents(config.block),
  };
  const recorded = readSteps(raw, about, targetNames(trace, twin, args));
  // A cell that ends with the call prints one line, not the recording.
  Object.defineProperty(recorded, Symbol.for("nodejs.util.inspect.custom"), {
    value: () => stepText(recorded),
  });
  if (options.show !== false && insideNotebook()) showSteps(recorded, options.height);
  return recorded;
}

/** Shows a recorded launch in a notebook; elsewhere answers one line about it. */
export function showSteps(trace: StepTrace, height?: number): string | undefined {
  return show({ html: stepFrame(trace, height), text: stepText(trace) });
}

function extents(given: Extents): readonly [number, number, number] {
  const [x, y = 1, z = 1] = typeof given === "number" ? [given] : given;
  return [x ?? 1, y, z];
}

function chosenBlocks(
  kernel: string,
  grid: readonly [number, number, number],
  given: NonNullable<StepOptions["block"]>,
): number[] {
  const several = Array.isArray(given) && Array.isArray(given[0]);
  const wanted = (several ? given : [given]) as Extents[];
  const indices = wanted.map((one) => {
    const [x, y = 0, z = 0] = typeof one === "number" ? [one] : one;
    // A single number counts through the whole grid.
    return typeof one === "number" ? one : (x ?? 0) + grid[0] * (y + grid[1] * z);
  });
  const count = grid[0] * grid[1] * grid[2];
  const wrong = indices.findIndex((index) => !Number.isInteger(index) || index < 0 || index >= count);
  if (wrong >= 0) {
    throw new LabError(
      "invalid-argument",
      `Recording ${kernel} step by step: expected a block of the grid of ${grid.join(" x ")} but received ${JSON.stringify(wanted[wrong])}.`,
      { advice: `Blocks go from 0 to ${count - 1}, or give x, y and z.`, kernel },
    );
  }
  return [...new Set(indices)].sort((a, b) => a - b);
}

/** Which allocation belongs to which tensor, found by the pointers in the packed arguments. */
function targetNames(trace: Trace, kernel: Kernel, args: readonly KernelArg[]): TargetNames {
  const packed = Buffer.from(trace.arguments, "hex");
  const raw = trace.allocations;
  const names = new Map<
    number,
    { name: string; dtype: string; elementBytes: number; shape: readonly number[] }
  >();
  kernel.signature.params.forEach((param, i) => {
    const value = args[i];
    if (!(value instanceof Tensor) || param.offset + 8 > packed.length) return;
    const address = Number(packed.readBigUInt64LE(param.offset));
    const index = raw.findIndex(({ base, bytes }) => address >= base && address < base + bytes);
    if (index < 0 || names.has(index)) return;
    const elementBytes = dtypes[value.dtype].bytes;
    const bytes = raw[index]!.bytes;
    const whole = address === raw[index]!.base && value.size * elementBytes === value.storage.bytes;
    names.set(index, {
      name: param.name,
      dtype: value.dtype,
      elementBytes,
      shape: whole ? value.shape : [Math.ceil(bytes / elementBytes)],
    });
  });
  return names;
}
