import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { CompiledModule, CompileRequest } from "../backend/compiled";
import type { Connection } from "../backend/connection";
import type { DeviceInfo, DeviceKind, DeviceState, MemoryReading } from "../backend/contract";
import { nvrtcVersion } from "../backend/cuda/compile";
import { hostCompiler } from "../backend/simt/compiler";
import { type DType, dtypeInfo, dtypeOf } from "../core/dtype";
import { LabError } from "../core/error";
import { onInterrupt } from "../core/interrupt";
import { kernelPath } from "../core/paths";
import { checkShape, type Shape, sizeOf } from "../core/shape";
import { Graph } from "./graph";
import type { Kernel } from "./kernel";
import { Module } from "./module";
import type { KernelLaunch } from "./replay";
import { readSource, unpackableKernel } from "./source";
import { Storage } from "./storage";
import { Event, Stream } from "./stream";
import { flatten, Tensor, type TensorData } from "./tensor";

/** Options of a compilation. */
export interface CompileOptions {
  /** Kernel to take; needed where the source has several, or for a template: "tile<float, 128>". */
  readonly name?: string;
  /** Kernels to build; the default is every one that is not a template. */
  readonly names?: readonly string[];
  /** Macros, as -D. */
  readonly defines?: Readonly<Record<string, string | number | boolean>>;
  /** Folders to look in for #include. */
  readonly includes?: readonly string[];
  /** Extra options of the device's compiler. */
  readonly options?: readonly string[];
  /** Name shown in messages. */
  readonly fileName?: string;
}

/** Options of a filled tensor. */
export interface FillOptions {
  readonly dtype?: DType;
  /** The same seed gives the same values on every device. */
  readonly seed?: number | bigint;
  /** A share of the values multiplied by a scale, as real activations have. */
  readonly outliers?: { readonly fraction: number; readonly scale: number };
}

/** Options of a tensor of given values: the shape and dtype where they are not the data's own. */
export interface TensorOptions {
  readonly shape?: Shape | number;
  readonly dtype?: DType;
}

/** @internal What `open` hands to a device. */
export interface DeviceParts {
  readonly connection: Connection;
  readonly info: DeviceInfo;
  /** Why not a GPU, when it is not one. */
  readonly why: string;
  compile(request: CompileRequest): Promise<CompiledModule>;
}

/**
 * A device that runs kernels: a GPU, or the CPU imitating one.
 *
 * @example
 * const dev = await lab.open();
 * const x = dev.randn([1 << 20], { seed: 1 });
 * console.log(dev.name, (await dev.memory()).used);
 * await dev.close();
 */
export class Device {
  /** Limits and names, as the device says them. */
  readonly info: DeviceInfo;
  /** On the CPU device: why it was chosen ("no CUDA driver: ..."); empty on a GPU. */
  readonly why: string;
  /** @internal */
  readonly connection: Connection;
  /** @internal Told of every launch that is enqueued, for those who look at launches. */
  onLaunch: ((launch: KernelLaunch) => void) | null = null;
  readonly #compile: DeviceParts["compile"];
  readonly #offInterrupt: () => void;
  #seed = 1;

  /** @internal Made by `lab.open()`. */
  constructor(parts: DeviceParts) {
    this.info = parts.info;
    this.why = parts.why;
    this.connection = parts.connection;
    this.#compile = parts.compile;
    this.#offInterrupt = onInterrupt(() => this.interrupt());
  }

  /** "cpu" or "cuda". */
  get kind(): DeviceKind {
    return this.info.kind;
  }

  /** "NVIDIA H200", or the processor's name. */
  get name(): string {
    return this.info.name;
  }

  /** The compiler that makes this device's kernels, with its version: "NVRTC 13.0", "g++ (Debian) 12.2.0"; null without. */
  async compiler(): Promise<string | null> {
    try {
      return this.kind === "cuda" ? `NVRTC ${await nvrtcVersion()}` : (await hostCompiler()).version;
    } catch (error) {
      if (LabError.is(error, "no-compiler")) return null;
      throw error;
    }
  }

  /** Compiles CUDA C++ text and takes one kernel of it. Errors: "compile-error", "no-such-kernel", "no-compiler". */
  async compile(source: string, options: CompileOptions = {}): Promise<Kernel> {
    const module = await this.compileModule(source, options);
    return module.kernel(options.name);
  }

  /** Compiles a file; "softmax/03_warp.cu" is looked for in kernels/. */
  async compileFile(path: string, options: CompileOptions = {}): Promise<Kernel> {
    const file = kernelPath(path);
    let source: string;
    try {
      source = readFileSync(file, "utf8");
    } catch (cause) {
      throw new LabError("no-such-file", `Cannot read the kernel file ${file}.`, {
        advice: "Give a path below kernels/, such as softmax/01_naive.cu, or an absolute one.",
        cause,
      });
    }
    const includes = [...(options.includes ?? []), dirname(file)];
    return this.compile(source, { fileName: path, ...options, includes });
  }

  /** Compiles CUDA C++ text with all its kernels and variables. */
  async compileModule(source: string, options: CompileOptions = {}): Promise<Module> {
    const { reader, request } = readSource(source, options);
    const unpackable = unpackableKernel(reader, request);
    // A kernel that nobody named may stand in a branch of #if that the preprocessor leaves out.
    if (unpackable && !request.namesFound) throw unpackable.error;
    const arch = this.kind === "cuda" ? this.info.arch : undefined;
    const compiled = await this.#compile({ ...request, arch }).catch((error: unknown) => {
      throw unpackable?.error ?? error;
    });
    if (unpackable && compiled.entries.some(({ name }) => name === unpackable.name)) throw unpackable.error;
    const loaded = await this.connection.addModule({ path: compiled.binary, entries: compiled.entries });
    const built = compiled.entries.map(({ name }) => name);
    return new Module(this, loaded, compiled, { ...request, names: built }, reader);
  }

  /**
   * Makes a tensor of given values; the shape is that of nested arrays unless given, the dtype that of the data.
   *
   * @example dev.tensor([[1, 2], [3, 4]]); dev.tensor(values, [2, 2], "f16"); dev.tensor(values, { dtype: "i32" })
   */
  tensor(data: TensorData, shape?: Shape | number | TensorOptions, dtype?: DType): Tensor {
    const options: TensorOptions =
      typeof shape === "object" && !Array.isArray(shape)
        ? (shape as TensorOptions)
        : { shape: shape as Shape | number | undefined };
    const flat = flatten(data);
    const extents = checkShape(options.shape ?? flat.shape);
    if (sizeOf(extents) !== flat.values.length) {
      throw new LabError(
        "invalid-shape",
        `The shape [${extents.join(", ")}] has ${sizeOf(extents)} elements and the data ${flat.values.length}.`,
      );
    }
    const tensor = this.empty(extents, { dtype: dtype ?? options.dtype ?? dtypeOf(flat.values) });
    // A failed upload is told by the next synchronisation, like every command's failure.
    tensor.upload(flat.values, false).catch(() => {});
    return tensor;
  }

  /** A tensor with undefined contents. */
  empty(shape: Shape | number, options: { readonly dtype?: DType } = {}): Tensor {
    const extents = checkShape(shape);
    const dtype = options.dtype ?? "f32";
    return new Tensor(
      this,
      Storage.allocate(this.connection, sizeOf(extents) * dtypeInfo(dtype).bytes),
      dtype,
      extents,
    );
  }

  /** A tensor of zeros. */
  zeros(shape: Shape | number, options: { readonly dtype?: DType } = {}): Tensor {
    return this.full(shape, 0, options);
  }

  /** A tensor of one value. */
  full(shape: Shape | number, value: number, options: { readonly dtype?: DType } = {}): Tensor {
    return this.empty(shape, options).fill(value);
  }

  /** Normally distributed values, mean 0 and deviation 1 unless given. */
  randn(
    shape: Shape | number,
    options: FillOptions & { readonly mean?: number; readonly std?: number } = {},
  ): Tensor {
    return this.#random(shape, 0, options.mean ?? 0, options.std ?? 1, options);
  }

  /** Evenly distributed values from `low` (0) to `high` (1). */
  rand(
    shape: Shape | number,
    options: FillOptions & { readonly low?: number; readonly high?: number } = {},
  ): Tensor {
    return this.#random(shape, 1, options.low ?? 0, options.high ?? 1, options);
  }

  /** Whole numbers from `low` (0) to `high`, exclusive; dtype i32 unless given. */
  randint(
    shape: Shape | number,
    options: FillOptions & { readonly low?: number; readonly high: number },
  ): Tensor {
    return this.#random(shape, 2, options.low ?? 0, options.high, { dtype: "i32", ...options });
  }

  /** 0, 1, 2 ... in the given shape. */
  arange(
    shape: Shape | number,
    options: { readonly dtype?: DType; readonly start?: number; readonly step?: number } = {},
  ): Tensor {
    const extents = checkShape(shape);
    const start = options.start ?? 0;
    const step = options.step ?? 1;
    const values = Float64Array.from({ length: sizeOf(extents) }, (_, i) => start + i * step);
    return this.tensor(values, extents, options.dtype ?? "f32");
  }

  /** A new stream. */
  stream(): Stream {
    return new Stream(this.connection, this.connection.handle());
  }

  /** A new event. */
  event(): Event {
    return new Event(this.connection, this.connection.handle());
  }

  /**
   * Captures what `work` enqueues on the stream (default: the default stream) into a graph; nothing of it runs until
   * the graph is launched.
   */
  async graph(work: () => void | Promise<void>, stream?: Stream): Promise<Graph> {
    this.connection.ensure();
    const on = stream ? stream.use(this.connection) : 0;
    const used = new Set<object>();
    const graph = new Graph(this.connection, this.connection.handle(), used);
    this.connection.commands.graphBegin(on);
    this.connection.beginCapture(used);
    try {
      await work();
    } finally {
      this.connection.endCapture(used);
      this.connection.commands.graphEnd(graph.handle, on);
    }
    await this.sync();
    return graph;
  }

  /** Waits for everything enqueued; rejects with the first error since the last wait. */
  sync(): Promise<void> {
    return this.connection.synchronize();
  }

  /** Device memory in bytes; `used` counts this lab's tensors. */
  memory(): Promise<MemoryReading> {
    return this.connection.memory();
  }

  /** Clocks, temperature and power now, null where the device has no such sensor. */
  state(): Promise<DeviceState> {
    return this.connection.state();
  }

  /** Ends whatever runs, by ending the device's process; waiting calls reject with "interrupted". */
  interrupt(): void {
    this.connection.interrupt();
  }

  /** Closes the device and its process. */
  async close(): Promise<void> {
    this.#offInterrupt();
    await this.connection.close();
  }

  toString(): string {
    return `Device ${this.kind}: ${this.name}`;
  }

  /** How Node and notebooks print it. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this}${this.why ? ` (${this.why})` : ""}`;
  }

  #random(
    shape: Shape | number,
    distribution: 0 | 1 | 2,
    a: number,
    b: number,
    options: FillOptions,
  ): Tensor {
    const outliers = options.outliers ?? { fraction: 0, scale: 1 };
    const finite = [a, b, outliers.fraction, outliers.scale].every(Number.isFinite);
    if (!finite || outliers.fraction < 0 || outliers.fraction > 1 || (distribution === 2 && !(b > a))) {
      throw new LabError(
        "invalid-fill",
        `A random fill got ${a}, ${b} and outliers ${JSON.stringify(outliers)}.`,
        {
          advice: "Use finite numbers, a range with low < high, and an outlier fraction from 0 to 1.",
        },
      );
    }
    const tensor = this.empty(shape, options);
    tensor.storage.written = true;
    this.connection.commands.fillRandom({
      buffer: tensor.storage.handle,
      dtype: dtypeInfo(tensor.dtype).code,
      offset: 0,
      count: tensor.size,
      seed: BigInt.asUintN(64, BigInt(options.seed ?? this.#seed++)),
      distribution,
      stream: 0,
      a,
      b,
      outlierFraction: outliers.fraction,
      outlierScale: outliers.scale,
    });
    return tensor;
  }
}
