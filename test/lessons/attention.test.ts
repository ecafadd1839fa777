import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

/** The solution with a passage changed, which must be there. */
async function attempt(name: lab.ExerciseName, passage: string, instead: string): Promise<lab.Grade> {
  const exercise = lab.exercise(name);
  assert.ok(exercise.solution.includes(passage), passage);
  return lab.grade(dev, exercise, exercise.solution.replace(passage, instead));
}

test("attention-rescale: a sum that is rescaled without the output is half an answer", async () => {
  const grade = await attempt(
    "attention-rescale",
    "      for (int d = 0; d < D; ++d) output[d] *= keep;\n",
    "      for (int d = 0; d < 0; ++d) output[d] *= keep;\n",
  );
  assert.equal(grade.passed, false);
  assert.match(grade.hint, /Sum and output both/);
});

test("attention-rescale: an output that is rescaled without the sum is the other half", async () => {
  const grade = await attempt("attention-rescale", "      sum *= keep;\n", "");
  assert.equal(grade.passed, false);
  assert.match(grade.hint, /Sum and output both/);
});

const seen = "seen = lab::visibleKeys<CAUSAL>(shape, firstRow + row) - firstKey;";

test("causal-mask: a mask from the top left is told apart from none", async () => {
  const topLeft = "seen = (CAUSAL ? min(shape.keys, firstRow + row + 1) : shape.keys) - firstKey;";
  const grade = await attempt("causal-mask", seen, topLeft);
  assert.equal(grade.passed, false);
  assert.match(grade.hint, /bottom right/);
  const none = await attempt("causal-mask", seen, "seen = shape.keys - firstKey;");
  assert.match(none.hint, /query i sees keys 0 to i/);
});

test("causal-mask: another right answer passes", async () => {
  const own =
    "seen = min(shape.keys, CAUSAL ? firstRow + row + 1 + shape.keys - shape.queries : shape.keys) - firstKey;";
  const grade = await attempt("causal-mask", seen, own);
  assert.equal(grade.passed, true, `${grade.summary} ${grade.hint}`);
});
