import { ceilDiv } from "../core/shape";
import { plainArguments, viewsOf } from "./attentionArguments";
import type { AttentionCase } from "./attentionCase";
import { firstBroken, rung, sharedRule, tensorNeeds } from "./attentionRungs";
import type { Axes, Parameters, Variant } from "./variant";

type Rung = Variant<AttentionCase>;

const mmaShared = ({ headDim }: AttentionCase, p: Parameters) => {
  const rows = 16 * Number(p.WARPS);
  const keys = Number(p.BN);
  return 2 * ((rows + 2 * keys) * (headDim + 8) + rows * (keys + 8));
};
const flashRows = (p: Parameters) => 16 * Number(p.MT) * Number(p.WARPS);
const flashShared = ({ headDim }: AttentionCase, p: Parameters) =>
  2 * headDim * (flashRows(p) + 2 * Number(p.STAGES) * Number(p.BN));

/** Registers that tiles take: outputs and scores of 16 x 8 elements take four a thread. */
function registerRule(rows: number, columns: number): readonly [boolean, string] {
  const registers = (rows * columns) / 32;
  return [registers <= 208, `${registers} registers of outputs and scores a thread, 208 at most`];
}

/** The rungs on the tensor cores of every GPU from sm_80 on. */
export const mmaRungs: readonly Rung[] = [
  rung(
    "06_mma",
    {
      title: "tensor cores by mma.sync",
      idea: "16 queries a warp: ldmatrix brings fragments, scores and outputs stay in accumulators.",
      parameters: (info) => ({ WARPS: info.kind === "cuda" ? 4 : 1, BN: info.kind === "cuda" ? 64 : 32 }),
      axes: (info): Axes =>
        info.kind === "cuda" ? { WARPS: [2, 4, 8], BN: [32, 64, 128] } : { WARPS: [1, 2], BN: [16, 32, 64] },
      needs: (info, c, p) =>
        tensorNeeds(info, c, [64, 96, 128, 256]) ??
        firstBroken([registerRule(16, c.headDim + Number(p.BN)), sharedRule(info, mmaShared(c, p))]),
      launches: ([kernel], t, c, p) => {
        const warps = Number(p.WARPS);
        const grid = [ceilDiv(c.queries, 16 * warps), c.heads, c.batch];
        const config = { grid, block: 32 * warps, shared: mmaShared(c, p) };
        return [{ kernel: kernel!, config, args: plainArguments(viewsOf(t, c), c) }];
      },
    },
    ["WARPS", "BN"],
  ),
  rung(
    "07_flash2",
    {
      title: "FlashAttention-2's pipeline",
      idea: "cp.async behind the products, swizzled tiles, powers of two, weights that stay in registers.",
      parameters: (info, c) => {
        if (info.kind === "cpu") return { WARPS: 1, MT: 1, BN: 32, STAGES: 2 };
        // FlashAttention-2's tiles: two blocks a multiprocessor where the head dim allows.
        if (c.headDim > 128) return { WARPS: 8, MT: 1, BN: 64, STAGES: 1 };
        return { WARPS: 4, MT: 2, BN: c.headDim <= 64 ? 128 : 64, STAGES: 1 };
      },
      axes: (info): Axes =>
        info.kind === "cuda"
          ? { WARPS: [4, 8], MT: [1, 2], BN: [32, 64, 96, 128], STAGES: [1, 2, 3] }
          : { WARPS: [1, 2], MT: [1, 2], BN: [16, 32], STAGES: [1, 2] },
      needs: (info, c, p) =>
        tensorNeeds(info, c, [64, 96, 128, 256]) ??
        firstBroken([
          registerRule(16 * Number(p.MT), c.headDim + Number(p.BN)),
          sharedRule(info, flashShared(c, p)),
        ]),
      launches: ([kernel], t, c, p) => {
        const grid = [ceilDiv(c.queries, flashRows(p)), c.heads, c.batch];
        const config = { grid, block: 32 * Number(p.WARPS), shared: flashShared(c, p) };
        return [{ kernel: kernel!, config, args: plainArguments(viewsOf(t, c), c) }];
      },
    },
    ["WARPS", "MT", "BN", "STAGES"],
  ),
];
