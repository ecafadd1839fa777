import assert from "node:assert/strict";
import { test } from "node:test";
import { dot, erf, gelu, place, route, softmaxRow } from "kernel-lab/dist/ops/reference";

const near = (actual: number, expected: number, error: number) =>
  assert.ok(Math.abs(actual - expected) <= error, `${actual} is not ${expected}`);

test("softmaxRow() adds up to 1, whatever the magnitude", () => {
  for (const scale of [1e-3, 1, 1e30, 1e300]) {
    const row = softmaxRow([0.5 * scale, -3 * scale, 2 * scale, 2 * scale], 4);
    near(
      row.reduce((sum, value) => sum + value, 0),
      1,
      1e-15,
    );
    assert.equal(row[2], row[3]);
  }
});

test("softmaxRow() reads its row of a matrix", () => {
  const row = softmaxRow([9, 9, 0, Math.log(3)], 2, 2);
  near(row[0]!, 0.25, 1e-15);
  near(row[1]!, 0.75, 1e-15);
});

test("dot() takes a row and a column, and the size of its terms", () => {
  assert.deepEqual(dot([1, -2, 3, 4], [5, 6, 7, 8], 2, 2, 0, 1), { value: 6 - 16, magnitude: 22 });
});

test("erf() agrees with tabulated values", () => {
  const table: [number, number][] = [
    [0, 0],
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [2.6, 0.9997639655834707],
    [3.5, 0.9999992569016276],
    [7, 1],
  ];
  for (const [x, value] of table) {
    near(erf(x), value, 2e-15);
    near(erf(-x), -value, 2e-15);
  }
});

test("gelu() is 0 far left, x far right", () => {
  assert.equal(gelu(10), 10);
  near(gelu(-10), 0, 1e-14);
  near(gelu(1), 0.8413447460685429, 2e-15);
});

test("route() gives ties to the lower index and gates that add up to 1", () => {
  const { experts, gates } = route([1, 3, 3, 2], 3);
  assert.deepEqual(experts, [1, 2, 3]);
  near(
    gates.reduce((sum, gate) => sum + gate, 0),
    1,
    1e-15,
  );
});

test("route() lets the bias choose but not weigh", () => {
  const plain = route([0, 1, 2], 1);
  const biased = route([0, 1, 2], 1, [5, 0, 0]);
  assert.deepEqual(biased.experts, [0]);
  assert.deepEqual(biased.probabilities, plain.probabilities);
});

test("place() keeps the order of tokens and drops the last ones", () => {
  const { slots, usage, start } = place([1, 0, 1, 1, 0], 2, 2);
  assert.deepEqual([...usage], [2, 3]);
  assert.deepEqual([...start], [0, 2, 4]);
  assert.deepEqual([...slots], [2, 0, 3, -1, 1]);
});
