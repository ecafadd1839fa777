/**
 * The contract of a device: what every backend does and what it answers.
 *
 * Two kinds of calls. *Commands* are one-way: they are encoded by `commands.ts` into a binary batch, flow to the
 * device in order and need no reply; an error in one surfaces at the next synchronisation, as CUDA's do.
 * *Requests* are answered (`DeviceRequests`). Both keep one order.
 */

/** Which backend a device is. */
export type DeviceKind = "cpu" | "cuda";

/** Three extents, x fastest, as CUDA's dim3. */
export type Dim3 = readonly [number, number, number];

/** What a device says of itself; sizes in bytes, clocks in Hz, bandwidth in bytes a second. */
export interface DeviceInfo {
  readonly kind: DeviceKind;
  /** Marketing name, "NVIDIA H200" or the host CPU's model name. */
  readonly name: string;
  /** Compute capability, [9, 0]; of the CPU device the capability its headers imitate. */
  readonly capability: readonly [number, number];
  /** What kernels are compiled for: "sm_90a"; on the CPU device "x86-64" or "aarch64". */
  readonly arch: string;
  readonly multiprocessors: number;
  readonly warpSize: number;
  readonly maxThreadsPerBlock: number;
  readonly maxThreadsPerMultiprocessor: number;
  readonly maxBlocksPerMultiprocessor: number;
  readonly maxBlockDim: Dim3;
  readonly maxGridDim: Dim3;
  readonly sharedPerBlock: number;
  readonly sharedPerBlockOptin: number;
  readonly sharedPerMultiprocessor: number;
  readonly registersPerMultiprocessor: number;
  readonly registersPerBlock: number;
  readonly l2Bytes: number;
  readonly totalMemory: number;
  readonly clockHz: number;
  readonly memoryClockHz: number;
  readonly memoryBusBits: number;
  readonly driverVersion?: string;
  readonly runtimeVersion?: string;
  readonly uuid?: string;
  /** Worker threads of the CPU device. */
  readonly workers?: number;
  readonly cooperativeLaunch: boolean;
  readonly clusters: boolean;
}

/** What the compiler says of one kernel; the CPU device knows only shared memory, arguments and the block limit. */
export interface KernelAttributes {
  /** Handle used by launch commands. */
  readonly kernel: number;
  /** The name the notebook used: "saxpy" or a name expression "tile<float, 128>". */
  readonly name: string;
  /** The symbol in the binary. */
  readonly symbol: string;
  readonly registers: number | null;
  readonly staticShared: number;
  readonly localBytes: number | null;
  readonly constBytes: number | null;
  readonly maxThreadsPerBlock: number;
  readonly binaryVersion: number | null;
  /** [offset, size] of every parameter in the packed argument block, as the compiler lays it out. */
  readonly params: ReadonlyArray<readonly [number, number]>;
}

/** Device memory, bytes. `used` counts this lab's live allocations. */
export interface MemoryReading {
  readonly used: number;
  readonly free: number;
  readonly total: number;
}

/** Clocks and power beside a measurement, read through NVML; null where the device has no such sensor. */
export interface DeviceState {
  readonly smClockHz: number | null;
  readonly memoryClockHz: number | null;
  readonly temperatureC: number | null;
  readonly powerW: number | null;
  readonly powerLimitW: number | null;
  readonly throttleReasons: readonly string[] | null;
}

/** One piece of work to be timed, at as many addresses as it has sets: sample i runs set i mod their number. */
export interface TimedWork {
  /** Commands of one run, a batch a set. */
  readonly sets: readonly Uint8Array[];
  /** Run untimed ahead of a sample of the same set: outputs poisoned, inputs restored. Empty, or one a set. */
  readonly before: readonly Uint8Array[];
  /** Run untimed once, after sample `keepAt`: its outputs kept from works that write to the same tensors. */
  readonly keep: Uint8Array;
  readonly keepAt: number;
}

/** What the native timing loop is asked for; all works are timed in turns, A B A B. */
export interface TimingRequest {
  readonly works: readonly TimedWork[];
  readonly warmup: number;
  readonly samples: number;
  /** Runs a sample covers. */
  readonly batch: number;
  /** Run untimed once, ahead of all works' sample `refreshAt`: other contents at the same addresses. */
  readonly refresh: Uint8Array;
  readonly refreshAt: number;
  /** Seconds that the warm-up takes at least. */
  readonly warmSeconds: number;
  /** Back to back: nothing but events between two samples. */
  readonly sustained: boolean;
  /** A sample is one launch of a graph. */
  readonly graph: boolean;
  /** Overwrites the caches ahead of each sample, which is then taken alone; empty for none. */
  readonly flush: Uint8Array;
}

/** What the native timing loop answers; a series a work, seconds, full precision. */
export interface TimingResult {
  /** Time of a sample by events, not divided by `batch`. */
  readonly seconds: readonly (readonly number[])[];
  /** Work found still running once a sample's end event had come; one a sample taken alone, else one in all. */
  readonly unfinished: readonly (readonly number[])[];
  /** The same of pairs of events with nothing between them: what the clock itself costs. */
  readonly overhead: readonly number[];
  readonly idle: readonly number[];
  /** Sensors over the samples, `at` seconds after they began. */
  readonly state: readonly (DeviceState & { readonly at: number })[];
  /** All samples together, by events and by the host's clock. */
  readonly eventSpan: number;
  readonly hostSpan: number;
  /** Cache lines that kernels had asked to keep were made ordinary ahead of each sample. */
  readonly persistingReset: boolean;
}

/** Occupancy of a launch: resident blocks a multiprocessor and what that means in warps. */
export interface Occupancy {
  readonly blocksPerMultiprocessor: number;
  readonly warpsPerMultiprocessor: number;
  /** Active warps over the most the multiprocessor can hold, 0..1. */
  readonly fraction: number;
}

/** A compiled module to load: a shared object (cpu) or a CUBIN (cuda), with the entries wanted from it. */
export interface ModuleImage {
  readonly path: string;
  readonly entries: ReadonlyArray<{ readonly name: string; readonly symbol: string }>;
}

/** Where a `__device__` or `__constant__` variable lives; `buffer` is a handle usable by copy commands. */
export interface SymbolInfo {
  readonly bytes: number;
}

/** Requests, each answered. Rejections are `LabError`s. */
export interface DeviceRequests {
  info(): Promise<DeviceInfo>;
  loadModule(module: number, image: ModuleImage): Promise<KernelAttributes[]>;
  unloadModule(module: number): Promise<void>;
  /** Binds a module's variable to the buffer handle `buffer`, so that copies reach it. */
  bindSymbol(module: number, name: string, buffer: number): Promise<SymbolInfo>;
  /** Waits for everything submitted so far; rejects with the first error since the last synchronisation. */
  synchronize(stream?: number): Promise<void>;
  /** True when everything submitted to the stream has finished. */
  query(stream: number): Promise<boolean>;
  /** Seconds between pairs of recorded events, full precision. Synchronises on the last of them. */
  elapsed(pairs: ReadonlyArray<readonly [number, number]>): Promise<number[]>;
  /** Runs warm-up and samples in one go, so that between two samples nothing waits for this process. */
  time(request: TimingRequest): Promise<TimingResult>;
  memory(): Promise<MemoryReading>;
  state(): Promise<DeviceState>;
  occupancy(kernel: number, blockThreads: number, dynamicShared: number): Promise<Occupancy>;
  /** The most blocks that can be resident at once in a cooperative launch. */
  maxCooperativeBlocks(kernel: number, blockThreads: number, dynamicShared: number): Promise<number>;
}

/** How a kernel died, as far as it can be known. */
export interface KernelFault {
  /** LabError code: illegal-address, misaligned-address, stack-overflow, trap, assert, time-limit, deadlock, out-of-memory, device-lost ... */
  readonly code: string;
  readonly message: string;
  readonly kernel?: string;
  readonly block?: Dim3;
  readonly thread?: Dim3;
  readonly address?: string;
  /** Source file and line where known. */
  readonly line?: { readonly file: string; readonly line: number };
}
