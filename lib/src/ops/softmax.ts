import type { DeviceInfo } from "../backend/contract";
import { type DType, dtypeInfo } from "../core/dtype";
import { ceilDiv } from "../core/shape";
import type { Device } from "../runtime/device";
import type { Tensor } from "../runtime/tensor";
import { compareOutput, joinChecks, sampleIndices } from "./check";
import { softmaxRow } from "./reference";
import {
  type Axes,
  findVariant,
  type OpCase,
  type Parameters,
  type Problem,
  symbolOf,
  type Variant,
} from "./variant";

/** A softmax over the rows of a matrix. */
export interface SoftmaxCase extends OpCase {
  readonly rows: number;
  readonly cols: number;
  /** Standard deviation of the inputs; 1e30 is legal for f32. */
  readonly magnitude: number;
  readonly outliers: { readonly fraction: number; readonly scale: number };
}

/** Makes a case; f32, deviation 1 and 0.1% outliers at 16 times the scale unless said otherwise. */
export function makeCase(given: {
  rows: number;
  cols: number;
  dtype?: DType;
  magnitude?: number;
  outliers?: { fraction: number; scale: number };
}): SoftmaxCase {
  const { rows, cols, dtype = "f32", magnitude = 1, outliers = { fraction: 0.001, scale: 16 } } = given;
  const distribution = `normal x${magnitude}, ${outliers.fraction * 100}% outliers x${outliers.scale}`;
  const suffix = magnitude === 1 ? "" : ` x${magnitude}`;
  return {
    name: `${rows}x${cols}${suffix}`,
    params: { rows, cols },
    dtype,
    distribution,
    rows,
    cols,
    magnitude,
    outliers,
  };
}

/** Odd sizes, outliers of both signs and magnitudes that overflow a careless exponential. */
export function checkCases(dtype: DType = "f32"): SoftmaxCase[] {
  const many = { fraction: 0.05, scale: 20 };
  return [
    makeCase({ rows: 1, cols: 1, dtype }),
    makeCase({ rows: 3, cols: 17, dtype, outliers: many }),
    makeCase({ rows: 7, cols: 333, dtype, outliers: many }),
    makeCase({ rows: 33, cols: 64, dtype, magnitude: 30, outliers: many }),
    makeCase({ rows: 2, cols: 1024, dtype, magnitude: dtype === "f32" ? 1e30 : 500, outliers: many }),
    makeCase({ rows: 5, cols: 4097, dtype, outliers: many }),
  ];
}

/** The case to measure: the goal's size on a GPU, a small one on the CPU device. */
export function benchCase(info: DeviceInfo): SoftmaxCase {
  return info.kind === "cuda"
    ? makeCase({ rows: 65536, cols: 4096, dtype: "f16" })
    : makeCase({ rows: 64, cols: 1024 });
}

const type = (c: SoftmaxCase) => dtypeInfo(c.dtype).cuda;
const flat = (block: number) => (): Parameters => ({ block });
// A block of 512 fibers and more is slow to switch on the CPU device, and tells nothing of a GPU.
const blocks = (info: DeviceInfo): Axes => ({
  block: info.kind === "cuda" ? [32, 64, 128, 256, 512, 1024] : [32, 64, 128, 256],
});
const wrongDtype = (c: SoftmaxCase) =>
  ["f32", "f16", "bf16"].includes(c.dtype) ? null : `it takes f32, f16 and bf16, not ${c.dtype}`;

function rung(
  given: Pick<Variant<SoftmaxCase>, "title" | "idea" | "parameters" | "launches"> &
    Partial<Pick<Variant<SoftmaxCase>, "needs" | "names" | "scratch" | "axes">> & { stem: string },
): Variant<SoftmaxCase> {
  const { stem, ...rest } = given;
  const file = `softmax/${stem}.cu`;
  return {
    id: `softmax/${stem}`,
    topic: "softmax",
    rung: Number(stem.slice(0, 2)),
    file,
    needs: (_, c) => wrongDtype(c),
    axes: blocks,
    bytes: (c) => 2 * c.rows * c.cols * dtypeInfo(c.dtype).bytes,
    flops: (c) => 5 * c.rows * c.cols,
    names: (c) => [`${symbolOf(file)}<${type(c)}>`],
    problem,
    ...rest,
  };
}

/** The ladder, in order. */
export const variants: ReadonlyArray<Variant<SoftmaxCase>> = [
  rung({
    stem: "01_naive",
    title: "three passes, a thread a row",
    idea: "The formula written down: one pass for the maximum, one for the sum, one to write.",
    parameters: flat(128),
    launches: ([kernel], t, c, p) => [
      {
        kernel: kernel!,
        config: { grid: ceilDiv(c.rows, Number(p.block)), block: Number(p.block) },
        args: [t.x!, t.y!, c.rows, c.cols],
      },
    ],
  }),
  rung({
    stem: "02_block",
    title: "a block a row, shared memory",
    idea: "Threads of a block stride over a row together, so that loads are coalesced.",
    parameters: flat(256),
    launches: ([kernel], t, c, p) => [
      {
        kernel: kernel!,
        config: { grid: c.rows, block: Number(p.block), shared: 4 * Number(p.block) },
        args: [t.x!, t.y!, c.rows, c.cols],
      },
    ],
  }),
  rung({
    stem: "03_warp",
    title: "warp shuffles",
    idea: "Lanes read each other's registers: no barrier inside a warp.",
    parameters: flat(256),
    launches: rowBlocks,
  }),
  rung({
    stem: "04_online",
    title: "online: running maximum and sum",
    idea: "One pass finds maximum and sum together: 2 reads instead of 3.",
    parameters: flat(256),
    launches: rowBlocks,
  }),
  rung({
    stem: "05_vector",
    title: "row in registers, 16-byte loads",
    idea: "One read, one write: the row stays in its threads' registers.",
    parameters: (_, c) => vectorParameters(c.cols, c.dtype),
    axes: () => ({ THREADS: [32, 64, 128, 256, 512, 1024], PACKS: [1, 2, 4, 8, 16] }),
    needs: (_, c, p) => wrongDtype(c) ?? vectorNeeds(c, p),
    names: (c, p) => [`softmax_05_vector<${type(c)}, ${p.WIDTH}, ${p.THREADS}, ${p.PACKS}, ${p.ROWS}>`],
    launches: ([kernel], t, c, p) => [
      {
        kernel: kernel!,
        config: { grid: ceilDiv(c.rows, Number(p.ROWS)), block: [Number(p.THREADS), Number(p.ROWS)] },
        args: [t.x!, t.y!, c.rows, c.cols],
      },
    ],
  }),
  rung({
    stem: "06_split",
    title: "a long row over many blocks",
    idea: "Pairs (max, sum) join in any order, so that a row can be cut into pieces.",
    parameters: (info, c) => {
      const wanted = ceilDiv(4 * info.multiprocessors, c.rows);
      return { block: 256, splits: Math.max(1, Math.min(1024, wanted, ceilDiv(c.cols, 256))) };
    },
    axes: (info, c) => ({
      ...blocks(info),
      splits: [1, 4, 16, 64, 256, 1024].filter((n) => n <= ceilDiv(c.cols, 256)),
    }),
    names: (c) => [`softmax_06_split_partial<${type(c)}>`, `softmax_06_split_combine<${type(c)}>`],
    scratch: (c, p) => ({ pairs: { dtype: "f32", size: 2 * c.rows * Number(p.splits) } }),
    launches: ([partial, combine], t, c, p) => {
      const config = { grid: [c.rows, Number(p.splits)], block: Number(p.block) };
      return [
        { kernel: partial!, config, args: [t.x!, t.pairs!, c.rows, c.cols] },
        { kernel: combine!, config, args: [t.x!, t.pairs!, t.y!, c.rows, c.cols] },
      ];
    },
  }),
];

/** Finds a rung: lab.softmax.variant("04_online"), or by number. */
export function variant(wanted: string | number): Variant<SoftmaxCase> {
  return findVariant(variants, wanted);
}

/**
 * Threads a row, packs a thread and rows a block of rung 05 for a row length.
 *
 * Few threads with many packs: as NVRTC compiles it, eight packs a thread were the fastest on an H200, and wider blocks
 * slower by up to a half (kernels/NOTES.md).
 */
export function vectorParameters(cols: number, dtype: DType): Parameters {
  const wide = 16 / dtypeInfo(dtype).bytes;
  const WIDTH = cols % wide === 0 ? wide : 1;
  const most = WIDTH === 1 ? 16 : 8;
  let THREADS = 32;
  while (THREADS < 1024 && THREADS * most * WIDTH < cols) THREADS *= 2;
  return { WIDTH, THREADS, PACKS: ceilDiv(cols, THREADS * WIDTH), ROWS: THREADS <= 64 ? 2 : 1 };
}

function vectorNeeds(c: SoftmaxCase, p: Parameters): string | null {
  const [width, threads, packs, rows] = [p.WIDTH, p.THREADS, p.PACKS, p.ROWS].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  if (threads % 32 !== 0) return `THREADS is ${threads}, expected a multiple of 32`;
  if (threads * rows > 1024) return `THREADS x ROWS is ${threads * rows}, a block has at most 1024 threads`;
  if (c.cols % width !== 0) return `rows of ${c.cols} are no multiple of WIDTH ${width}`;
  if (width * packs > 64)
    return `${width * packs} elements a thread do not fit in its registers (64 at most)`;
  if (threads * packs * width < c.cols) {
    return `rows of ${c.cols} are longer than the ${threads * packs * width} that THREADS x PACKS x WIDTH hold`;
  }
  return null;
}

function rowBlocks(
  ...[[kernel], t, c, p]: globalThis.Parameters<Variant<SoftmaxCase>["launches"]>
): ReturnType<Variant<SoftmaxCase>["launches"]> {
  return [
    {
      kernel: kernel!,
      config: { grid: c.rows, block: Number(p.block) },
      args: [t.x!, t.y!, c.rows, c.cols],
    },
  ];
}

async function problem(device: Device, c: SoftmaxCase): Promise<Problem> {
  const shape = [c.rows, c.cols];
  const x = device.randn(shape, { dtype: c.dtype, seed: 1, std: c.magnitude, outliers: c.outliers });
  const y = device.empty(shape, { dtype: c.dtype });
  // At most this many elements are read back: of a large matrix rows spread over all of it.
  const rows = sampleIndices(c.rows, Math.max(2, Math.floor(2 ** 20 / c.cols)));
  return {
    tensors: { x, y },
    outputs: ["y"],
    async check() {
      const whole = rows.length === c.rows;
      const [allX, allY] = whole ? [await x.read(), await y.read()] : [null, null];
      const checks = [];
      for (const row of rows) {
        const input = allX ?? (await rowOf(x, row));
        const output = allY ?? (await rowOf(y, row));
        const at = whole ? row * c.cols : 0;
        const actual = output.subarray(at, at + c.cols) as ArrayLike<number>;
        const expected = softmaxRow(input as ArrayLike<number>, c.cols, at);
        checks.push([`row ${row}, column `, checkRow(actual, expected, c)] as const);
      }
      return { ...joinChecks(checks), tolerance: softmaxTolerance(c.dtype).rule };
    },
  };
}

function checkRow(actual: ArrayLike<number>, expected: Float64Array, c: SoftmaxCase) {
  const { relative, absolute, rule } = softmaxTolerance(c.dtype);
  return compareOutput(actual, {
    shape: [c.cols],
    at: (i) => expected[i]!,
    tolerance: (_, value) => relative * value + absolute,
    rule,
  });
}

/** One rounding of the result and, for f32, a few of the sum; below the smallest normal number an absolute step. */
function softmaxTolerance(dtype: DType): { relative: number; absolute: number; rule: string } {
  const rules: Partial<Record<DType, [number, number]>> = {
    f16: [2 ** -10, 2 ** -24],
    bf16: [2 ** -7, 1e-30],
  };
  const [relative, absolute] = rules[dtype] ?? [2e-5, 1e-30];
  return {
    relative,
    absolute,
    rule: `|error| <= ${relative} x |expected| + ${absolute}`,
  };
}

async function rowOf(tensor: Tensor, row: number) {
  return tensor.slice(row, row + 1).read();
}
