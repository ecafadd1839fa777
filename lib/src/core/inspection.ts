/** What can keep a multiprocessor from holding one more block. */
export type Limiter = "threads" | "blocks" | "registers" | "shared memory" | "barriers";

/** Blocks of one launch that a multiprocessor can hold at once. */
export interface TheoreticalOccupancy {
  /** Threads a block. */
  readonly threads: number;
  /** Resident blocks and warps a multiprocessor, and the most warps it could hold. */
  readonly blocks: number;
  readonly warps: number;
  readonly mostWarps: number;
  /** Resident warps over the most, 0..1. */
  readonly fraction: number;
  /** What limits: all that allow no more than `blocks`. */
  readonly limits: readonly Limiter[];
  /** Blocks that each resource alone would allow; infinite where the kernel does not use it. */
  readonly blocksBy: Readonly<Record<Limiter, number>>;
}

/** One line of PTX or SASS. */
export interface CodeLine {
  readonly text: string;
  /** A label, as against an instruction or a declaration. */
  readonly label: boolean;
  /**
   * Lines of the kernel's own file it comes from, from the innermost: for inlined code the line in the function, then
   * those that call it. Empty for code of a header that no line of the file calls.
   */
  readonly lines: readonly number[];
}

/** What one kernel uses of a multiprocessor. */
export interface KernelResources {
  /** Registers a thread. */
  readonly registers: number;
  /** Shared memory of a block, bytes: declared by the kernel, and given at the launch. */
  readonly staticShared: number;
  readonly dynamicShared: number;
  /** Stack frame of a thread in local memory, bytes: local arrays and spilled registers. */
  readonly stackBytes: number;
  /** Bytes that a thread stores and loads because registers ran out. */
  readonly spillStores: number;
  readonly spillLoads: number;
  /** Named barriers of a block. */
  readonly barriers: number;
}

/** A kernel as its compiler made it: source, PTX and SASS joined by lines, and what it uses. */
export interface Inspection {
  readonly kernel: string;
  /** Name in the binary. */
  readonly symbol: string;
  /** Architecture compiled for, "sm_90a". */
  readonly arch: string;
  /** "NVRTC 13.0". */
  readonly compiler: string;
  readonly fileName: string;
  readonly source: string;
  readonly ptx: readonly CodeLine[];
  /** Machine code; null where there is no disassembler, and `whyNoSass` says what to do. */
  readonly sass: readonly CodeLine[] | null;
  readonly whyNoSass: string;
  /** How many instructions that touch memory the SASS has, by name and width: { "LDG.128": 8, "STS": 2 }. */
  readonly memoryInstructions: Readonly<Record<string, number>> | null;
  readonly resources: KernelResources;
  /** For the block size asked about; null when none was given. */
  readonly occupancy: TheoreticalOccupancy | null;
}
