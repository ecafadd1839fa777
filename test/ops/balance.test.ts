import assert from "node:assert/strict";
import { test } from "node:test";
import { balanceOf, capacityOf, dropped } from "kernel-lab/dist/ops/balance";
import { textTokens, uniformTokens, zipfTokens } from "kernel-lab/dist/ops/text";

test("balanceOf() is 0 for an even router", () => {
  const { loss, variance, peak } = balanceOf([5, 5, 5, 5], new Array(40).fill(0.25));
  assert.ok(Math.abs(loss) < 1e-15 && Math.abs(variance) < 1e-15);
  assert.equal(peak, 1);
});

test("balanceOf() is E - 1 when all goes to one expert with certainty", () => {
  const { loss, variance, peak } = balanceOf([8, 0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0]);
  assert.equal(loss, 3);
  assert.equal(variance, 3);
  assert.equal(peak, 4);
});

test("capacityOf() and dropped() count what does not fit", () => {
  assert.equal(capacityOf(100, 2, 8, 1.25), 32);
  assert.deepEqual(dropped([40, 10, 30, 20], 25), { count: 20, share: 0.2 });
});

test("textTokens() gives equal words equal numbers, whatever their case", () => {
  const tokens = textTokens("The cat, the hat.", 8, 4096);
  assert.equal(tokens[0], tokens[3]);
  assert.notEqual(tokens[0], tokens[1]);
  assert.equal(tokens[6], tokens[0]); // the text again, from its start
});

test("zipfTokens() prefer low numbers, uniformTokens() none; both are the same each time", () => {
  const count = (tokens: Int32Array) => tokens.filter((token) => token === 0).length;
  assert.ok(count(zipfTokens(4000, 1000)) > 300);
  assert.ok(count(uniformTokens(4000, 1000)) < 20);
  assert.deepEqual(zipfTokens(50, 1000), zipfTokens(50, 1000));
  assert.ok(zipfTokens(4000, 10).every((token) => token >= 0 && token < 10));
});
