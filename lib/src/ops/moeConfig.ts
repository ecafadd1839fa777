import { type DType, dtypeInfo } from "../core/dtype";
import { ceilDiv } from "../core/shape";

/** Sizes of a mixture-of-experts layer: `dim` -> `hidden` -> `dim` in each of `experts`, k of them a token. */
export interface MoeConfig {
  readonly dim: number;
  readonly hidden: number;
  readonly experts: number;
  readonly k: number;
  /** f32 runs everywhere; bf16 uses the tensor cores. */
  readonly dtype: "f32" | "bf16";
}

/** BM, BN, BK, TM, TN of the f32 experts' matmuls. */
export type MoeTile = readonly [number, number, number, number, number];

/** How a layer's kernels are chosen; what is left out is the device's usual. */
export interface MoeOptions {
  /** Of the f32 experts. */
  readonly tile?: MoeTile;
  /** Which tensor cores' instructions the bf16 experts use: mma.sync (sm_80 and up) or wgmma (sm_90a, the CPU device). */
  readonly tensorCores?: "mma" | "wgmma";
}

/** FLOPs of the experts' matmuls for a number of choices. */
export function expertFlops(config: MoeConfig, choices: number): number {
  return choices * 2 * 2 * config.dim * config.hidden;
}

/** Bytes the experts' matmuls must move at least: the weights used once, and the rows in and out. */
export function expertBytes(config: MoeConfig, choices: number): number {
  const { dim, hidden, experts, dtype } = config;
  const weights = 2 * Math.min(experts, choices) * dim * hidden;
  return (weights + choices * (2 * dim + 2 * hidden)) * dtypeInfo(dtype as DType).bytes;
}

/** The layer of the walkthrough: the seed's shape on a GPU, a small one on the CPU device. */
export function moeBenchConfig(kind: "cpu" | "cuda"): { config: MoeConfig; tokens: number } {
  return kind === "cuda"
    ? { config: { dim: 4096, hidden: 11008, experts: 32, k: 2, dtype: "bf16" }, tokens: 65536 }
    : { config: { dim: 64, hidden: 96, experts: 8, k: 2, dtype: "f32" }, tokens: 1024 };
}

/** Blocks of the histogram and of the permutation: 256 choices each. */
export function choiceBlocks(choices: number): number {
  return ceilDiv(choices, 256);
}
