import { readFileSync } from "node:fs";
import { dtypeInfo } from "../core/dtype";
import { kernelPath } from "../core/paths";
import { ceilDiv } from "../core/shape";
import type { Device } from "../runtime/device";
import type { Kernel } from "../runtime/kernel";
import type { LaunchConfig } from "../runtime/launch";
import type { Tensor } from "../runtime/tensor";
import { type TensorMap, tensorMap } from "../runtime/tensorMap";
import type { MoeConfig, MoeOptions, MoeTile } from "./moeConfig";

/** The kernels of every step but the experts' matmuls. */
export interface MoeKernels {
  readonly router: Kernel;
  readonly topk: Kernel;
  readonly histogram: Kernel;
  readonly scan: Kernel;
  readonly slots: Kernel;
  readonly gather: Kernel;
  readonly combine: Kernel;
  readonly gradientLogits: Kernel;
  readonly gradientWeights: Kernel;
  readonly embed: Kernel;
}

/** One of the two matmuls of the experts: x (rows x k) times w (experts x k x n), in slot order. */
export interface ExpertMatmul {
  readonly gelu: boolean;
  readonly x: Tensor;
  readonly w: Tensor;
  readonly y: Tensor;
  readonly start: Tensor;
  readonly n: number;
  readonly k: number;
}

/** The two ways to run an experts' matmul. */
export interface ExpertKernels {
  /** Files of the kernels, below kernels/. */
  readonly files: { readonly loop: string; readonly grouped: string };
  /** A launch an expert; the host knows the rows of each. */
  loop(job: ExpertMatmul, rows: ArrayLike<number>): void;
  /** One launch for all; `rows` is the most there can be. */
  grouped(job: ExpertMatmul, rows: number, experts: number): void;
}

/** What a batch needs to know of its layer: `Moe` is one. */
export interface MoeLayer {
  readonly device: Device;
  readonly config: MoeConfig;
  readonly router: Tensor;
  readonly bias: Tensor;
  readonly up: Tensor;
  readonly down: Tensor;
  readonly kernels: MoeKernels;
  readonly expertKernels: ExpertKernels;
}

/** Compiles what a layer needs. */
export async function loadKernels(
  device: Device,
  config: MoeConfig,
  options: MoeOptions = {},
): Promise<{ kernels: MoeKernels; experts: ExpertKernels }> {
  const type = dtypeInfo(config.dtype).cuda;
  const load = async (stem: string, ...names: string[]): Promise<Kernel[]> => {
    const file = `moe/${stem}.cu`;
    const source = readFileSync(kernelPath(file), "utf8");
    const module = await device.compileModule(source, { names, fileName: file });
    return names.map((name) => module.kernel(name));
  };
  const one = async (stem: string, name: string): Promise<Kernel> => (await load(stem, name))[0]!;
  const [slots, gather] = await load("05_permute", "moe_05_permute_slots", `moe_05_permute_gather<${type}>`);
  const [gradientLogits, gradientWeights] = await load(
    "10_balance_gradient",
    "moe_10_balance_gradient_logits",
    `moe_10_balance_gradient_weights<${type}>`,
  );
  const kernels: MoeKernels = {
    router: await one("01_router", `moe_01_router<${type}>`),
    topk: await one("02_topk_softmax", `moe_02_topk_softmax<${ceilDiv(config.experts, 32)}>`),
    histogram: await one("03_histogram", "moe_03_histogram"),
    scan: await one("04_scan", "moe_04_scan"),
    slots: slots!,
    gather: gather!,
    combine: await one("08_combine", `moe_08_combine<${type}>`),
    gradientLogits: gradientLogits!,
    gradientWeights: gradientWeights!,
    embed: await one("11_embed", `moe_11_embed<${type}>`),
  };
  const experts =
    config.dtype === "f32"
      ? await floatExperts(load, options.tile ?? expertTile[device.kind])
      : (options.tensorCores ?? usualTensorCores(device)) === "wgmma"
        ? await hopperExperts(device, load)
        : await tensorExperts(load);
  return { kernels, experts };
}

type Load = (stem: string, ...names: string[]) => Promise<Kernel[]>;

/** Tiles of the f32 experts' matmuls: larger on a GPU than on the CPU device's few blocks. */
export const expertTile: Readonly<Record<"cuda" | "cpu", MoeTile>> = {
  cuda: [64, 64, 16, 4, 4],
  cpu: [32, 32, 16, 4, 4],
};

async function floatExperts(load: Load, [BM, BN, BK, TM, TN]: MoeTile): Promise<ExpertKernels> {
  const block = (BM / TM) * (BN / TN);
  const tile = [BM, BN, BK, TM, TN].join(", ");
  const both = (symbol: string) => [`${symbol}<${tile}, false>`, `${symbol}<${tile}, true>`];
  const loop = await load("06_expert_loop", ...both("moe_06_expert_loop"));
  const grouped = await load("07_grouped", ...both("moe_07_grouped"));
  return {
    files: { loop: "moe/06_expert_loop.cu", grouped: "moe/07_grouped.cu" },
    loop({ gelu, x, w, y, start, n, k }, rows) {
      for (let e = 0; e < rows.length; e++) {
        if (rows[e] === 0) continue;
        const config: LaunchConfig = { grid: [ceilDiv(n, BN), ceilDiv(rows[e]!, BM)], block };
        loop[gelu ? 1 : 0]!.enqueue(config, x, w, y, start, e, n, k);
      }
    },
    grouped({ gelu, x, w, y, start, n, k }, rows, experts) {
      const config: LaunchConfig = { grid: [ceilDiv(n, BN), ceilDiv(rows, BM) + experts], block };
      grouped[gelu ? 1 : 0]!.enqueue(config, x, w, y, start, experts, n, k);
    },
  };
}

/** Tiles of kernels/moe/09_grouped_tensor.cu. */
const tensorTile = { BM: 128, BN: 256, BK: 32, STAGES: 4, threads: 256 } as const;

async function tensorExperts(load: Load): Promise<ExpertKernels> {
  const { BM, BN, BK, STAGES, threads } = tensorTile;
  const symbol = "moe_09_grouped_tensor";
  const kernels = await load(
    "09_grouped_tensor",
    `${symbol}<${STAGES}, false>`,
    `${symbol}<${STAGES}, true>`,
  );
  const shared = STAGES * 2 * (BM * BK + BK * BN);
  const launch = (job: ExpertMatmul, rowTiles: number, first: number, end: number) => {
    const { gelu, x, w, y, start, n, k } = job;
    const config: LaunchConfig = { grid: rowTiles * ceilDiv(n, BN), block: threads, shared };
    kernels[gelu ? 1 : 0]!.enqueue(config, x, w, y, start, first, end, n, k);
  };
  return {
    files: { loop: "moe/09_grouped_tensor.cu", grouped: "moe/09_grouped_tensor.cu" },
    loop(job, rows) {
      for (let e = 0; e < rows.length; e++) {
        if (rows[e] !== 0) launch(job, ceilDiv(rows[e]!, BM), e, e + 1);
      }
    },
    grouped(job, rows, experts) {
      launch(job, ceilDiv(rows, BM) + experts, 0, experts);
    },
  };
}

/** wgmma is sm_90a's own; the CPU device has it too, but takes longer over it. */
function usualTensorCores({ kind, info }: Device): "mma" | "wgmma" {
  return kind === "cuda" && info.capability[0] === 9 && info.capability[1] === 0 ? "wgmma" : "mma";
}

/** Tiles of kernels/moe/12_grouped_hopper.cu. */
const hopperTile = { BM: 128, BN: 256, BK: 64, STAGES: 4, CLUSTER: 1, threads: 384 } as const;

async function hopperExperts(device: Device, load: Load): Promise<ExpertKernels> {
  const { BM, BN, BK, STAGES, CLUSTER, threads } = hopperTile;
  const symbol = "moe_12_grouped_hopper";
  const template = `${STAGES}, ${CLUSTER}`;
  const kernels = await load(
    "12_grouped_hopper",
    `${symbol}<${template}, false>`,
    `${symbol}<${template}, true>`,
  );
  const shared = STAGES * 2 * (BM * BK + BK * BN);
  const maps = new WeakMap<Tensor, TensorMap>();
  const mapOf = (tensor: Tensor, shape: readonly number[], box: readonly number[]): TensorMap => {
    const map = maps.get(tensor) ?? tensorMap(tensor.reshape(shape), { box, swizzle: 128, l2Promotion: 256 });
    maps.set(tensor, map);
    return map;
  };
  const launch = (job: ExpertMatmul, rows: number, first: number, end: number) => {
    const { gelu, x, w, y, start, n, k } = job;
    const tiles = ceilDiv(n, BN) * (ceilDiv(rows, CLUSTER * BM) + end - first - 1);
    const clusters = Math.max(1, Math.min(tiles, Math.floor(device.info.multiprocessors / CLUSTER)));
    const config: LaunchConfig = { grid: clusters * CLUSTER, block: threads, shared, cluster: CLUSTER };
    const xMap = mapOf(x, x.shape, [BM, BK]);
    const wMap = mapOf(w, [w.size / (k * n), k, n], [1, BK, 64]);
    kernels[gelu ? 1 : 0]!.enqueue(config, xMap, wMap, y, start, first, end, n, k);
  };
  return {
    files: { loop: "moe/12_grouped_hopper.cu", grouped: "moe/12_grouped_hopper.cu" },
    loop(job, rows) {
      for (let e = 0; e < rows.length; e++) {
        if (rows[e] !== 0) launch(job, rows[e]!, e, e + 1);
      }
    },
    grouped(job, rows, experts) {
      launch(job, rows, 0, experts);
    },
  };
}
