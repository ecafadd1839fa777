import assert from "node:assert/strict";
import { test } from "node:test";
import { storeFigure } from "kernel-lab/dist/bench/storeFigure";
import { fixtureRecord } from "../record/fixtures";

test("storeFigure() times a load that gave back every record", () => {
  const figure = storeFigure(fixtureRecord());
  assert.ok(figure.value !== null && figure.value > 0, figure.how);
  assert.equal(figure.goal, 1);
  assert.match(figure.how, /500 new files.*best of 3 rounds/);
});
