import assert from "node:assert/strict";
import { test } from "node:test";
import { lensFigures } from "kernel-lab/dist/bench/lensFigures";

test("ten million traced accesses take seconds and little memory, a traced softmax a small multiple of the plain one", async () => {
  const figures = await lensFigures(() => {});
  assert.deepEqual(
    figures.map(({ unit }) => unit),
    ["x", "s", "GiB"],
  );
  for (const { name, value } of figures) assert.ok(value !== null && value > 0, name);
  // Time and memory leave room for a busy host; the ratio is the benchmark's to judge, not a test's.
  assert.equal(figures[1]!.met, true);
  assert.equal(figures[2]!.met, true);
});
