import { describeValue, LabError } from "../core/error";
import { ceilDiv } from "../core/shape";
import { compareOutput } from "../ops/check";
import * as matmul from "../ops/matmul";
import { route } from "../ops/reference";
import * as softmax from "../ops/softmax";
import { type CaseResult, variantSource } from "../ops/variant";
import type { Device } from "../runtime/device";
import { attentionRescale, causalMask } from "./attentionExercises";
import { type Exercise, rungCases, without } from "./exercise";
import { countAll, tileRows, transposeBanks, treeBanks } from "./lensExercises";

const failedCases = (cases: readonly CaseResult[]): CaseResult[] =>
  cases.filter((c) => c.status === "failed");
const hasNaN = (result: CaseResult): boolean => result.detail.includes("NaN");

const onlineSource = () => variantSource(softmax.variant("04_online"));

/** Join two (maximum, sum) pairs. */
const onlineSoftmax = (): Exercise => ({
  id: "online-softmax",
  title: "Join two pairs",
  task:
    "The kernel below is the online softmax with the heart taken out: `join` takes the pair of one half of a row " +
    "and the pair of the other, and must answer the pair of both. Make it so. The sums are scaled to different maxima.",
  starter: without(
    onlineSource(),
    "  const float maximum = fmaxf(a.maximum, b.maximum);\n" +
      "  return {maximum, a.sum * expf(a.maximum - maximum) + b.sum * expf(b.maximum - maximum)};",
    "  // TODO: the pair of both halves\n  return {a.maximum, a.sum + b.sum};",
  ),
  solution: onlineSource(),
  cases: (device, source) => rungCases(softmax.variant("04_online"), softmax.checkCases())(device, source),
  hint(cases) {
    const failed = failedCases(cases);
    if (failed.some(hasNaN)) {
      return "There is a NaN: inf - inf or 0 / 0. Is the new maximum the larger of both, so that no exponent is above 0?";
    }
    if (failed.length === cases.length) return "Every case is wrong: what is the maximum of both halves?";
    return "A sum counts exp(x - its own maximum). To add it to another, multiply by exp(own maximum - new maximum).";
  },
});

const sharedSource = () => variantSource(matmul.variant("03_shared"));

/** Guard the edges of a tile. */
const sharedTile = (): Exercise => ({
  id: "shared-tile",
  title: "Edges and barriers",
  task:
    "The tiled matmul below is right for sizes that the tile divides, and only when the threads happen to keep step. " +
    "Two things are missing: what a tile holds outside the matrix, and one barrier.",
  starter: without(
    without(
      without(
        sharedSource(),
        "row < m && at + x < k ? a[size_t(row) * k + at + x] : 0.0f",
        "a[size_t(min(row, m - 1)) * k + min(at + x, k - 1)]",
      ),
      "at + y < k && col < n ? b[size_t(at + y) * n + col] : 0.0f",
      "b[size_t(min(at + y, k - 1)) * n + min(col, n - 1)]",
    ),
    "    __syncthreads();  // nobody overwrites a tile that is still being read\n",
    "",
  ),
  solution: sharedSource(),
  cases: (device, source) => rungCases(matmul.variant("03_shared"), matmul.checkCases())(device, source),
  hint(cases) {
    const square = cases.find((result) => result.case.startsWith("64x64x64"));
    if (square?.status === "failed") {
      return "64x64x64 fails, which every tile divides: a thread loads the next tile while another still reads this one.";
    }
    return "Only sizes that the tile does not divide fail: an element outside the matrix must add nothing to the sum.";
  },
});

const topkSource = () => variantSource({ file: "moe/02_topk_softmax.cu" });

/** Ties of an arg-max go to the lower index. */
const topkTies = (): Exercise => ({
  id: "topk-ties",
  title: "Ties go to the lower index",
  task:
    "The arg-max by shuffles below is right as long as no two logits are equal. With a tie, lanes disagree about the " +
    "winner: each keeps its own. Make all 32 agree on the lower index.",
  starter: without(
    topkSource(),
    "if (other > best || (other == best && otherIndex < index)) {",
    "if (other > best) {",
  ),
  solution: topkSource(),
  cases: topkCases,
  hint(cases) {
    if (failedCases(cases).every(({ detail }) => !detail.startsWith("expert")))
      return "The experts are right; a winner's gate, and every expert's probability, must come along with it.";
    const distinct = cases.find((result) => result.case.includes("distinct"));
    if (distinct?.status === "failed")
      return "Distinct logits fail too: the larger one must win in the first place.";
    return "Two lanes hold equal logits: which of the two indices is kept must not depend on the lane that asks.";
  },
});

async function topkCases(device: Device, source: string): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const [tokens, experts, k, ties] of [
    [5, 8, 2, false],
    [1, 4, 1, true],
    [130, 8, 2, true],
    [7, 33, 4, true],
  ] as const) {
    const instance = `moe_02_topk_softmax<${ceilDiv(experts, 32)}>`;
    const kernel = await device.compile(source, { name: instance, fileName: "topk.cu" });
    const options = { seed: experts, dtype: "f32" } as const;
    const logits = ties
      ? device.randint([tokens, experts], { ...options, high: 3 })
      : device.randn([tokens, experts], options);
    const bias = device.zeros([experts]);
    const expert = device.full([tokens, k], -1, { dtype: "i32" });
    const gate = device.full([tokens, k], Number.NaN);
    const probability = device.full([tokens, experts], Number.NaN);
    try {
      const config = { grid: ceilDiv(tokens, 4), block: 128 };
      kernel.enqueue(config, logits, bias, expert, gate, probability, tokens, experts, k);
      const values = (await logits.read()) as Float32Array;
      const right = Array.from({ length: tokens }, (_, t) =>
        route(values.subarray(t * experts, (t + 1) * experts), k),
      );
      const chosen = right.flatMap((routing) => routing.experts);
      const choices = compareOutput((await expert.read()) as Int32Array, {
        shape: [tokens, k],
        at: (i) => chosen[i]!,
        tolerance: () => 0,
        rule: "exact",
      });
      const close = (shape: readonly number[], values: readonly number[]) => ({
        shape,
        at: (i: number) => values[i]!,
        tolerance: (_: number, expected: number) => 1e-5 * Math.abs(expected) + 1e-7,
        rule: "1e-5 of the value",
      });
      const gates = right.flatMap((routing) => [...routing.gates]);
      const shares = right.flatMap((routing) => [...routing.probabilities]);
      const outputs = [
        ["expert", choices],
        ["gate", compareOutput((await gate.read()) as Float32Array, close([tokens, k], gates))],
        [
          "probability",
          compareOutput((await probability.read()) as Float32Array, close([tokens, experts], shares)),
        ],
      ] as const;
      // The first that is wrong is told; a wrong choice comes before the gate that follows from it.
      const [name, check] = outputs.find(([, one]) => !one.passed) ?? outputs[0];
      results.push({
        case: `${tokens} tokens, ${experts} experts, k ${k}, ${ties ? "with ties" : "distinct"}`,
        status: check.passed ? "passed" : "failed",
        detail: check.mismatch ? `${name} ${check.mismatch}` : "",
        check,
      });
    } finally {
      for (const tensor of [logits, bias, expert, gate, probability]) tensor.free();
    }
  }
  return results;
}

const makers = {
  "transpose-banks": transposeBanks,
  "online-softmax": onlineSoftmax,
  "tree-banks": treeBanks,
  "shared-tile": sharedTile,
  "tile-rows": tileRows,
  "topk-ties": topkTies,
  "attention-rescale": attentionRescale,
  "causal-mask": causalMask,
  "count-all": countAll,
} as const;

/** Names of the exercises. */
export type ExerciseName = keyof typeof makers;

/** The exercises of the walkthroughs, by name. */
export const exerciseNames = Object.keys(makers) as ExerciseName[];

/**
 * An exercise with its task, a kernel to start from and a solution.
 *
 * @throws LabError "no-such-exercise"
 * @example lab.showExercise(lab.exercise("online-softmax"));
 */
export function exercise(name: ExerciseName): Exercise {
  if (Object.hasOwn(makers, name)) return makers[name]();
  throw new LabError("no-such-exercise", `There is no exercise ${describeValue(name)}.`, {
    advice: `There are ${exerciseNames.join(", ")}.`,
  });
}
