import type { DeviceInfo } from "../backend/contract";
import { dtypeInfo } from "../core/dtype";
import { ceilDiv } from "../core/shape";
import { hopperArguments, plainArguments, viewsOf } from "./attentionArguments";
import type { AttentionCase } from "./attentionCase";
import { firstBroken, type Given, rung, sharedRule, tensorNeeds } from "./attentionRungs";
import { type Axes, type Parameters, symbolOf, type Variant } from "./variant";

type Rung = Variant<AttentionCase>;

/** Fastest tiles of the sweeps on an H200 (kernels/NOTES.md), for the rungs that load through TMA. */
function usualTiles({ headDim, causal }: AttentionCase): Parameters {
  if (headDim === 64) return { WARPGROUPS: causal ? 2 : 3, BN: 128, STAGES: 2 };
  return { WARPGROUPS: 2, BN: headDim === 128 ? 128 : 80, STAGES: 2 };
}

/**
 * The same for the last rung. A second tile of queries pays where a block has a second tile to go on with; the consumers
 * go without turns where the sweeps found that faster.
 */
function refinedTiles(info: DeviceInfo, c: AttentionCase): Parameters {
  const tiles = usualTiles(c);
  const blocks = Math.ceil(c.queries / (64 * Number(tiles.WARPGROUPS))) * c.heads * c.batch;
  return {
    ...tiles,
    STAGES: c.headDim === 64 && c.causal ? 3 : 2,
    QUERY_STAGES: c.headDim > 128 || blocks <= info.multiprocessors ? 1 : 2,
    TURNS: c.headDim === 128 || c.causal === (c.headDim === 64),
  };
}

/**
 * The same for the rung that keeps the tensor cores busy at a tile's ends: smaller tiles, more of them, always in turns.
 * Keys upward pay under a causal mask from head dim 128 on, where a block has more than one tile.
 */
function endsTiles(info: DeviceInfo, c: AttentionCase): Parameters {
  if (c.headDim === 64) {
    const BN = c.causal ? 96 : 128;
    return { WARPGROUPS: 3, BN, STAGES: 3, QUERY_STAGES: 2, TURNS: true, UPWARD: false };
  }
  const blocks = ceilDiv(c.queries, 128) * c.heads * c.batch;
  const several = blocks > info.multiprocessors;
  return {
    WARPGROUPS: 2,
    BN: c.headDim === 128 ? 128 : 64,
    STAGES: 2,
    QUERY_STAGES: several && c.headDim === 128 ? 2 : 1,
    TURNS: true,
    UPWARD: c.causal && several,
  };
}

const refinedTemplate = ["WARPGROUPS", "BN", "STAGES", "CAUSAL", "QUERY_STAGES", "TURNS"] as const;
const refinedAxes: Axes = {
  WARPGROUPS: [2, 3],
  BN: [64, 80, 96, 128, 176, 192],
  STAGES: [2, 3],
  QUERY_STAGES: [1, 2],
  TURNS: [true, false],
};

const tileAxes: Axes = { WARPGROUPS: [2, 3], BN: [64, 80, 96, 128, 176, 192], STAGES: [2, 3] };

/** Shared memory of a block: its tiles of queries, keys and values. */
function tileBytes({ headDim }: AttentionCase, p: Parameters): number {
  const keyRows = 2 * Number(p.STAGES ?? 2) * Number(p.BN);
  return 2 * headDim * (Number(p.QUERY_STAGES ?? 1) * 64 * Number(p.WARPGROUPS) + keyRows);
}

/** What a consumer holds in registers: scores, as many half-sized weights, outputs; the rest needs some 24 more. */
function registerRule({ headDim }: AttentionCase, p: Parameters, most: number): readonly [boolean, string] {
  const registers = (Number(p.BN) * 3) / 4 + headDim / 2;
  return [registers <= most, `${registers} registers of tiles a thread, ${most} at most`];
}

function hopperNeeds(info: DeviceInfo, c: AttentionCase): string | null {
  const wgmma = info.kind === "cpu" || (info.capability[0] === 9 && info.capability[1] === 0);
  return (
    tensorNeeds(info, c, [64, 128, 256]) ??
    firstBroken([[wgmma, `it needs sm_90a (wgmma), ${info.name} is sm_${info.capability.join("")}`]])
  );
}

/** Where blocks that stay draw their next tile's number. */
const counter: ReturnType<NonNullable<Rung["scratch"]>> = { counter: { dtype: "i32", size: 1, zeros: true } };

/** Names the instance by type, head dim and these template arguments; CAUSAL is the case's. */
function namesBy(stem: string, template: readonly string[]): Rung["names"] {
  return (c, p) => {
    const values = template.map((name) => (name === "CAUSAL" ? c.causal : p[name]));
    return [
      `${symbolOf(`attention/${stem}.cu`)}<${[dtypeInfo(c.dtype).cuda, c.headDim, ...values].join(", ")}>`,
    ];
  };
}

/** A rung with a producer warpgroup; `stays` when its blocks draw tiles from a counter. */
function tmaRung(
  stem: string,
  stays: boolean,
  template: readonly string[],
  {
    queryBox,
    ...given
  }: Pick<Given, "title" | "idea"> &
    Partial<Pick<Given, "parameters" | "axes">> & {
      /** Rows and panels of 64 head dims of a load of queries. Default: all of a tile. */
      readonly queryBox?: readonly [rows: number, panels: number];
    },
): Rung {
  return rung(stem, {
    parameters: (_, c) => usualTiles(c),
    axes: () => tileAxes,
    ...given,
    names: namesBy(stem, template),
    scratch: () => (stays ? counter : {}),
    needs: (info, c, p) =>
      hopperNeeds(info, c) ??
      firstBroken([
        registerRule(c, p, Number(p.WARPGROUPS) === 3 ? 136 : 216),
        sharedRule(info, tileBytes(c, p)),
      ]),
    launches: ([kernel], t, c, p) => {
      const groups = Number(p.WARPGROUPS);
      const rows = { query: 64 * groups, key: Number(p.BN) };
      const { tiles, tensors, shape, section } = hopperArguments(viewsOf(t, c), c, rows, queryBox);
      const grid = stays ? Math.min(tiles, kernel!.device.info.multiprocessors) : tiles;
      const config = { grid, block: 128 * (groups + 1), shared: tileBytes(c, p) };
      const args = stays ? [...tensors, t.counter!, shape, section] : [...tensors, shape];
      return [{ kernel: kernel!, config, args }];
    },
  });
}

/** The rungs on Hopper's wgmma and TMA, in order. */
export const hopperRungs: readonly Rung[] = [
  rung("08_wgmma", {
    title: "wgmma reads K and V itself",
    idea: "A warpgroup multiplies whole tiles of shared memory with one instruction.",
    parameters: (_, c) => ({ WARPGROUPS: 2, BN: c.headDim > 128 ? 64 : 128 }),
    axes: (): Axes => ({ WARPGROUPS: [1, 2, 3], BN: [64, 80, 96, 128, 176] }),
    names: namesBy("08_wgmma", ["WARPGROUPS", "BN", "CAUSAL"]),
    needs: (info, c, p) =>
      hopperNeeds(info, c) ??
      firstBroken([
        registerRule(c, p, Number(p.WARPGROUPS) === 3 ? 136 : 216),
        sharedRule(info, tileBytes(c, p)),
      ]),
    launches: ([kernel], t, c, p) => {
      const groups = Number(p.WARPGROUPS);
      const grid = [ceilDiv(c.queries, 64 * groups), c.heads, c.batch];
      const config = { grid, block: 128 * groups, shared: tileBytes(c, p) };
      return [{ kernel: kernel!, config, args: plainArguments(viewsOf(t, c), c) }];
    },
  }),
  tmaRung("09_tma", false, ["WARPGROUPS", "BN", "STAGES", "CAUSAL"], {
    title: "a producer warp, TMA and consumers",
    idea: "One thread loads whole tiles; the others only multiply and exponentiate.",
  }),
  tmaRung("10_pingpong", false, ["WARPGROUPS", "BN", "STAGES", "CAUSAL"], {
    title: "exponentials behind products",
    idea: "The softmax of one tile runs under the product of the one before, and under other warpgroups'.",
  }),
  tmaRung("11_causal", true, ["WARPGROUPS", "BN", "STAGES", "CAUSAL"], {
    title: "blocks that stay, long tiles first",
    idea: "As many blocks as multiprocessors draw tiles, the longest first.",
  }),
  tmaRung("12_refined", true, refinedTemplate, {
    title: "the end of one tile under the beginning of the next",
    idea: "A second tile of queries lets the next tile's first product run under this one's last.",
    parameters: refinedTiles,
    axes: () => refinedAxes,
  }),
  tmaRung("14_lazy", true, refinedTemplate, {
    title: "the output is rescaled only when a maximum has really grown",
    idea: "The base of the exponents stays until a row has grown by 2^8: no factor for the output, no row maximum.",
    parameters: refinedTiles,
    axes: () => refinedAxes,
  }),
  tmaRung("15_ends", true, [...refinedTemplate, "UPWARD"], {
    title: "nobody waits at the ends of a tile",
    idea: "First loads leave before the block has met; stores are waited for under the next tile's product.",
    queryBox: [64, 1],
    parameters: endsTiles,
    axes: () => ({ ...refinedAxes, UPWARD: [false, true] }),
  }),
];
