import type { DeviceInfo } from "../backend/contract";
import { dtypeInfo } from "../core/dtype";
import { ceilDiv } from "../core/shape";
import { plainArguments, viewsOf } from "./attentionArguments";
import { type AttentionCase, attentionBytes, attentionFlops } from "./attentionCase";
import { attentionProblem } from "./attentionProblem";
import { type Axes, type Parameters, symbolOf, type Variant } from "./variant";

type Rung = Variant<AttentionCase>;
/** What a rung says of itself. */
export type Given = Pick<Rung, "title" | "idea" | "parameters" | "launches"> &
  Partial<Pick<Rung, "needs" | "names" | "scratch" | "axes">>;

const T = (c: AttentionCase) => dtypeInfo(c.dtype).cuda;
/** Template arguments that every rung begins with, and those named. */
const instance = (c: AttentionCase, p: Parameters, names: readonly string[]) =>
  [T(c), c.headDim, c.causal, ...names.map((name) => p[name])].join(", ");

/** Numbers of a parameter set by name. */
const numbers = (p: Parameters, ...names: string[]) => names.map((name) => Number(p[name]));

/** A rung whose kernel is called after its file, with `tiles` as its template arguments after type, head dim and causal. */
export function rung(stem: string, given: Given, tiles: readonly string[] = []): Rung {
  const file = `attention/${stem}.cu`;
  return {
    id: `attention/${stem}`,
    topic: "attention",
    rung: Number(stem.slice(0, 2)),
    file,
    bytes: attentionBytes,
    flops: attentionFlops,
    problem: attentionProblem,
    names: (c, p) => [`${symbolOf(file)}<${instance(c, p, tiles)}>`],
    ...given,
    needs: (info, c, p) => floatNeeds(c) ?? given.needs?.(info, c, p) ?? null,
  };
}

/** The first rule that does not hold, in words. */
export function firstBroken(rules: readonly (readonly [holds: boolean, otherwise: string])[]): string | null {
  return rules.find(([holds]) => !holds)?.[1] ?? null;
}

function floatNeeds({ dtype, heads, keyHeads, headDim }: AttentionCase): string | null {
  return firstBroken([
    [["f32", "f16", "bf16"].includes(dtype), `it takes f32, f16 and bf16, not ${dtype}`],
    [heads % keyHeads === 0, `${heads} heads are no multiple of ${keyHeads} key heads`],
    [headDim % 8 === 0 && headDim <= 256, `head dim ${headDim} is no multiple of 8 up to 256`],
  ]);
}

/** What a tile takes of shared memory, held against what a block may have. */
export function sharedRule(info: DeviceInfo, bytes: number): readonly [boolean, string] {
  return [
    bytes <= info.sharedPerBlockOptin,
    `its tiles take ${bytes} bytes of shared memory, ${info.name} has ${info.sharedPerBlockOptin} a block`,
  ];
}

/** Small blocks are quick to switch on the CPU device. */
const gpuOr = (gpu: Parameters, cpu: Parameters) => (info: DeviceInfo) => (info.kind === "cuda" ? gpu : cpu);

const tiledShared = ({ headDim }: AttentionCase, p: Parameters) => {
  const [bm, bn] = numbers(p, "BM", "BN") as [number, number];
  return 4 * ((bm + bn) * (headDim + 4) + bm * (bn + 4) + 3 * bm);
};
const warpShared = ({ headDim }: AttentionCase, p: Parameters) => {
  const [warps, rows, bn] = numbers(p, "WARPS", "ROWS", "BN") as [number, number, number];
  return 4 * ((warps * rows + 2 * bn) * (headDim + 4) + warps * rows * (bn + 4));
};

/** The rungs before tensor cores, in order. */
export const plainRungs: readonly Rung[] = [
  rung("01_naive", {
    title: "three kernels, scores in memory",
    idea: "The formula written down: all scores, their softmax, the product with V.",
    parameters: gpuOr({ x: 32, y: 8, block: 256 }, { x: 16, y: 4, block: 32 }),
    names: (c) => [
      `attention_01_naive_scores<${instance(c, {}, [])}>`,
      "attention_01_naive_softmax",
      `attention_01_naive_output<${T(c)}, ${c.headDim}>`,
    ],
    scratch: (c) => ({ scores: { dtype: "f32", size: scoreCount(c) } }),
    needs: (info, c) =>
      firstBroken([
        [
          4 * scoreCount(c) <= info.totalMemory / 2,
          `its scores take ${4 * scoreCount(c)} bytes, over half of the device's memory`,
        ],
      ]),
    launches: ([scores, softmax, output], t, c, p) => {
      const [q, k, v, out, lse, shape] = plainArguments(viewsOf(t, c), c);
      const [x, y] = numbers(p, "x", "y") as [number, number];
      const heads = c.batch * c.heads;
      const over = (width: number) => ({
        grid: [ceilDiv(width, x), ceilDiv(c.queries, y), heads],
        block: [x, y],
      });
      return [
        { kernel: scores!, config: over(c.keys), args: [q!, k!, t.scores!, shape!] },
        {
          kernel: softmax!,
          config: { grid: [c.queries, heads], block: Number(p.block) },
          args: [t.scores!, lse!, shape!],
        },
        { kernel: output!, config: over(c.headDim), args: [t.scores!, v!, out!, shape!] },
      ];
    },
  }),
  rung("02_fused", {
    title: "a row of scores in shared memory",
    idea: "A block owns a query: its scores never leave the chip.",
    parameters: gpuOr({ block: 128 }, { block: 32 }),
    axes: (info): Axes => ({ block: info.kind === "cuda" ? [64, 128, 256, 512] : [32, 64] }),
    needs: (info, c, p) => firstBroken([sharedRule(info, 4 * (c.keys + c.headDim + Number(p.block)))]),
    launches: ([kernel], t, c, p) => {
      const block = Number(p.block);
      const config = { grid: [c.queries, c.heads, c.batch], block, shared: 4 * (c.keys + c.headDim + block) };
      return [{ kernel: kernel!, config, args: plainArguments(viewsOf(t, c), c) }];
    },
  }),
  rung("03_online", {
    title: "online softmax, a thread a query",
    idea: "A running maximum and sum: one pass over the keys, any length.",
    parameters: gpuOr({ block: 64 }, { block: 32 }),
    axes: () => ({ block: [32, 64, 128] }),
    needs: (info, c) =>
      firstBroken([
        [
          info.kind === "cpu" || c.headDim <= 128,
          `a query and its output of ${c.headDim} floats each do not fit a thread's 255 registers`,
        ],
      ]),
    launches: ([kernel], t, c, p) => {
      const block = Number(p.block);
      const config = { grid: [ceilDiv(c.queries, block), c.heads, c.batch], block };
      return [{ kernel: kernel!, config, args: plainArguments(viewsOf(t, c), c) }];
    },
  }),
  rung(
    "04_tiled",
    {
      title: "tiles of Q, K and V in shared memory",
      idea: "Both products as register-tiled matmuls over BM x BN tiles.",
      parameters: (info, c) =>
        info.kind === "cpu"
          ? { BM: 16, BN: c.headDim > 64 ? 32 : 16 }
          : c.headDim > 128
            ? { BM: 32, BN: 64 }
            : { BM: 64, BN: 64 },
      axes: (info): Axes =>
        info.kind === "cuda"
          ? { BM: [16, 32, 64, 128], BN: [16, 32, 64, 128] }
          : { BM: [16, 32], BN: [16, 32] },
      needs: (info, c, p) => {
        const [bm, bn] = numbers(p, "BM", "BN") as [number, number];
        return firstBroken([
          [c.headDim % (bn / 4) === 0, `head dim ${c.headDim} is no multiple of BN / 4 = ${bn / 4}`],
          [(bm * bn) / 16 <= info.maxThreadsPerBlock, `${bm} x ${bn} needs ${(bm * bn) / 16} threads`],
          [
            (16 * c.headDim) / bn <= 64,
            `${(16 * c.headDim) / bn} outputs a thread do not fit in its registers (64 at most)`,
          ],
          sharedRule(info, tiledShared(c, p)),
        ]);
      },
      launches: ([kernel], t, c, p) => {
        const [bm, bn] = numbers(p, "BM", "BN") as [number, number];
        const grid = [ceilDiv(c.queries, bm), c.heads, c.batch];
        const config = { grid, block: (bm * bn) / 16, shared: tiledShared(c, p) };
        return [{ kernel: kernel!, config, args: plainArguments(viewsOf(t, c), c) }];
      },
    },
    ["BM", "BN"],
  ),
  rung(
    "05_warp",
    {
      title: "rows that belong to a warp",
      idea: "Maximum and sum by shuffles: no thread works alone while others wait.",
      parameters: (info, c) =>
        info.kind === "cpu"
          ? { WARPS: 1, ROWS: 8, BN: 32 }
          : { WARPS: 8, ROWS: 8, BN: c.headDim > 128 ? 32 : 64 },
      axes: (info): Axes =>
        info.kind === "cuda"
          ? { WARPS: [4, 8, 16], ROWS: [4, 8, 16], BN: [32, 64, 128] }
          : { WARPS: [1, 2], ROWS: [4, 8], BN: [32, 64] },
      needs: (info, c, p) =>
        firstBroken([
          [c.headDim % 32 === 0, `head dim ${c.headDim} is no multiple of 32`],
          [
            (Number(p.ROWS) * c.headDim) / 32 <= 64,
            `${(Number(p.ROWS) * c.headDim) / 32} outputs a thread do not fit in its registers (64 at most)`,
          ],
          sharedRule(info, warpShared(c, p)),
        ]),
      launches: ([kernel], t, c, p) => {
        const [warps, rows] = numbers(p, "WARPS", "ROWS") as [number, number];
        const grid = [ceilDiv(c.queries, warps * rows), c.heads, c.batch];
        const config = { grid, block: 32 * warps, shared: warpShared(c, p) };
        return [{ kernel: kernel!, config, args: plainArguments(viewsOf(t, c), c) }];
      },
    },
    ["WARPS", "ROWS", "BN"],
  ),
];

function scoreCount(c: AttentionCase): number {
  return c.batch * c.heads * c.queries * c.keys;
}

/** What every rung on tensor cores asks of a case. */
export function tensorNeeds(info: DeviceInfo, c: AttentionCase, dims: readonly number[]): string | null {
  return firstBroken([
    [c.dtype !== "f32", "tensor cores multiply f16 and bf16 here, not f32"],
    [info.capability[0] >= 8, `it needs sm_80, ${info.name} is sm_${info.capability.join("")}`],
    [dims.includes(c.headDim), `it takes head dims ${dims.join(", ")}, not ${c.headDim}`],
  ]);
}
