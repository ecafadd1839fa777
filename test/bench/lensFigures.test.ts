import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuSteps } from "kernel-lab/dist/bench/cpuFigures";
import { cudaSteps } from "kernel-lab/dist/bench/cudaFigures";
import { lensFigures, lensSteps } from "kernel-lab/dist/bench/lensFigures";

test("ten million traced accesses take seconds and little memory, a traced softmax a small multiple of the plain one", async () => {
  const told: string[] = [];
  const figures = await lensFigures((what) => told.push(what));
  assert.deepEqual(told, [...lensSteps], "the bar counts the steps that are told");
  assert.deepEqual(
    figures.map(({ unit }) => unit),
    ["x", "s", "GiB"],
  );
  for (const { name, value } of figures) assert.ok(value !== null && value > 0, name);
  // Time and memory leave room for a busy host; the ratio is the benchmark's to judge, not a test's.
  assert.equal(figures[1]!.met, true);
  assert.equal(figures[2]!.met, true);
});

test("the figures' steps are told apart by their texts, so that a bar can count them", () => {
  const all = [...cpuSteps, ...lensSteps, ...cudaSteps];
  assert.equal(new Set(all).size, all.length);
});
