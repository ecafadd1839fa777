import type { CompiledModule, CompileRequest } from "../backend/compiled";
import type { LoadedModule } from "../backend/modules";
import type { DType } from "../core/dtype";
import { dtypes } from "../core/dtype";
import { LabError } from "../core/error";
import type { Device } from "./device";
import { Kernel } from "./kernel";
import { noSuchKernel, type SourceReader } from "./signature";
import { Storage } from "./storage";
import { Tensor } from "./tensor";

/** How a module came to be. */
export interface CompileInfo {
  /** Seconds from the call to the module's file. */
  readonly seconds: number;
  readonly cached: boolean;
  /** Compiler and version. */
  readonly compiler: string;
  /** Folder in the compile cache: the source is kept beside the binary. */
  readonly dir: string;
}

/** A compiled source text: its kernels and its `__device__` and `__constant__` variables. */
export class Module {
  readonly device: Device;
  /** @internal */
  readonly loaded: LoadedModule;
  /** @internal What the compiler was asked for. */
  readonly request: CompileRequest;
  readonly source: string;
  readonly ptx: string | undefined;
  readonly log: string;
  readonly compileInfo: CompileInfo;
  /** Every kernel of the module by name. */
  readonly kernels: Readonly<Record<string, Kernel>>;
  readonly #reader: SourceReader;

  /** @internal Made by `Device.compileModule`. */
  constructor(
    device: Device,
    loaded: LoadedModule,
    compiled: CompiledModule,
    request: CompileRequest,
    reader: SourceReader,
  ) {
    this.device = device;
    this.loaded = loaded;
    this.request = request;
    this.source = request.source;
    this.ptx = compiled.ptx;
    this.log = compiled.log;
    this.compileInfo = {
      seconds: compiled.seconds,
      cached: compiled.cached,
      compiler: compiled.compiler,
      dir: compiled.dir,
    };
    this.#reader = reader;
    this.kernels = Object.fromEntries(
      loaded.attributes.map((attributes, entry) => [
        attributes.name,
        new Kernel(this, entry, reader.signature(attributes.name, attributes.params)),
      ]),
    );
  }

  /** A kernel by name; may be left out where there is only one. Throws "no-such-kernel". */
  kernel(name?: string): Kernel {
    const names = Object.keys(this.kernels);
    if (name === undefined && names.length === 1) return this.kernels[names[0]!]!;
    if (name === undefined) {
      throw new LabError("no-such-kernel", `The source has ${names.length} kernels: ${names.join(", ")}.`, {
        advice:
          names.length > 0
            ? `Choose one with { name: "${names[0]}" }.`
            : 'A kernel is declared as: extern "C" __global__ void name(...)',
      });
    }
    const whole = this.#reader.qualify(name);
    const kernel = Object.hasOwn(this.kernels, whole) ? this.kernels[whole] : undefined;
    if (!kernel) throw noSuchKernel(name, this.#reader.kernels);
    return kernel;
  }

  /**
   * A `__device__` or `__constant__` variable as a tensor that shares its memory; the whole of it unless a shape is
   * given. Throws "no-such-symbol".
   */
  async symbol(name: string, dtype: DType = "f32", shape?: readonly number[]): Promise<Tensor> {
    const { connection } = this.device;
    await connection.reopened();
    const handle = connection.handle();
    const { bytes } = await connection.bindSymbol(this.loaded.id, name, handle);
    const storage = Storage.bound(connection, handle, bytes, this);
    const extents = shape ?? [Math.floor(bytes / dtypes[dtype].bytes)];
    if (extents.reduce((n, extent) => n * extent, dtypes[dtype].bytes) > bytes) {
      throw new LabError(
        "invalid-shape",
        `The variable ${name} has ${bytes} bytes, fewer than ${dtype}[${extents.join(", ")}].`,
      );
    }
    return new Tensor(this.device, storage, dtype, extents);
  }
}
