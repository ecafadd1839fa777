import type { DeviceInfo } from "../backend/contract";
import { dtypeInfo } from "../core/dtype";
import { ceilDiv } from "../core/shape";
import { plainArguments, shapeArgument, viewsOf } from "./attentionArguments";
import type { AttentionCase } from "./attentionCase";
import { firstBroken, hopperRung, rung, sharedRule, tensorNeeds } from "./attentionRungs";
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

/** The rungs on Hopper's TMA and wgmma, in order. */
export const hopperRungs: ReadonlyArray<Variant<AttentionCase>> = [
  hopperRung(
    "12_refined",
    {
      title: "persistent, everything overlapped",
      idea: "TMA, tensor cores and exponentials of neighbouring tiles run at the same time.",
      parameters: (_, c) => {
        // The fastest of the sweeps on an H200.
        if (c.headDim === 64) return { WARPGROUPS: c.causal ? 2 : 3, BN: 128, STAGES: 2, QUERY_STAGES: 2 };
        if (c.headDim === 128) return { WARPGROUPS: 2, BN: 128, STAGES: 2, QUERY_STAGES: 2 };
        return { WARPGROUPS: 2, BN: 80, STAGES: 2, QUERY_STAGES: 1 };
      },
      axes: () => ({
        WARPGROUPS: [2, 3],
        BN: [64, 80, 96, 128, 176, 192],
        STAGES: [2, 3],
        QUERY_STAGES: [1, 2],
      }),
      needs: (_, c, p) => {
        const [groups, bn] = [Number(p.WARPGROUPS), Number(p.BN)];
        // Scores, half as many packed weights, and outputs of a thread, beside some 24 for the rest.
        const registers = (bn * 3) / 4 + c.headDim / 2;
        const most = groups === 3 ? 136 : 216;
        return registers <= most ? null : `${registers} registers of tiles a thread, ${most} at most`;
      },
    },
    ["WARPGROUPS", "BN", "STAGES", "CAUSAL", "QUERY_STAGES"],
  ),
];

const decodeShared = ({ headDim }: AttentionCase, p: Parameters) =>
  32 * headDim * (Number(p.MT) + 2 * Number(p.WARPS) * Number(p.STAGES));
const decodeRows = (c: AttentionCase) => c.queries * (c.heads / c.keyHeads);
const decodeBlocks = (c: AttentionCase, rowTile: number) =>
  c.batch * c.keyHeads * ceilDiv(decodeRows(c), rowTile);

/** The fewest splits of the keys whose last wave of blocks wastes at most 5% more than the best number's. */
function splitsFor(info: DeviceInfo, c: AttentionCase, rowTile: number): number {
  const blocks = decodeBlocks(c, rowTile);
  const resident = 2 * info.multiprocessors;
  // Below four tiles of 16 keys a warp, filling the rings takes longer than using them.
  const most = Math.min(128, Math.max(1, Math.floor(c.keys / 256)));
  const full = (splits: number) => (blocks * splits) / (Math.ceil((blocks * splits) / resident) * resident);
  const choices = Array.from({ length: most }, (_, i) => i + 1);
  const best = Math.max(...choices.map(full));
  return choices.find((splits) => full(splits) >= 0.95 * best) ?? 1;
}

/** Decoding: few queries against a long cache. */
export const decodeRung: Rung = {
  ...rung("13_decode", {
    title: "decoding, keys split over blocks",
    idea: "The cache is read once for all heads that share it, by as many blocks as there are multiprocessors.",
    parameters: (info, c) => {
      if (info.kind === "cpu")
        return { WARPS: 2, MT: 1, STAGES: 3, SPLITS: Math.min(3, ceilDiv(c.keys, 64)) };
      const MT = c.headDim <= 128 && decodeRows(c) > 16 ? 2 : 1;
      const STAGES = c.headDim > 128 ? 3 : c.headDim > 64 ? 3 : 6;
      return { WARPS: c.headDim > 128 ? 2 : 4, MT, STAGES, SPLITS: splitsFor(info, c, 16 * MT) };
    },
    axes: (): Axes => ({ WARPS: [2, 4, 8], STAGES: [3, 4, 6], SPLITS: [1, 2, 4, 8, 16] }),
    needs: (info, c, p) =>
      tensorNeeds(info, c, [64, 96, 128, 256]) ??
      firstBroken([
        [c.queries <= 16, `it is for 1 to 16 queries, not ${c.queries}`],
        [Number(p.MT) < Number(p.STAGES), "STAGES must be more than MT"],
        sharedRule(info, decodeShared(c, p)),
      ]),
    scratch: (c, p) => {
      const pieces = c.batch * c.heads * c.queries * Number(p.SPLITS);
      return {
        partialOut: { dtype: "f32", size: pieces * c.headDim },
        partialState: { dtype: "f32", size: pieces * 2 },
      };
    },
    names: (c, p) => {
      const type = dtypeInfo(c.dtype).cuda;
      return [
        `attention_13_decode<${type}, ${c.headDim}, ${c.causal}, ${p.WARPS}, ${p.MT}, ${p.STAGES}>`,
        `attention_13_decode_combine<${type}, ${c.headDim}>`,
      ];
    },
    launches: ([decode, combine], t, c, p) => {
      const [splits, rowTile] = [Number(p.SPLITS), 16 * Number(p.MT)];
      const views = viewsOf(t, c);
      const shape = shapeArgument(views, c);
      const { q, k, v, out, lse } = views;
      const partial = [t.partialOut!, t.partialState!];
      const first = {
        kernel: decode!,
        config: {
          grid: [splits * ceilDiv(decodeRows(c), rowTile), c.keyHeads, c.batch],
          block: 32 * Number(p.WARPS),
          shared: decodeShared(c, p),
        },
        args: [q, k, v, out, lse, ...partial, shape, splits],
      };
      const programmatic = decode!.device.kind === "cuda" && decode!.device.info.capability[0] >= 9;
      const second = {
        kernel: combine!,
        config: { grid: ceilDiv(c.batch * c.heads * c.queries, 4), block: 128, programmatic },
        args: [...partial, out, lse, shape, splits],
      };
      return splits === 1 ? [first] : [first, second];
    },
  }),
};
