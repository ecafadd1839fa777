import type { DeviceInfo } from "../backend/contract";
import { ceilDiv } from "../core/shape";
import type { Device } from "../runtime/device";
import { compareOutput, sampleIndices } from "./check";
import { type Dot, dot } from "./reference";
import { tileCost, tileNeeds } from "./tiling";
import { type Axes, findVariant, type OpCase, type Parameters, type Problem, type Variant } from "./variant";

/** C = A B in f32: A is m x k, B is k x n. */
export interface MatmulCase extends OpCase {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

const outliers = { fraction: 0.001, scale: 16 };

/** Makes a case of normal values with 0.1% outliers at 16 times the scale. */
export function makeCase({ m, n, k }: { m: number; n: number; k: number }): MatmulCase {
  return {
    name: `${m}x${n}x${k}`,
    params: { m, n, k },
    dtype: "f32",
    distribution: "normal, 0.1% outliers x16",
    m,
    n,
    k,
  };
}

/** Sizes that no tile divides, a single element, long and thin ones. */
export function checkCases(): MatmulCase[] {
  const sizes = [
    [1, 1, 1],
    [17, 19, 23],
    [64, 64, 64],
    [129, 65, 333],
    [3, 260, 40],
    [200, 132, 8],
  ] as const;
  return sizes.map(([m, n, k]) => makeCase({ m, n, k }));
}

/** The case to measure: the goal's size on a GPU, a small one on the CPU device. */
export function benchCase(info: DeviceInfo): MatmulCase {
  const size = info.kind === "cuda" ? 4096 : 192;
  return makeCase({ m: size, n: size, k: size });
}

const tile = ["BM", "BN", "BK", "TM", "TN"] as const;
const list = (p: Parameters, names: readonly string[]) => names.map((name) => p[name]).join(", ");

function rung(
  given: Pick<Variant<MatmulCase>, "title" | "idea" | "parameters" | "launches" | "names"> &
    Partial<Pick<Variant<MatmulCase>, "needs" | "axes">> & { stem: string },
): Variant<MatmulCase> {
  const { stem, ...rest } = given;
  return {
    id: `matmul/${stem}`,
    topic: "matmul",
    rung: Number(stem.slice(0, 2)),
    file: `matmul/${stem}.cu`,
    needs: () => null,
    bytes: (c) => 4 * (c.m * c.k + c.k * c.n + c.m * c.n),
    flops: (c) => 2 * c.m * c.n * c.k,
    problem,
    ...rest,
  };
}

/** Tiles small enough for the CPU device's few blocks, the usual ones on a GPU. */
const gpuOr = (gpu: Parameters, cpu: Parameters) => (info: DeviceInfo) => (info.kind === "cuda" ? gpu : cpu);

/** Tile sizes worth a try; most of their combinations break a rule that `needs` names. */
const tileAxes = (info: DeviceInfo): Axes =>
  info.kind === "cuda"
    ? { BM: [32, 64, 128, 256], BN: [32, 64, 128, 256], BK: [8, 16], TM: [4, 8, 16], TN: [4, 8, 16] }
    : { BM: [16, 32, 64], BN: [16, 32, 64], BK: [8], TM: [4], TN: [4] };

/** The ladder, in order. */
export const variants: ReadonlyArray<Variant<MatmulCase>> = [
  rung({
    stem: "01_naive",
    title: "a thread an element",
    idea: "Neighbouring threads take neighbouring rows: every load a sector of its own.",
    parameters: () => ({ block: 16 }),
    axes: () => ({ block: [8, 16, 32] }),
    names: () => ["matmul_01_naive"],
    launches: ([kernel], t, c, p) => {
      const block = Number(p.block);
      const grid = [ceilDiv(c.m, block), ceilDiv(c.n, block)];
      return [
        { kernel: kernel!, config: { grid, block: [block, block] }, args: [t.a!, t.b!, t.c!, c.m, c.n, c.k] },
      ];
    },
  }),
  rung({
    stem: "02_coalesced",
    title: "neighbours along the columns",
    idea: "Two indices exchanged: a warp reads 32 neighbours of B and writes 32 of C.",
    parameters: () => ({ x: 32, y: 8 }),
    axes: () => ({ x: [16, 32, 64], y: [2, 4, 8, 16] }),
    names: () => ["matmul_02_coalesced"],
    launches: ([kernel], t, c, p) => {
      const [x, y] = [Number(p.x), Number(p.y)];
      const grid = [ceilDiv(c.n, x), ceilDiv(c.m, y)];
      return [{ kernel: kernel!, config: { grid, block: [x, y] }, args: [t.a!, t.b!, t.c!, c.m, c.n, c.k] }];
    },
  }),
  rung({
    stem: "03_shared",
    title: "tiles in shared memory",
    idea: "Each element loaded serves TILE threads.",
    parameters: gpuOr({ TILE: 32 }, { TILE: 16 }),
    axes: () => ({ TILE: [8, 16, 32] }),
    names: (_, p) => [`matmul_03_shared<${p.TILE}>`],
    needs: (info, _, p) =>
      Number(p.TILE) ** 2 <= info.maxThreadsPerBlock ? null : `TILE ${p.TILE} makes a block too large`,
    launches: ([kernel], t, c, p) => {
      const size = Number(p.TILE);
      const grid = [ceilDiv(c.n, size), ceilDiv(c.m, size)];
      return [
        { kernel: kernel!, config: { grid, block: [size, size] }, args: [t.a!, t.b!, t.c!, c.m, c.n, c.k] },
      ];
    },
  }),
  tiled("04_register", {
    title: "TM x TN elements a thread",
    idea: "An outer product in registers: (TM + TN) loads for TM x TN FMAs.",
  }),
  tiled("05_vector", {
    title: "16-byte loads, A transposed",
    idea: "One instruction moves four floats, from global and from shared memory.",
  }),
  rung({
    stem: "06_pipelined",
    title: "warp tiles, asynchronous copies",
    idea: "Tiles arrive by cp.async while the FMAs work on the one before.",
    parameters: (info, c) => ({
      ...(info.kind === "cuda"
        ? { BM: 256, BN: 128, BK: 16, TM: 16, TN: 8, STAGES: 3, MIN_BLOCKS: 1 }
        : { BM: 32, BN: 64, BK: 8, TM: 4, TN: 4, STAGES: 3, MIN_BLOCKS: 1 }),
      ALIGNED: c.n % 4 === 0,
    }),
    axes: (info) => ({ ...tileAxes(info), STAGES: info.kind === "cuda" ? [2, 3, 4] : [2, 3] }),
    names: (_, p) => [`matmul_06_pipelined<${list(p, [...tile, "STAGES", "MIN_BLOCKS", "ALIGNED"])}>`],
    needs: (info, c, p) => tileNeeds("06_pipelined", info, p, c.n),
    launches: ([kernel], t, c, p) => {
      const cost = tileCost("06_pipelined", p);
      const grid = ceilDiv(c.m, Number(p.BM)) * ceilDiv(c.n, Number(p.BN));
      const config = { grid, block: cost.threads, shared: cost.sharedBytes };
      return [{ kernel: kernel!, config, args: [t.a!, t.b!, t.c!, c.m, c.n, c.k] }];
    },
  }),
];

function tiled(
  stem: "04_register" | "05_vector",
  { title, idea }: { title: string; idea: string },
): Variant<MatmulCase> {
  return rung({
    stem,
    title,
    idea,
    parameters: gpuOr({ BM: 128, BN: 128, BK: 8, TM: 8, TN: 8 }, { BM: 32, BN: 32, BK: 8, TM: 4, TN: 4 }),
    axes: tileAxes,
    names: (_, p) => [`matmul_${stem}<${list(p, tile)}>`],
    needs: (info, c, p) => tileNeeds(stem, info, p, c.n),
    launches: ([kernel], t, c, p) => {
      const grid = [ceilDiv(c.n, Number(p.BN)), ceilDiv(c.m, Number(p.BM))];
      const config = { grid, block: tileCost(stem, p).threads };
      return [{ kernel: kernel!, config, args: [t.a!, t.b!, t.c!, c.m, c.n, c.k] }];
    },
  });
}

/** Finds a rung: lab.matmul.variant("05_vector"), or by number. */
export function variant(wanted: string | number): Variant<MatmulCase> {
  return findVariant(variants, wanted);
}

/** Elements compared at most: each costs k multiply-adds on the host. */
const mostWork = 2 ** 23;

async function problem(device: Device, c: MatmulCase): Promise<Problem> {
  const a = device.randn([c.m, c.k], { seed: 1, outliers });
  const b = device.randn([c.k, c.n], { seed: 2, outliers });
  const out = device.empty([c.m, c.n]);
  return {
    tensors: { a, b, c: out },
    outputs: ["c"],
    async check() {
      const indices = sampleIndices(c.m * c.n, Math.max(64, Math.floor(mostWork / c.k)));
      const [left, right, all] = (await Promise.all([a.read(), b.read(), out.read()])) as Float32Array[];
      const right64 = indices.map(
        (index): Dot => dot(left!, right!, c.k, c.n, Math.floor(index / c.n), index % c.n),
      );
      const at = new Map(indices.map((index, i) => [index, right64[i]!]));
      // f32 sums of k terms in some order: the error grows like sqrt(k) roundings of the terms' magnitudes.
      const factor = 2 ** -23 * (4 + 2 * Math.sqrt(c.k));
      return compareOutput(
        indices.map((index) => all![index]!),
        {
          shape: [c.m, c.n],
          indices,
          at: (index) => at.get(index)!.value,
          tolerance: (index) => factor * at.get(index)!.magnitude + 1e-30,
          rule: `|error| <= ${factor.toExponential(2)} x sum of |a b|`,
        },
      );
    },
  };
}
