import { LabError } from "../core/error";
import { ceilDiv } from "../core/shape";
import { compareOutput } from "../ops/check";
import * as matmul from "../ops/matmul";
import * as softmax from "../ops/softmax";
import {
  type CaseResult,
  type Launch,
  type OpCase,
  prepare,
  type Variant,
  variantSource,
} from "../ops/variant";
import type { Device } from "../runtime/device";
import type { Kernel } from "../runtime/kernel";
import type { Tensor } from "../runtime/tensor";
import { type Exercise, rungCases, without } from "./exercise";
import { coalesced, type LensRule, lensCases, noBankConflicts } from "./lensGrade";

const failed = (cases: readonly CaseResult[], text: string): boolean =>
  cases.some((one) => one.status === "failed" && one.case.includes(text));
const wrongValues = (cases: readonly CaseResult[]): boolean =>
  cases.some((one) => one.status === "failed" && one.check !== null);

/** `text` where threads are not ordered; of any other hazard its own words; "" where the lens found none. */
function hazardHint(cases: readonly CaseResult[], text: string): string {
  const found = cases.find((one) => failed([one], "race"));
  if (!found) return "";
  return /^(Race|Uninitialised)/.test(found.detail) ? text : `The lens says: ${found.detail}`;
}

/** Cases by value, then what the lens says of one launch: of wrong values only whether a race may be why. */
async function withLens(values: CaseResult[], look: () => Promise<CaseResult[]>): Promise<CaseResult[]> {
  const seen = await look();
  return [...values, ...(wrongValues(values) ? seen.filter((one) => failed([one], "race")) : seen)];
}

/** The lens's cases of a rung, on a problem that its tiles divide. */
async function rungLens<C extends OpCase>(
  device: Device,
  variant: Variant<C>,
  c: C,
  source: string,
  rules: readonly LensRule[],
): Promise<CaseResult[]> {
  const prepared = await prepare(device, variant, c, { source });
  try {
    return await lensCases(prepared.launches[0]!, rules);
  } finally {
    prepared.free();
  }
}

/** Make a transpose conflict-free. */
export const transposeBanks = (): Exercise => ({
  id: "transpose-banks",
  title: "A transpose without bank conflicts",
  task:
    "The transpose below is right, and reads and writes global memory in whole rows. But the 32 lanes that read a " +
    "column of the tile all want the same bank. Make it conflict-free. It is graded by the lens: right on irregular " +
    "shapes, no race in 20 orders of the threads, no bank conflict.",
  starter: variantSource({ file: "patterns/03_transpose_tiled.cu" }),
  solution: variantSource({ file: "patterns/04_transpose_padded.cu" }),
  cases: transposeCases,
  hint(cases) {
    const hazard = hazardHint(cases, "A thread reads what another wrote: is there a barrier between?");
    if (hazard) return hazard;
    if (wrongValues(cases)) return "y[c][r] must be x[r][c], also where the tile hangs over the edge.";
    if (failed(cases, "sector"))
      return "Neighbouring lanes must read, and write, neighbouring elements of a row.";
    return "A bank is (address / 4) % 32. In a row of 32 floats a column stays in its bank; how long must a row be so that it moves on by one?";
  },
});

async function transposeCases(device: Device, source: string): Promise<CaseResult[]> {
  const kernel = onlyKernel(await device.compileModule(source, { fileName: "transpose.cu" }));
  const values: CaseResult[] = [];
  for (const [rows, cols] of [
    [1, 1],
    [33, 65],
    [100, 7],
    [64, 96],
  ] as const) {
    values.push(await withTensors(device, rows, cols, (x, y) => transposeCase(kernel, x, y, rows, cols)));
  }
  return withLens(values, () =>
    withTensors(device, 64, 96, (x, y) =>
      lensCases(transposeLaunch(kernel, x, y, 64, 96), [noBankConflicts, coalesced]),
    ),
  );
}

function onlyKernel({ kernels }: { readonly kernels: Readonly<Record<string, Kernel>> }): Kernel {
  const found = Object.values(kernels);
  if (found.length === 1) return found[0]!;
  throw new LabError("no-such-kernel", `The attempt has ${found.length} kernels; one was expected.`);
}

async function withTensors<T>(
  device: Device,
  rows: number,
  cols: number,
  use: (x: Tensor, y: Tensor) => Promise<T>,
): Promise<T> {
  const x = device.randn([rows, cols], { seed: rows + cols });
  const y = device.full([cols, rows], Number.NaN);
  try {
    return await use(x, y);
  } finally {
    for (const tensor of [x, y]) tensor.free();
  }
}

function transposeLaunch(kernel: Kernel, x: Tensor, y: Tensor, rows: number, cols: number): Launch {
  return {
    kernel,
    config: { grid: [ceilDiv(cols, 32), ceilDiv(rows, 32)], block: [32, 8] },
    args: [x, y, rows, cols],
  };
}

async function transposeCase(
  kernel: Kernel,
  x: Tensor,
  y: Tensor,
  rows: number,
  cols: number,
): Promise<CaseResult> {
  const { config, args } = transposeLaunch(kernel, x, y, rows, cols);
  kernel.enqueue(config, ...args);
  const given = (await x.read()) as Float32Array;
  const check = compareOutput((await y.read()) as Float32Array, {
    shape: [cols, rows],
    at: (i) => given[(i % rows) * cols + Math.floor(i / rows)]!,
    tolerance: () => 0,
    rule: "exact",
  });
  return {
    case: `${rows}x${cols}`,
    status: check.passed ? "passed" : "failed",
    detail: check.mismatch ?? "",
    check,
  };
}

const treeSource = () => variantSource(softmax.variant("02_block"));
const tree = (join: string) => `    if (thread < half) ${join}\n    __syncthreads();\n  }`;
const spread = (join: string) =>
  `    // Neighbours first, then pairs of pairs: step 1, 2, 4 ...\n` +
  `    const int step = blockDim.x / 2 / half, at = 2 * step * thread;\n` +
  `    if (at + step < blockDim.x) ${join}\n    __syncthreads();\n  }`;

/** A tree whose partners lie side by side. */
export const treeBanks = (): Exercise => ({
  id: "tree-banks",
  title: "A tree without bank conflicts",
  task:
    "The softmax below adds up with a tree of the other shape: neighbours first, then pairs of pairs. It is right. But " +
    "from step to step the words its lanes want lie further apart, until they share a few banks. Choose the partners " +
    "so that neighbouring lanes always want neighbouring words. Graded by the lens: right, no race in 20 orders of the " +
    "threads, no bank conflict.",
  starter: without(
    without(
      treeSource(),
      tree("partial[thread] = fmaxf(partial[thread], partial[thread + half]);"),
      spread("partial[at] = fmaxf(partial[at], partial[at + step]);"),
    ),
    tree("partial[thread] += partial[thread + half];"),
    spread("partial[at] += partial[at + step];"),
  ),
  solution: treeSource(),
  async cases(device, source) {
    const variant = softmax.variant("02_block");
    const values = await rungCases(variant, softmax.checkCases().slice(0, 4))(device, source);
    const one = softmax.makeCase({ rows: 1, cols: 512 });
    return withLens(values, () => rungLens(device, variant, one, source, [noBankConflicts]));
  },
  hint(cases) {
    const between = "What one step writes another reads: a barrier belongs between two steps.";
    const hazard = hazardHint(cases, between);
    if (hazard) return hazard;
    if (wrongValues(cases)) return "Every thread's value must end up in partial[0]: once, and all of them.";
    return "Lane 0 wants words 0 and step, lane 1 words 2 step and 3 step. What if lane 1 wanted 1 and half + 1?";
  },
});

const sharedSource = () => variantSource(matmul.variant("03_shared"));
const loadA = "tileA[y][x] = row < m && at + x < k ? a[size_t(row) * k + at + x] : 0.0f;";
const columnWise =
  "const int rowA = blockIdx.y * TILE + x;\n" +
  "    tileA[x][y] = rowA < m && at + y < k ? a[size_t(rowA) * k + at + y] : 0.0f;";

/** Load a tile along its rows. */
export const tileRows = (): Exercise => ({
  id: "tile-rows",
  title: "Load along the row",
  task:
    "The tiled matmul below is right, and slow: neighbouring threads load neighbouring rows of A's tile. The lens sees " +
    "it twice, in sectors that move for 4 bytes each and in banks that must serve many lanes. Exchange what must be " +
    "exchanged. Graded by the lens: right on irregular sizes, no race in 20 orders of the threads, every sector used, " +
    "no bank conflict.",
  starter: without(sharedSource(), loadA, columnWise),
  solution: sharedSource(),
  async cases(device, source) {
    const variant = matmul.variant("03_shared");
    const values = await rungCases(variant, matmul.checkCases())(device, source);
    const one = matmul.makeCase({ m: 32, n: 32, k: 32 });
    return withLens(values, () => rungLens(device, variant, one, source, [coalesced, noBankConflicts]));
  },
  hint(cases) {
    const early = "A tile must not be overwritten while another thread still reads it.";
    const hazard = hazardHint(cases, early);
    if (hazard) return hazard;
    if (wrongValues(cases))
      return "tileA[i][j] must hold a[first row + i][at + j], and 0 outside the matrix.";
    return "Threads of a warp differ in x. Which index of A must x be, so that they read neighbouring elements?";
  },
});

const histogramSource = () => variantSource({ file: "moe/03_histogram.cu" });

/** Count without losing any. */
export const countAll = (): Exercise => ({
  id: "count-all",
  title: "Count without losing",
  task:
    "The histogram below gives the right counts on the CPU device every time: its threads take turns. On a GPU two " +
    "threads read the same count, both add 1, and one choice is lost. Mend it. Graded by the lens, which sees the race " +
    "in any order: right, and no race in 20 orders of the threads.",
  starter: without(histogramSource(), "atomicAdd(&bins[expert[choice]], 1);", "bins[expert[choice]] += 1;"),
  solution: histogramSource(),
  cases: histogramCases,
  hint(cases) {
    const steps = "Clearing, counting and writing out: between two of them a barrier belongs.";
    const once =
      "Reading, adding and writing back are three steps for a GPU. One instruction does them as one.";
    const hazard = hazardHint(cases, wrongValues(cases) ? steps : once);
    return hazard || "Each block writes how many of its own 256 choices fall on each expert.";
  },
});

async function histogramCases(device: Device, source: string): Promise<CaseResult[]> {
  const kernel = await device.compile(source, { name: "moe_03_histogram", fileName: "histogram.cu" });
  const values: CaseResult[] = [];
  let last: Launch | null = null;
  const held: Tensor[] = [];
  try {
    for (const [choices, experts] of [
      [1, 3],
      [700, 37],
      [300, 8],
    ] as const) {
      const blocks = ceilDiv(choices, 256);
      const expert = device.randint([choices], { seed: choices, high: experts });
      const counts = device.full([experts, blocks], -1, { dtype: "i32" });
      held.push(expert, counts);
      const config = { grid: blocks, block: 256, shared: 4 * experts };
      last = { kernel, config, args: [expert, counts, choices, experts] };
      kernel.enqueue(config, expert, counts, choices, experts);
      const given = (await expert.read()) as Int32Array;
      const right = new Int32Array(experts * blocks);
      for (const [i, e] of given.entries()) right[e * blocks + Math.floor(i / 256)]! += 1;
      const check = compareOutput((await counts.read()) as Int32Array, {
        shape: [experts, blocks],
        at: (i) => right[i]!,
        tolerance: () => 0,
        rule: "exact",
      });
      const status = check.passed ? "passed" : "failed";
      values.push({
        case: `${choices} choices, ${experts} experts`,
        status,
        detail: check.mismatch ?? "",
        check,
      });
    }
    return await withLens(values, () => lensCases(last!, []));
  } finally {
    for (const tensor of held) tensor.free();
  }
}
