import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { homePath } from "kernel-lab/dist/core/paths";

interface Context {
  readonly dev: lab.Device;
}

interface Fixture {
  readonly way: string;
  readonly devices: readonly string[];
  /** What of the library it takes beside measuring. */
  readonly needs?: string;
  /** How it was caught, or null. */
  cheat(context: Context): Promise<string | null>;
  /** What was wrongly held against the honest twin, or null. */
  clean(context: Context): Promise<string | null>;
}

// Plain JavaScript, because test/gpu/redteam.cjs runs the same on a machine that compiles nothing.
const { fixtures, context } = require(homePath("test", "redteam", "fixtures.cjs")) as {
  fixtures: Fixture[];
  context(library: typeof lab, device: lab.Device): Promise<Context>;
};

let made: Context;
before(async () => {
  made = await context(lab, await lab.open("cpu"));
});
after(() => made?.dev.close());

for (const fixture of fixtures) {
  const skip = !fixture.devices.includes("cpu")
    ? "needs a GPU: node test/gpu/redteam.cjs"
    : fixture.needs !== undefined && !(fixture.needs in lab)
      ? `needs lab.${fixture.needs}`
      : false;
  test(`caught: ${fixture.way}`, { skip }, async () => {
    assert.ok(await fixture.cheat(made), "it was not caught");
  });
  test(`not blamed: the honest twin of ${fixture.way}`, { skip }, async () => {
    assert.equal(await fixture.clean(made), null);
  });
}

test("every row of the notes' table has a fixture", () => {
  const ways = fixtures.map(({ way }) => way).join("\n");
  for (const row of [
    /another stream/,
    /thread/,
    /cached/,
    /nothing/,
    /zeros/,
    /reference/,
    /changed/,
    /NaN/,
  ]) {
    assert.match(ways, row);
  }
  for (const row of [
    /inputs of/,
    /physics/,
    /drift/,
    /two modes/,
    /L2/,
    /missing barrier/,
    /rounding/,
    /throttled/,
  ]) {
    assert.match(ways, row);
  }
});
