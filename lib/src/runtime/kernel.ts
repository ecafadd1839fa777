import { type LaunchCommand, LaunchFlag } from "../backend/commands";
import type { KernelAttributes, Occupancy } from "../backend/contract";
import type { Inspection } from "../core/inspection";
import type { Device } from "./device";
import { type InspectOptions, inspectKernel, threadsOf } from "./inspect";
import { checkLaunch, type Extents, type LaunchConfig } from "./launch";
import type { CompileInfo, Module } from "./module";
import { ArgumentPacker, type KernelArg } from "./pack";
import type { Signature } from "./signature";

/**
 * A `__global__` function ready to launch.
 *
 * Arguments are checked against the signature read from the source before anything is enqueued: "wrong-argument-count",
 * "wrong-argument-type", "wrong-dtype", "wrong-device", "freed-tensor", "device-lost", "invalid-launch".
 *
 * @example
 * const scale = await dev.compile(`extern "C" __global__ void scale(float* x, float a, int n) {
 *   int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] *= a; }`);
 * await scale.launch({ grid: lab.ceilDiv(x.size, 256), block: 256 }, x, 2, x.size);
 */
export class Kernel {
  readonly device: Device;
  /** The module it is part of: its symbols, log and text. */
  readonly module: Module;
  /** Name or name expression, "saxpy" or "tile<float, 128>". */
  readonly name: string;
  readonly signature: Signature;
  readonly #entry: number;
  readonly #packer: ArgumentPacker;

  /** @internal Made by `Module.kernel`. */
  constructor(module: Module, entry: number, signature: Signature) {
    this.device = module.device;
    this.module = module;
    this.name = signature.name;
    this.signature = signature;
    this.#entry = entry;
    this.#packer = new ArgumentPacker(signature);
  }

  /** Registers, shared and local memory, block limit, as far as the device's compiler knows. */
  get attributes(): KernelAttributes {
    return this.module.loaded.attributes[this.#entry]!;
  }

  /** PTX of the whole module; undefined on the CPU device. */
  get ptx(): string | undefined {
    return this.module.ptx;
  }

  /** What the compiler said: warnings, spills. */
  get log(): string {
    return this.module.log;
  }

  /** How long compiling took and whether it came from the cache. */
  get compileInfo(): CompileInfo {
    return this.module.compileInfo;
  }

  /** Enqueues the kernel; resolves when it is enqueued. Await `device.sync()` or a read for it to have run. */
  async launch(config: LaunchConfig, ...args: KernelArg[]): Promise<void> {
    this.enqueue(config, ...args);
    await this.device.connection.drained();
  }

  /** Enqueues the kernel without a promise: the fastest way to launch many times. */
  enqueue(config: LaunchConfig, ...args: KernelArg[]): void {
    const { command, entry } = this.prepare(config, args);
    this.device.connection.launch(command, this.name, this.module.loaded, entry);
    this.device.onLaunch?.({ kernel: this, config, args });
  }

  /** @internal Checks a launch and packs its arguments; the packed block is valid until the next launch of the kernel. */
  prepare(config: LaunchConfig, args: readonly KernelArg[]): { command: LaunchCommand; entry: number } {
    const { connection } = this.device;
    connection.ensure();
    const checked = checkLaunch(this.name, config, this.device.info, this.attributes);
    const patches = this.#packer.pack(args, connection);
    const command = {
      kernel: connection.kernelHandle(this.module.loaded, this.#entry),
      stream: config.stream ? config.stream.use(connection) : 0,
      grid: checked.grid,
      block: checked.block,
      cluster: checked.cluster,
      dynamicShared: checked.shared,
      flags:
        (config.cooperative ? LaunchFlag.cooperative : 0) |
        (config.programmatic ? LaunchFlag.programmatic : 0),
      args: this.#packer.bytes,
      patches,
    };
    return { command, entry: this.#entry };
  }

  /** Resident blocks and warps a multiprocessor at a block size and dynamic shared memory in bytes. */
  async occupancy(block: Extents, shared = 0): Promise<Occupancy> {
    const { connection } = this.device;
    const handle = await this.#handle();
    return connection.occupancy(handle, threadsOf(block), shared);
  }

  /** The most blocks that a cooperative launch may have. */
  async maxCooperativeBlocks(block: Extents, shared = 0): Promise<number> {
    const { connection } = this.device;
    const handle = await this.#handle();
    return connection.maxCooperativeBlocks(handle, threadsOf(block), shared);
  }

  /**
   * Compiles the kernel for a GPU and shows what came of it: PTX and SASS beside the source's lines, registers, shared
   * memory, spills, and for a block size the theoretical occupancy and what limits it. Needs NVRTC and no GPU; the SASS
   * needs nvdisasm too, and without it says where to get it. Errors: "no-compiler", "compile-error",
   * "unknown-architecture", "invalid-launch", "disassembler-failed".
   *
   * @example lab.showInspection(await kernel.inspect({ arch: "sm_86", block: 256 }))
   */
  inspect(options: InspectOptions = {}): Promise<Inspection> {
    return inspectKernel(this, options);
  }

  toString(): string {
    return `Kernel ${this.signature.text}`;
  }

  /** How Node and notebooks print it. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const { registers, staticShared } = this.attributes;
    const uses = registers === null ? "" : `, ${registers} registers`;
    return `${this} on ${this.device.name}${uses}, ${staticShared} bytes of static shared memory`;
  }

  async #handle(): Promise<number> {
    const { connection } = this.device;
    await connection.reopened();
    return connection.kernelHandle(this.module.loaded, this.#entry);
  }
}
