/** The only loader of the native addon, and its types. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { LabError } from "../core/error";
import { homePath } from "../core/paths";
import { commandVersion } from "./commands";
import type {
  DeviceInfo,
  DeviceKind,
  DeviceState,
  KernelAttributes,
  MemoryReading,
  Occupancy,
  TimingRequest,
  TimingResult,
} from "./contract";

/** A library looked for at run time. */
export interface Found {
  readonly found: boolean;
  readonly version?: string;
  readonly path?: string;
  /** Why it was not found or does not start. */
  readonly error?: string;
}

/** Which of CUDA's parts this machine has. Memory in bytes. */
export interface Probe {
  readonly driver: Found;
  readonly nvrtc: Found;
  readonly nvml: Found;
  readonly cublasLt: Found;
  readonly nccl: Found;
  readonly gpus: ReadonlyArray<{
    readonly name: string;
    readonly memory: number;
    readonly capability: readonly [number, number];
  }>;
}

/** Options of opening a native device; what a backend does not know it ignores. */
export interface OpenOptions {
  /** cuda: which GPU. */
  readonly ordinal?: number;
  /** cpu: worker threads, all cores when absent. */
  readonly workers?: number;
  /** cpu: bytes of device memory. */
  readonly memoryLimit?: number;
  /** cpu: bytes of one CUDA thread's stack. */
  readonly stackBytes?: number;
  /** cpu: seconds a launch may take. */
  readonly timeLimitSeconds?: number;
  /** Shared with the parent: where a dying device writes what it knows. Its presence means "hosted". */
  readonly faultPage?: ArrayBuffer;
  /** cuda: folders to look in for libraries, before the system's. */
  readonly searchPaths: string[];
}

/** A launch to be traced. */
export interface LensRequest {
  /** Linear indices of blocks; empty: `sample` of them spread over the grid. */
  readonly blocks: readonly number[];
  /** 0: every block. */
  readonly sample: number;
  /** Memory accesses of threads after which the trace is given up; 0: no limit. */
  readonly maxAccesses: number;
  /** Threads and blocks go on in an order drawn from it; absent: in their natural order. */
  readonly seed?: number;
  /** Memory of the caller's device that was freed: a pointer into it is told as a use after free. */
  readonly freed?: ReadonlyArray<readonly [number, number]>;
  readonly observers: ReadonlyArray<{
    readonly name: string;
    readonly options: Readonly<Record<string, string>>;
  }>;
}

/** One compilation by NVRTC. `fileName` is what the log calls the source. */
export interface NvrtcRequest {
  readonly source: string;
  readonly fileName: string;
  readonly options: string[];
  readonly nameExpressions: string[];
  /** Texts of headers by include name. */
  readonly headers?: Record<string, string>;
  readonly searchPaths: string[];
}

/** What NVRTC answered; a source that does not compile has `ok` false and no binaries. */
export interface NvrtcResult {
  readonly ok: boolean;
  readonly log: string;
  readonly cubin?: Uint8Array;
  /** PTX text. */
  readonly ptx?: Uint8Array;
  readonly loweredNames: Record<string, string>;
}

/**
 * One open device. Errors thrown have `code`, `message`, `fatal` and, where known, `kernel` and `detail` (JSON).
 *
 * Errors of submitted commands are kept and thrown by `synchronize`, the first one first; a fatal one stays. A transfer
 * has finished with the staging memory when `submit` returns.
 */
export interface NativeDevice {
  info(): DeviceInfo;
  attachStaging(buffer: ArrayBuffer): void;
  submit(batch: Uint8Array): void;
  synchronize(stream: number, all: boolean): void;
  query(stream: number): boolean;
  elapsed(pairs: ReadonlyArray<readonly [number, number]>): number[];
  time(request: TimingRequest): TimingResult;
  memory(): MemoryReading;
  state(): DeviceState;
  loadModule(
    module: number,
    path: string,
    entries: ReadonlyArray<{ readonly name: string; readonly symbol: string }>,
  ): KernelAttributes[];
  unloadModule(module: number): void;
  bindSymbol(module: number, name: string, buffer: number): { bytes: number };
  occupancy(kernel: number, blockThreads: number, dynamicShared: number): Occupancy;
  maxCooperativeBlocks(kernel: number, blockThreads: number, dynamicShared: number): number;
  /** Traces the next launch of a module compiled for the lens. */
  lensBegin(request: LensRequest): void;
  /** What the observers found in it, as JSON text. */
  lensEnd(): string;
  /** Address and bytes of memory that was freed, as far as nothing lies there again. */
  freedRanges(): (readonly [number, number])[];
  takePrintf(): string;
  close(): void;
}

/** What the addon exports. */
export interface NativeAddon {
  readonly version: string;
  readonly commandVersion: number;
  /** Shared memory of mode 0600, zeroed; unmapped when the buffer is collected. */
  shmCreate(bytes: number): { path: string; buffer: ArrayBuffer };
  shmOpen(path: string, bytes: number): ArrayBuffer;
  shmUnlink(path: string): void;
  openDevice(kind: DeviceKind, options: OpenOptions): NativeDevice;
  probe(searchPaths: string[]): Probe;
  nvrtcVersion(searchPaths: string[]): string | null;
  nvrtcCompile(request: NvrtcRequest): NvrtcResult;
  /** The same values a random fill on a device gives; dtype and distribution by their numbers. */
  fillRandomHost(
    dtype: number,
    count: number,
    seed: number | bigint,
    distribution: number,
    a: number,
    b: number,
    outlierFraction: number,
    outlierScale: number,
  ): ArrayBuffer;
}

let addon: NativeAddon | undefined;

/**
 * The native addon, loaded once.
 *
 * A missing binary, or one this host cannot load, is built on the spot with the C++ compiler there is. Throws
 * "no-addon" when that fails too.
 */
export function loadAddon(): NativeAddon {
  if (addon) return addon;
  const path = homePath("native", "build", "kernel_lab.node");
  let failure: unknown;
  if (existsSync(path)) {
    try {
      addon = check(require(path) as NativeAddon);
      return addon;
    } catch (error) {
      failure = error;
    }
  }
  build(failure);
  try {
    addon = check(loadAgain(path));
    return addon;
  } catch (error) {
    throw missing("it was built but does not load", error);
  }
}

/** Loads what was rebuilt: under the path it had, Node and the system's loader would answer what they hold already. */
function loadAgain(path: string): NativeAddon {
  const loaded = { exports: {} };
  process.dlopen(loaded, `${dirname(path)}/./${basename(path)}`);
  return loaded.exports as NativeAddon;
}

function build(failure: unknown): void {
  const script = homePath("native", "build.mjs");
  const before = failure instanceof Error ? ` (the present one does not load: ${failure.message})` : "";
  try {
    execFileSync(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  } catch (error) {
    throw missing(`building it failed${before}`, error);
  }
}

function check(loaded: NativeAddon): NativeAddon {
  if (loaded.commandVersion === commandVersion) return loaded;
  throw new Error(`it speaks command version ${loaded.commandVersion}, this library ${commandVersion}`);
}

function missing(why: string, cause: unknown): LabError {
  const stderr = (cause as { stderr?: string }).stderr;
  const text = stderr || (cause instanceof Error ? cause.message : String(cause));
  return new LabError("no-addon", `Loading the native addon: ${why}.\n${text.trim().slice(0, 2000)}`, {
    advice: "Install a C++17 compiler (Debian, Ubuntu: apt-get install g++) and run npm run build.",
    cause,
  });
}
