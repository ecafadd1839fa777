/** Plausible wrong answers to every exercise: none passes, none ends in an exception, and what is wrong is said. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

/** A solution with passages changed, and what the grade must say of it: of its failed cases or in its hint. */
interface Wrong {
  readonly why: string;
  readonly changes: ReadonlyArray<readonly [passage: string, instead: string]>;
  readonly says: RegExp;
}

const nothing = (body: string): Wrong => ({
  why: "a kernel that does nothing",
  changes: [[body, `${body}\n  if (gridDim.x > 0) return;`]],
  says: /is (NaN|-1), expected/,
});

const wrongAnswers: Record<lab.ExerciseName, readonly Wrong[]> = {
  "transpose-banks": [
    nothing("int rows, int cols) {"),
    { why: "zeros", changes: [["= tile[threadIdx.x][step];", "= 0.0f;"]], says: /is 0, expected/ },
    {
      why: "no look at the edge",
      changes: [
        ["if (row < cols && toCol < rows) y", "if (row < cols / 32 * 32 && toCol < rows / 32 * 32) y"],
      ],
      says: /1x1/,
    },
    { why: "no barrier", changes: [["  __syncthreads();\n", ""]], says: /reads what another wrote|barrier/i },
    { why: "bank conflicts again", changes: [["tile[32][33]", "tile[32][34]"]], says: /passes a request/ },
    {
      why: "no tile at all, and strided stores",
      changes: [["= tile[threadIdx.x][step];", "= x[size_t(toCol) * cols + row];"]],
      says: /sectors where/,
    },
  ],
  "online-softmax": [
    nothing("int rows, int cols) {"),
    {
      why: "zeros",
      changes: [["T(expf(float(x[i]) - row.maximum) * scale)", "T(0.0f)"]],
      says: /is 0, expected/,
    },
    {
      why: "only one half rescaled",
      changes: [["b.sum * expf(b.maximum - maximum)", "b.sum"]],
      says: /exp\(own maximum - new maximum\)|NaN/,
    },
    {
      why: "the smaller maximum",
      changes: [["fmaxf(a.maximum, b.maximum)", "fminf(a.maximum, b.maximum)"]],
      says: /larger of both|maximum of both/,
    },
  ],
  "tree-banks": [
    nothing("int rows, int cols) {"),
    {
      why: "zeros",
      changes: [["T(expf(float(x[i]) - maximum) * scale)", "T(0.0f)"]],
      says: /is 0, expected/,
    },
    {
      why: "no barrier between maximum and sum",
      changes: [["  __syncthreads();  // everyone has read the maximum before the sums overwrite it\n", ""]],
      says: /barrier|[Rr]ace/,
    },
    {
      why: "a step too few",
      changes: [
        [
          "half > 0; half /= 2) {\n    if (thread < half) partial[thread] +=",
          "half > 1; half /= 2) {\n    if (thread < half) partial[thread] +=",
        ],
      ],
      says: /partial\[0\]/,
    },
  ],
  "shared-tile": [
    nothing("int m, int n, int k) {"),
    { why: "zeros", changes: [["+ col] = sum;", "+ col] = 0.0f;"]], says: /is 0, expected/ },
    {
      why: "no second barrier",
      changes: [["    __syncthreads();  // nobody overwrites a tile that is still being read\n", ""]],
      says: /another still reads/,
    },
    {
      why: "no first barrier",
      changes: [["    __syncthreads();\n#pragma", "#pragma"]],
      says: /64x64x64/,
    },
    {
      why: "right where the tile divides k only",
      changes: [
        [
          "row < m && at + x < k ? a[size_t(row) * k + at + x]",
          "row < m ? a[size_t(row) * k + min(at + x, k - 1)]",
        ],
        [
          "at + y < k && col < n ? b[size_t(at + y) * n + col]",
          "col < n ? b[size_t(min(at + y, k - 1)) * n + col]",
        ],
      ],
      says: /outside the matrix/,
    },
  ],
  "tile-rows": [
    nothing("int m, int n, int k) {"),
    { why: "zeros", changes: [["+ col] = sum;", "+ col] = 0.0f;"]], says: /is 0, expected/ },
    {
      why: "loads exchanged, the tile not",
      changes: [["tileA[y][x] = row < m", "tileA[x][y] = row < m"]],
      says: /tileA\[i\]\[j\]/,
    },
    {
      why: "the tile stored along columns and read so",
      changes: [
        ["tileA[y][x] = row < m", "tileA[x][y] = row < m"],
        ["sum += tileA[y][i]", "sum += tileA[i][y]"],
      ],
      says: /passes a request/,
    },
  ],
  "topk-ties": [
    nothing("= blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;"),
    { why: "zeros", changes: [["= chosenExpert;", "= 0;"]], says: /Distinct logits fail/ },
    {
      why: "the higher index",
      changes: [["otherIndex < index", "otherIndex > index"]],
      says: /equal logits/,
    },
    {
      why: "the index alone",
      changes: [["other > best || (other == best && otherIndex < index)", "otherIndex < index"]],
      says: /Distinct logits fail/,
    },
    {
      why: "the gate of another expert",
      changes: [["        bestProbability = otherProbability;\n", ""]],
      says: /gate/,
    },
    {
      why: "no probabilities",
      changes: [["+ lane + 32 * i] = value[i];", "+ lane + 32 * i] = 0.0f;"]],
      says: /probabilit/,
    },
  ],
  "count-all": [
    nothing("extern __shared__ int bins[];"),
    { why: "zeros", changes: [["+ blockIdx.x] = bins[e];", "+ blockIdx.x] = 0;"]], says: /is 0, expected/ },
    { why: "no guard", changes: [["if (choice < choices) atomicAdd", "atomicAdd"]], says: /./ },
    {
      why: "no barrier after clearing",
      changes: [["bins[e] = 0;\n  __syncthreads();", "bins[e] = 0;"]],
      says: /[Rr]ace|barrier|three steps/,
    },
    {
      why: "an atomic read, and a plain write",
      changes: [
        [
          "atomicAdd(&bins[expert[choice]], 1);",
          "bins[expert[choice]] = atomicAdd(&bins[expert[choice]], 0) + 1;",
        ],
      ],
      says: /[Rr]ace/,
    },
  ],
  "attention-rescale": [
    nothing("if (row >= shape.queries) return;"),
    {
      why: "zeros",
      changes: [["lab::fromFloat<T>(output[d] * factor)", "lab::fromFloat<T>(0.0f)"]],
      says: /is 0, expected|With one key/,
    },
    {
      why: "rescaled the wrong way",
      changes: [["keep = expf(maximum - score)", "keep = expf(score - maximum)"]],
      says: /With one key|Sum and output/,
    },
  ],
  "causal-mask": [
    nothing("const int thread = threadIdx.x, across = thread % kAcross, down = thread / kAcross;"),
    {
      why: "zeros",
      changes: [["lab::fromFloat<T>(output[r][c] * factor)", "lab::fromFloat<T>(0.0f)"]],
      says: /Without CAUSAL/,
    },
    {
      why: "not itself",
      changes: [
        ["(shape, firstRow + row) - firstKey", "(shape, firstRow + row) - firstKey - (CAUSAL ? 1 : 0)"],
      ],
      says: /query i sees keys 0 to i/,
    },
  ],
};

for (const name of lab.exerciseNames) {
  for (const { why, changes, says } of wrongAnswers[name]) {
    test(`${name}: ${why} fails and is told`, async () => {
      const exercise = lab.exercise(name);
      let source = exercise.solution;
      for (const [passage, instead] of changes) {
        assert.ok(source.includes(passage), `the solution has no ${passage}`);
        source = source.replace(passage, instead);
      }
      const grade = await lab.grade(dev, exercise, source);
      const told = [
        grade.summary,
        grade.hint,
        ...grade.cases.map((one) => (one.status === "failed" ? `${one.case}: ${one.detail}` : "")),
      ].join("\n");
      assert.equal(grade.passed, false, told);
      assert.match(told, says);
    });
  }
}
