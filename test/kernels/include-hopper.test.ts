import assert from "node:assert/strict";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { HopperRunner, hopperCases, mismatch } from "./hopper-cases";

const runner = lab.open("cpu").then((device) => new HopperRunner(lab, device));
test.after(async () => (await runner).device.close());

for (const one of hopperCases) {
  test(one.name, async () => {
    assert.equal(mismatch(await (await runner).run(one)), null);
  });
}

test("a wrong number, a NaN, a missing one and an empty comparison are mismatches", () => {
  const wrong = (got: number[], expected: number[]) => mismatch({ got, expected, tolerance: 0.01 });
  assert.match(wrong([1, 2.5], [1, 2])!, /number 1 is 2.5 instead of 2/);
  assert.match(wrong([Number.NaN], [1])!, /NaN/);
  assert.match(wrong([1], [1, 2])!, /1 numbers instead of 2/);
  assert.match(wrong([], [])!, /nothing/);
  assert.equal(wrong([1.005, Number.NaN], [1, Number.NaN]), null);
});
