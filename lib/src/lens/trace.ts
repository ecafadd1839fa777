import type { LensRequest } from "../backend/binding";
import type { CompiledModule } from "../backend/compiled";
import type { Device } from "../runtime/device";
import type { Kernel } from "../runtime/kernel";
import type { LaunchConfig } from "../runtime/launch";
import type { KernelArg } from "../runtime/pack";
import { Tensor } from "../runtime/tensor";
import { lensDevice, type Purpose } from "./lensDevice";
import { Mirror } from "./mirror";

/** Memory named in a trace. */
export interface TracedRange {
  readonly base: number;
  readonly bytes: number;
  /** Of a variable; empty of a tensor and of dynamic shared memory. */
  readonly name: string;
}

/** What the device answers for a traced launch (native/simt/lens/tracer.cc). */
export interface Trace {
  /** Memory accesses of threads that were told. */
  readonly accesses: number;
  readonly events: number;
  /** The most memory that the lens's process ever had. */
  readonly peakBytes: number;
  /** Blocks of the grid, and linear indices of those traced. */
  readonly blocks: number;
  readonly traced: readonly number[];
  /** Why the launch was given up before its end: "deadlock", "illegal-address", "time-limit"; else null. */
  readonly ended: string | null;
  readonly allocations: readonly TracedRange[];
  readonly shared: readonly TracedRange[];
  /** The packed arguments, in hexadecimal. */
  readonly arguments: string;
  /** Each observer's own findings. */
  readonly observers: Readonly<Record<string, unknown>>;
}

/** A trace and what is needed to read it. */
export interface TracedLaunch {
  readonly trace: Trace;
  /** The kernel as compiled for the lens. */
  readonly kernel: Kernel;
  /** Path of the instrumented module: program counters are addresses in it. */
  readonly module: CompiledModule["binary"];
  /** What the launch left in the tensors among its arguments, by argument, where `results` was asked for. */
  readonly results: ReadonlyMap<number, Uint8Array>;
}

/** How a launch is traced. */
export interface TraceOptions {
  readonly request: LensRequest;
  /** Seconds the traced launch may take. */
  readonly timeLimit: number;
  /** What is looked for; "hazards" by default. */
  readonly purpose?: Purpose;
  /** Write what the launch computed back to the tensors given. */
  readonly keep: boolean;
  /** Read back what the launch left in the tensors. */
  readonly results?: boolean;
}

const turns = new WeakMap<Device, Promise<unknown>>();

/** Runs one launch on the lens's device with observers watching. The kernel may be of any device. */
export async function traceLaunch(
  kernel: Kernel,
  config: LaunchConfig,
  args: readonly KernelArg[],
  options: TraceOptions,
): Promise<TracedLaunch> {
  const device = await lensDevice(options.timeLimit, options.purpose ?? "hazards");
  // A device traces one launch at a time.
  const before = turns.get(device) ?? Promise.resolve();
  const turn = before.then(() => traceOn(device, kernel, config, args, options));
  turns.set(
    device,
    turn.catch(() => {}),
  );
  return turn;
}

async function traceOn(
  device: Device,
  kernel: Kernel,
  config: LaunchConfig,
  args: readonly KernelArg[],
  options: TraceOptions,
): Promise<TracedLaunch> {
  await device.connection.reopened();
  const { request } = kernel.module;
  const traced = await device.compileModule(request.source, { ...request, names: request.names });
  const twin = traced.kernel(kernel.name);
  const mirror = new Mirror(device);
  try {
    const mirrored = await Promise.all(args.map((value) => mirror.argument(value)));
    await mirror.variables(kernel.module, traced);
    await device.connection.lensBegin(options.request);
    const { grid, block, shared, cooperative, cluster } = config;
    twin.enqueue({ grid, block, shared, cooperative, cluster }, ...mirrored);
    await device.sync();
    const trace = JSON.parse(await device.connection.lensEnd()) as Trace;
    if (options.keep) await mirror.writeBack();
    const results = new Map<number, Uint8Array>();
    for (const [i, value] of args.entries()) {
      if (options.results && value instanceof Tensor) results.set(i, await mirror.contents(value));
    }
    return { trace, kernel: twin, module: traced.loaded.image.path, results };
  } finally {
    mirror.free();
  }
}
