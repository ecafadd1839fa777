import type { Dim3 } from "../backend/contract";
import type { Operations } from "./operations";
import type { HazardReport } from "./watch";

/** What an access does: a load, a store, an atomic that answers (atom) or not (red), ldmatrix, an asynchronous copy. */
export type AccessKind = "ld" | "st" | "atom" | "red" | "ldsm" | "ldgsts";

/**
 * Where an access goes. "dshared": the shared memory of another block of the cluster; "module": a `__constant__` variable;
 * "unknown": outside every tensor.
 */
export type MemorySpace = "global" | "shared" | "dshared" | "module" | "unknown";

/** One request of a warp, for drawing: where each of its 32 lanes asked. */
export interface Exemplar {
  /** Linear indices of the block in the grid and of the warp in the block. */
  readonly block: number;
  readonly warp: number;
  /** The tensor's parameter, the variable, or "shared" for dynamic shared memory; "" where nobody knows. */
  readonly memory: string;
  /** Byte offsets from the start of that memory (an address where it is not known); null of a lane that takes no part. */
  readonly offsets: ReadonlyArray<number | null>;
  /** Sectors of 32 bytes, or wavefronts of shared memory; and the fewest that would do. */
  readonly cost: number;
  readonly ideal: number;
}

/** The requests that one instruction of the kernel made. */
export interface LensRequests {
  readonly kind: AccessKind;
  readonly space: MemorySpace;
  /** Bytes a lane. */
  readonly width: number;
  /** Requests of warps. */
  readonly requests: number;
  /** Mean lanes that take part, of 32. */
  readonly activeLanes: number;
  /** Bytes that the lanes asked for. */
  readonly bytes: number;
  /** Sectors of 32 bytes (global, dshared) or wavefronts (shared): in all, the fewest possible, and of one request. */
  readonly cost: number;
  readonly ideal: number;
  readonly leastCost: number;
  readonly mostCost: number;
  /** The first request that was furthest above its ideal. */
  readonly exemplar: Exemplar;
}

/** Bulk copies (TMA) that one instruction of the kernel asked for: tiles through a tensor map, or plain bytes. */
export interface LensBulk {
  /** Global to shared memory, the other way, or the other way adding to what is there. */
  readonly op: "ld" | "st" | "red";
  readonly instructions: number;
  /** Bytes of shared memory filled or read, elements outside the tensor included, in every block of a multicast. */
  readonly sharedBytes: number;
  /** Bytes of global memory, its sectors of 32 bytes (a row of a box at a time), and the fewest that could hold the bytes. */
  readonly bytes: number;
  readonly sectors: number;
  readonly ideal: number;
}

/** Products of one shape that one wgmma of the kernel made: 64 x n x 16 each. */
export interface LensProduct {
  readonly source: "fp16" | "bf16";
  /** Whether A comes from registers; else from shared memory, as B does. */
  readonly registers: boolean;
  readonly n: number;
  /** Instructions of warps; four make one product. */
  readonly warps: number;
  /** Bytes of operands read from shared memory: each warp's 16 rows of A, and B once for the four. */
  readonly bytes: number;
  /** Passes through the banks that takes, and the fewest: 128 bytes each. */
  readonly wavefronts: number;
  readonly ideal: number;
  /** A multiply-add is two. */
  readonly operations: number;
}

/** What a line of the kernel's source did. */
export interface LensLine {
  /** From 1; 0 stands for code of other files that no line of this one led to. */
  readonly line: number;
  readonly text: string;
  readonly requests: readonly LensRequests[];
  /** Work of Hopper's units that the line asked for. */
  readonly bulk: readonly LensBulk[];
  readonly products: readonly LensProduct[];
  /** Arithmetic instructions of threads. */
  readonly operations: Operations;
  /** Conditional branches that warps came to, and those after which their lanes went different ways. */
  readonly branches: { readonly executed: number; readonly divergent: number };
  /** Arrivals at a barrier of the block: of warps, and of threads. */
  readonly barriers: { readonly warps: number; readonly threads: number };
  /** By ncu's names; without a double underscore, the lens's own. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Sums over the traced blocks, in plain words. */
export interface LensSummary {
  /** Bytes that threads and bulk copies asked of global memory, and bytes of the sectors that were moved for them. */
  readonly bytesAsked: number;
  readonly bytesMoved: number;
  /** The fewest sectors possible over the sectors moved, 0 to 1; null without global accesses. */
  readonly coalescing: number | null;
  /** Of threads' requests; wgmma's reads of its operands come beside. */
  readonly sharedWavefronts: number;
  readonly wgmmaWavefronts: number;
  readonly bankConflicts: number;
  readonly branches: number;
  readonly divergentBranches: number;
  /** FLOPs by type; tensor-core operations by the type multiplied. */
  readonly flops: Readonly<Record<"fp32" | "fp64" | "fp16", number>>;
  readonly tensor: Readonly<Record<string, number>>;
  /** FLOPs, tensor ones included, over bytes moved between L1 and L2; null without global accesses. */
  readonly intensity: number | null;
}

/** What the lens saw of one launch: plain data, as JSON keeps it. */
export interface LensReport {
  readonly kernel: string;
  readonly fileName: string;
  readonly source: string;
  readonly launch: { readonly grid: Dim3; readonly block: Dim3; readonly shared: number };
  /** Blocks in the grid, and linear indices of those traced. */
  readonly blocks: { readonly total: number; readonly traced: readonly number[] };
  /** True when only some of the blocks were traced: every number is of those alone. */
  readonly sampled: boolean;
  /** Memory accesses of threads that were traced. */
  readonly accesses: number;
  /** Lines that did something, ascending. */
  readonly lines: readonly LensLine[];
  /** By ncu's names; sums over the traced blocks. */
  readonly totals: Readonly<Record<string, number>>;
  readonly summary: LensSummary;
  /** What went wrong; null where nobody looked (option `hazards`). */
  readonly hazards: HazardReport | null;
}
