import type { DeviceInfo } from "kernel-lab";
import * as attention from "kernel-lab/dist/ops/attention";
import * as matmul from "kernel-lab/dist/ops/matmul";
import * as patterns from "kernel-lab/dist/ops/patterns";
import * as softmax from "kernel-lab/dist/ops/softmax";

/** Facts of an H200, enough to choose a GPU's tile sizes without having one. */
export const h200: DeviceInfo = {
  kind: "cuda",
  name: "NVIDIA H200",
  capability: [9, 0],
  arch: "sm_90a",
  multiprocessors: 132,
  warpSize: 32,
  maxThreadsPerBlock: 1024,
  maxThreadsPerMultiprocessor: 2048,
  maxBlocksPerMultiprocessor: 32,
  maxBlockDim: [1024, 1024, 64],
  maxGridDim: [2147483647, 65535, 65535],
  sharedPerBlock: 49152,
  sharedPerBlockOptin: 232448,
  sharedPerMultiprocessor: 233472,
  registersPerMultiprocessor: 65536,
  registersPerBlock: 65536,
  l2Bytes: 60 * 2 ** 20,
  totalMemory: 141 * 2 ** 30,
  clockHz: 1.98e9,
  memoryClockHz: 3.2e9,
  memoryBusBits: 6144,
  cooperativeLaunch: true,
  clusters: true,
};

const tile = "64, 64, 16, 4, 4";

/** Kernel names of the MoE files at the layer's sizes on a GPU: 32 experts, bf16, and f32. */
const moe: Record<string, string[]> = {
  "moe/01_router.cu": ["moe_01_router<float>", "moe_01_router<__nv_bfloat16>"],
  "moe/02_topk_softmax.cu": ["moe_02_topk_softmax<1>", "moe_02_topk_softmax<8>"],
  "moe/03_histogram.cu": ["moe_03_histogram"],
  "moe/04_scan.cu": ["moe_04_scan"],
  "moe/05_permute.cu": ["moe_05_permute_slots", "moe_05_permute_gather<__nv_bfloat16>"],
  "moe/06_expert_loop.cu": [`moe_06_expert_loop<${tile}, true>`, `moe_06_expert_loop<${tile}, false>`],
  "moe/07_grouped.cu": [`moe_07_grouped<${tile}, true>`, `moe_07_grouped<${tile}, false>`],
  "moe/08_combine.cu": ["moe_08_combine<float>", "moe_08_combine<__nv_bfloat16>"],
  "moe/09_grouped_tensor.cu": ["moe_09_grouped_tensor<4, true>", "moe_09_grouped_tensor<4, false>"],
  "moe/10_balance_gradient.cu": ["moe_10_balance_gradient_logits", "moe_10_balance_gradient_weights<float>"],
  "moe/11_embed.cu": ["moe_11_embed<__nv_bfloat16>"],
  "moe/12_grouped_hopper.cu": ["moe_12_grouped_hopper<4, 2, true>", "moe_12_grouped_hopper<4, 1, false>"],
};

/** An attention each that rungs of every kind can run; decoding, and the largest head dim on tensor cores. */
const attentionCases = [
  attention.makeCase({ heads: 4, queries: 17, headDim: 64, dtype: "f32" }),
  attention.makeCase({ heads: 4, queries: 17, headDim: 128, causal: true }),
  attention.makeCase({ heads: 4, queries: 1, headDim: 256, dtype: "bf16" }),
];

/** The cases that a rung compiles for: two are enough without tensor cores. */
const casesOf = ({ rung }: { readonly rung: number }) => attentionCases.slice(0, rung <= 6 ? 2 : 3);

/** What a file is compiled for: every architecture it is meant to run on. */
export function architectures(file: string): string[] {
  if (file === "moe/12_grouped_hopper.cu") return ["sm_90a"];
  const ampere: DeviceInfo = { ...h200, capability: [8, 0], arch: "sm_80" };
  const runs = (info: DeviceInfo) =>
    attention.variants
      .filter((v) => v.file === file)
      .every((v) => casesOf(v).some((c) => v.needs(info, c, v.parameters(info, c)) === null));
  return runs(ampere) ? ["sm_80", "sm_86", "sm_89", "sm_90a"] : ["sm_90a"];
}

/** Every rung's file with the instances a GPU would run. */
export function instances(): Map<string, string[]> {
  const files = new Map<string, string[]>(Object.entries(moe));
  const add = (file: string, names: string[]) =>
    files.set(file, [...new Set([...(files.get(file) ?? []), ...names])]);
  for (const variant of softmax.variants) {
    for (const c of [
      softmax.benchCase(h200),
      softmax.makeCase({ rows: 5, cols: 4097 }),
      softmax.makeCase({ rows: 64, cols: 768, dtype: "bf16" }),
    ]) {
      add(variant.file, variant.names(c, variant.parameters(h200, c)));
    }
  }
  for (const variant of matmul.variants) {
    for (const c of [matmul.benchCase(h200), matmul.makeCase({ m: 17, n: 19, k: 23 })]) {
      add(variant.file, variant.names(c, variant.parameters(h200, c)));
    }
  }
  for (const variant of attention.variants) {
    for (const c of casesOf(variant)) {
      const parameters = variant.parameters(h200, c);
      if (variant.needs(h200, c, parameters) === null) add(variant.file, variant.names(c, parameters));
    }
  }
  for (const variant of patterns.variants) {
    const c = patterns.benchCase(h200);
    add(variant.file, variant.names(c, variant.parameters(h200, c)));
  }
  return files;
}
