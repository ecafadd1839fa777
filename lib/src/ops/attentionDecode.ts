import type { DeviceInfo } from "../backend/contract";
import { dtypeInfo } from "../core/dtype";
import { ceilDiv } from "../core/shape";
import { shapeArgument, viewsOf } from "./attentionArguments";
import type { AttentionCase } from "./attentionCase";
import { firstBroken, rung, sharedRule, tensorNeeds } from "./attentionRungs";
import type { Axes, Parameters, Variant } from "./variant";

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
export const decodeRung: Variant<AttentionCase> = {
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
