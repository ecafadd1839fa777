import { compareOutput } from "../ops/check";
import * as matmul from "../ops/matmul";
import * as softmax from "../ops/softmax";
import { type CaseResult, variantSource } from "../ops/variant";
import type { Device } from "../runtime/device";
import { type Exercise, rungCases } from "./exercise";

/** Replaces a passage of a kernel, which must be there once: a changed rung must not silently change an exercise. */
function without(source: string, passage: string, instead: string): string {
  if (source.split(passage).length !== 2) throw new Error(`expected once in the kernel: ${passage}`);
  return source.replace(passage, instead);
}

const failedCases = (cases: readonly CaseResult[]): CaseResult[] =>
  cases.filter((c) => c.status === "failed");
const hasNaN = (result: CaseResult): boolean => result.detail.includes("NaN");

const onlineSource = variantSource(softmax.variant("04_online"));

/** Join two (maximum, sum) pairs. */
const onlineSoftmax: Exercise = {
  id: "online-softmax",
  title: "Join two pairs",
  task:
    "The kernel below is the online softmax with the heart taken out: `join` takes the pair of one half of a row " +
    "and the pair of the other, and must answer the pair of both. Make it so. The sums are scaled to different maxima.",
  starter: without(
    onlineSource,
    "  const float maximum = fmaxf(a.maximum, b.maximum);\n" +
      "  return {maximum, a.sum * expf(a.maximum - maximum) + b.sum * expf(b.maximum - maximum)};",
    "  // TODO: the pair of both halves\n  return {a.maximum, a.sum + b.sum};",
  ),
  solution: onlineSource,
  cases: (device, source) => rungCases(softmax.variant("04_online"), softmax.checkCases())(device, source),
  hint(cases) {
    const failed = failedCases(cases);
    if (failed.some(hasNaN)) {
      return "There is a NaN: inf - inf or 0 / 0. Is the new maximum the larger of both, so that no exponent is above 0?";
    }
    if (failed.length === cases.length) return "Every case is wrong: what is the maximum of both halves?";
    return "A sum counts exp(x - its own maximum). To add it to another, multiply by exp(own maximum - new maximum).";
  },
};

const sharedSource = variantSource(matmul.variant("03_shared"));

/** Guard the edges of a tile. */
const sharedTile: Exercise = {
  id: "shared-tile",
  title: "Edges and barriers",
  task:
    "The tiled matmul below is right for sizes that the tile divides, and only when the threads happen to keep step. " +
    "Two things are missing: what a tile holds outside the matrix, and one barrier.",
  starter: without(
    without(
      without(
        sharedSource,
        "row < m && at + x < k ? a[size_t(row) * k + at + x] : 0.0f",
        "a[size_t(min(row, m - 1)) * k + min(at + x, k - 1)]",
      ),
      "at + y < k && col < n ? b[size_t(at + y) * n + col] : 0.0f",
      "b[size_t(min(at + y, k - 1)) * n + min(col, n - 1)]",
    ),
    "    __syncthreads();  // nobody overwrites a tile that is still being read\n",
    "",
  ),
  solution: sharedSource,
  cases: (device, source) => rungCases(matmul.variant("03_shared"), matmul.checkCases())(device, source),
  hint(cases) {
    const square = cases.find((result) => result.case.startsWith("64x64x64"));
    if (square?.status === "failed") {
      return "64x64x64 fails, which every tile divides: a thread loads the next tile while another still reads this one.";
    }
    return "Only sizes that the tile does not divide fail: an element outside the matrix must add nothing to the sum.";
  },
};

const histogramSource = variantSource({ file: "moe/03_histogram.cu" });

/** Count without a race. */
const histogram: Exercise = {
  id: "histogram",
  title: "Count without losing any",
  task:
    "The histogram below loses counts: two threads that add to one bin at once both read the old value. " +
    "It also counts choices that do not exist. Mend both.",
  starter: without(
    histogramSource,
    "  if (choice < choices) atomicAdd(&bins[expert[choice]], 1);",
    "  const int mine = expert[min(choice, choices - 1)];\n  bins[mine] = bins[mine] + 1;",
  ),
  solution: histogramSource,
  cases: histogramCases,
  hint(cases) {
    const single = cases.find((result) => result.case.startsWith("1 choice"));
    if (single?.status === "failed")
      return "One choice was counted more than once: 255 threads of the block have none.";
    return "Counts are missing where several threads meet: which operation reads, adds and writes in one step?";
  },
};

async function histogramCases(device: Device, source: string): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  const kernel = await device.compile(source, { name: "moe_03_histogram", fileName: "histogram.cu" });
  for (const [choices, experts] of [
    [1, 4],
    [255, 3],
    [1000, 8],
    [4099, 32],
  ] as const) {
    const blocks = Math.ceil(choices / 256);
    const expert = device.randint([choices], { high: experts, seed: choices });
    const counts = device.full([experts * blocks], -1, { dtype: "i32" });
    try {
      kernel.enqueue({ grid: blocks, block: 256, shared: 4 * experts }, expert, counts, choices, experts);
      const right = new Int32Array(experts * blocks);
      const chosen = (await expert.read()) as Int32Array;
      for (let i = 0; i < choices; i++) right[chosen[i]! * blocks + Math.floor(i / 256)]!++;
      const check = compareOutput((await counts.read()) as Int32Array, {
        shape: [experts, blocks],
        at: (i) => right[i]!,
        tolerance: () => 0,
        rule: "exact",
      });
      const name = `${choices} choice${choices === 1 ? "" : "s"}, ${experts} experts`;
      results.push({
        case: name,
        status: check.passed ? "passed" : "failed",
        detail: check.mismatch ?? "",
        check,
      });
    } finally {
      expert.free();
      counts.free();
    }
  }
  return results;
}

/** The exercises of the walkthroughs. */
export const exercises = { onlineSoftmax, sharedTile, histogram } as const;
