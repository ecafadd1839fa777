import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { grade } from "kernel-lab/dist/lessons/exercise";
import { exercise, exerciseNames } from "kernel-lab/dist/lessons/exercises";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

for (const name of exerciseNames) {
  test(`${name}: the solution passes`, async () => {
    const result = await grade(dev, exercise(name), exercise(name).solution);
    assert.equal(result.passed, true, `${result.summary} ${result.hint}`);
    assert.equal(result.hint, "");
  });

  test(`${name}: the start fails, with a hint`, async () => {
    const result = await grade(dev, exercise(name), exercise(name).starter);
    assert.equal(result.passed, false);
    assert.ok(result.cases.length > 0, result.hint);
    assert.ok(result.hint.length > 20);
  });

  test(`${name}: a text that does not compile is a grade, with the compiler's words`, async () => {
    const result = await grade(dev, exercise(name), `${exercise(name).solution}\nint broken = ;`);
    assert.equal(result.passed, false);
    assert.match(result.summary, /does not compile/);
    assert.match(result.hint, /int broken/);
  });
}
