import type { DeviceInfo } from "../backend/contract";
import { ceilDiv } from "../core/shape";
import type { Device } from "../runtime/device";
import { compareOutput } from "./check";
import { findVariant, type OpCase, type Problem, symbolOf, type Variant } from "./variant";

/** A matrix of f32 to move, sum or count: rows x cols. */
export interface PatternCase extends OpCase {
  readonly rows: number;
  readonly cols: number;
  /** Of the strided copy: it takes every stride-th element of the flattened matrix. */
  readonly stride: number;
}

/** Bins of the histogram. */
const bins = 64;

/** Makes a case of standard normal values, of whole numbers below 64 for the histogram; the stride is the copy's. */
export function makeCase(given: { rows: number; cols: number; stride?: number }): PatternCase {
  const { rows, cols, stride = 1 } = given;
  return {
    name: `${rows}x${cols}${stride === 1 ? "" : ` stride ${stride}`}`,
    params: { rows, cols, stride },
    dtype: "f32",
    distribution: "normal; for the histogram uniform whole numbers below 64",
    rows,
    cols,
    stride,
  };
}

/** Sizes that no tile and no block divides, and one that all do. */
export function checkCases(): PatternCase[] {
  return [
    makeCase({ rows: 1, cols: 1 }),
    makeCase({ rows: 33, cols: 65 }),
    makeCase({ rows: 64, cols: 96 }),
    makeCase({ rows: 7, cols: 333, stride: 8 }),
  ];
}

/** The case to measure: large enough to fill a GPU, a small one on the CPU device. */
export function benchCase(info: DeviceInfo): PatternCase {
  return info.kind === "cuda" ? makeCase({ rows: 8192, cols: 8192 }) : makeCase({ rows: 128, cols: 128 });
}

interface Given
  extends Pick<Variant<PatternCase>, "title" | "idea" | "parameters" | "launches" | "problem" | "bytes"> {
  readonly stem: string;
  readonly needs?: Variant<PatternCase>["needs"];
  readonly flops?: Variant<PatternCase>["flops"];
}

function step({ stem, ...rest }: Given): Variant<PatternCase> {
  const file = `patterns/${stem}.cu`;
  return {
    id: `patterns/${stem}`,
    topic: "patterns",
    rung: Number(stem.slice(0, 2)),
    file,
    needs: () => null,
    flops: () => 0,
    names: () => [symbolOf(file)],
    ...rest,
  };
}

const size = (c: PatternCase) => c.rows * c.cols;

function transpose(stem: string, title: string, idea: string): Variant<PatternCase> {
  return step({
    stem,
    title,
    idea,
    parameters: () => ({}),
    bytes: (c) => 8 * size(c),
    problem: (device, c) =>
      moved(device, c, (x, i) => x[(i % c.rows) * c.cols + Math.floor(i / c.rows)]!, [c.cols, c.rows]),
    launches: ([kernel], t, c) => [
      {
        kernel: kernel!,
        config: { grid: [ceilDiv(c.cols, 32), ceilDiv(c.rows, 32)], block: [32, 8] },
        args: [t.x!, t.y!, c.rows, c.cols],
      },
    ],
  });
}

function reduce(stem: string, title: string, idea: string): Variant<PatternCase> {
  return step({
    stem,
    title,
    idea,
    parameters: () => ({ block: reduceBlock }),
    needs: (_, __, p) => (p.block === reduceBlock ? null : `its sums are of ${reduceBlock} values each`),
    bytes: (c) => 4 * (size(c) + ceilDiv(size(c), reduceBlock)),
    flops: size,
    problem: sums,
    launches: ([kernel], t, c, p) => {
      const block = Number(p.block);
      const config = { grid: ceilDiv(size(c), block), block, shared: 4 * block };
      return [{ kernel: kernel!, config, args: [t.x!, t.sums!, size(c)] }];
    },
  });
}

const reduceBlock = 256;

/** The steps, in order. */
export const variants: ReadonlyArray<Variant<PatternCase>> = [
  step({
    stem: "01_strided_copy",
    title: "every stride-th element",
    idea: "How many 32-byte sectors a warp's 32 floats lie in is the whole of coalescing.",
    parameters: () => ({ block: 256 }),
    needs: (_, c) => (c.stride >= 1 ? null : `its stride is ${c.stride}, expected 1 or more`),
    bytes: (c) => 8 * ceilDiv(size(c), c.stride),
    problem: (device, c) => moved(device, c, (x, i) => x[i]!, [c.rows, c.cols], c.stride),
    launches: ([kernel], t, c, p) => {
      const block = Number(p.block);
      const config = { grid: ceilDiv(ceilDiv(size(c), c.stride), block), block };
      return [{ kernel: kernel!, config, args: [t.x!, t.y!, size(c), c.stride] }];
    },
  }),
  transpose("02_transpose_naive", "transpose: rows in, columns out", "Coalesced loads, scattered stores."),
  transpose(
    "03_transpose_tiled",
    "transpose through shared memory",
    "Rows in and rows out; the column is read from shared memory, and all of it lies in one bank.",
  ),
  transpose(
    "04_transpose_padded",
    "transpose through a padded tile",
    "One float of padding a row: no conflicts.",
  ),
  reduce(
    "05_reduce_interleaved",
    "block sum, neighbours first",
    "A tree whose addresses move apart a level.",
  ),
  reduce("06_reduce", "block sum, far half first", "The same tree, its threads at neighbouring floats."),
  step({
    stem: "07_histogram",
    title: "counts by shared atomics",
    idea: "Lanes that count the same bin wait for each other: the data decides.",
    parameters: () => ({ block: 256 }),
    needs: (_, __, p) =>
      p.block === histogramBlock ? null : `its counts are of ${histogramBlock} values each`,
    bytes: (c) => 4 * (size(c) + bins * ceilDiv(size(c), histogramBlock)),
    problem: counts,
    launches: ([kernel], t, c, p) => {
      const config = { grid: ceilDiv(size(c), Number(p.block)), block: Number(p.block), shared: 4 * bins };
      return [{ kernel: kernel!, config, args: [t.values!, t.counts!, size(c), bins] }];
    },
  }),
];

const histogramBlock = 256;

/** Finds a step: lab.patterns.variant("03_transpose_tiled"), or by number. */
export function variant(wanted: string | number): Variant<PatternCase> {
  return findVariant(variants, wanted);
}

type Values = Float32Array;

/** A problem whose output holds the input's values, at every stride-th place. */
async function moved(
  device: Device,
  c: PatternCase,
  from: (x: Values, index: number) => number,
  shape: readonly number[],
  stride = 1,
): Promise<Problem> {
  const x = device.randn([c.rows, c.cols], { seed: 1 });
  const y = device.empty(shape);
  return {
    tensors: { x, y },
    outputs: ["y"],
    async check() {
      const [input, output] = (await Promise.all([x.read(), y.read()])) as [Values, Values];
      const indices = Array.from({ length: ceilDiv(size(c), stride) }, (_, i) => i * stride);
      return compareOutput(
        output.filter((_, i) => i % stride === 0),
        {
          shape,
          indices,
          at: (i) => from(input, i),
          tolerance: () => 0,
          rule: "equal",
        },
      );
    },
  };
}

async function sums(device: Device, c: PatternCase): Promise<Problem> {
  const x = device.randn([c.rows, c.cols], { seed: 1 });
  const blocks = ceilDiv(size(c), reduceBlock);
  const out = device.empty([blocks]);
  return {
    tensors: { x, sums: out },
    outputs: ["sums"],
    async check() {
      const [input, output] = (await Promise.all([x.read(), out.read()])) as [Values, Values];
      const part = (i: number) => input.subarray(i * reduceBlock, (i + 1) * reduceBlock);
      const magnitude = (i: number) => part(i).reduce((sum, value) => sum + Math.abs(value), 0);
      return compareOutput(output, {
        shape: [blocks],
        at: (i) => part(i).reduce((sum, value) => sum + value, 0),
        // A tree of log2(256) = 8 levels rounds each term 8 times.
        tolerance: (i) => 8 * 2 ** -24 * magnitude(i),
        rule: "|error| <= 8 x 2^-24 x sum of |x|",
      });
    },
  };
}

async function counts(device: Device, c: PatternCase): Promise<Problem> {
  const values = device.randint([c.rows, c.cols], { seed: 1, high: bins });
  const blocks = ceilDiv(size(c), histogramBlock);
  const out = device.empty([blocks, bins], { dtype: "i32" });
  return {
    tensors: { values, counts: out },
    outputs: ["counts"],
    async check() {
      const [input, output] = (await Promise.all([values.read(), out.read()])) as [Int32Array, Int32Array];
      const expected = new Int32Array(blocks * bins);
      for (const [i, value] of input.entries()) expected[Math.floor(i / histogramBlock) * bins + value]!++;
      return compareOutput(output, {
        shape: [blocks, bins],
        at: (i) => expected[i]!,
        tolerance: () => 0,
        rule: "equal",
      });
    },
  };
}
