import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { watchLaunch } from "kernel-lab/dist/lens/watch";

const source = readFileSync(join(__dirname, "..", "..", "lens", "cu", "races.cu"), "utf8");
let dev: lab.Device;
let unit: lab.Module;
before(async () => {
  dev = await lab.open("cpu", { workers: 1 });
  unit = await dev.compileModule(source, { fileName: "races.cu" });
});
after(() => dev.close());

test("a missing barrier shows as a wrong result, and the first seed that shows it is named", async () => {
  const args = [dev.arange([64]), dev.zeros([64])];
  const found = await lab.explore(unit.kernel("reverse_bad"), { grid: 1, block: 64 }, args, { schedules: 6 });
  assert.equal(found.clean, false);
  assert.equal(found.deterministic, false);
  assert.deepEqual(found.seeds, [1, 2, 3, 4, 5, 6]);
  assert.equal(found.firstFailure, 1);
  assert.equal(found.failure?.seed, 1);
  assert.equal(found.differences[0]?.name, "y");
  assert.ok(found.differences[0].elements > 0 && found.differences[0].relative > 0);
  assert.match(found.text, /6 random schedules: hazards; results differ between schedules: y\[\d+\] is/);
});

test("a clean kernel leaves the same bits under every schedule", async () => {
  const args = [dev.arange([64]), dev.zeros([64])];
  const found = await lab.explore(unit.kernel("reverse_good"), { grid: 1, block: 64 }, args, {
    schedules: 6,
  });
  assert.deepEqual(
    [found.clean, found.deterministic, found.firstFailure, found.failure, found.differences],
    [true, true, null, null, []],
  );
  assert.match(found.text, /^6 random schedules: no hazard; all left the same bits\./);
});

test("a seed replays its run bit for bit, and seeds differ", async () => {
  const kernel = unit.kernel("warp_sum_bad");
  const run = async (seed: number): Promise<string> => {
    const args = [dev.arange([32], { dtype: "i32" }), dev.zeros([1], { dtype: "i32" })];
    const watched = await watchLaunch(kernel, { grid: 1, block: 32 }, args, { schedule: { seed } });
    const { text, accesses, hazards } = watched.report;
    return JSON.stringify([text, accesses, hazards.map((one) => one.count), [...watched.results.get(1)!]]);
  };
  const first = await run(3);
  assert.equal(await run(3), first);
  const others = await Promise.all([4, 5, 6].map(run));
  assert.ok(others.some((other) => other !== first));
});

test("blocks interleave: an unordered update between blocks is lost under some schedule", async () => {
  const args = [dev.zeros([1], { dtype: "i32" }), dev.zeros([1], { dtype: "i32" })];
  const careless = await dev.compile(
    `__global__ void count(int* total, int* unused) {
       for (int i = 0; i < 50; i++) *total = *total + 1;
     }`,
    { fileName: "count.cu" },
  );
  const found = await lab.explore(careless, { grid: 4, block: 1 }, args, { schedules: 8 });
  assert.equal(found.clean, false);
  assert.ok(found.differences.some((one) => one.name === "total" && Number(one.actual) < 200));
});

test("a spinning lock is let go by the block that holds it, whatever the schedule", async () => {
  const args = [dev.zeros([1], { dtype: "i32" }), dev.zeros([1], { dtype: "i32" })];
  const found = await lab.explore(unit.kernel("lock_good"), { grid: 6, block: 32 }, args, { schedules: 4 });
  assert.ok(found.clean && found.deterministic, found.text);
});

test("options that mean nothing are refused", async () => {
  const args = [dev.zeros([1], { dtype: "i32" })];
  for (const options of [{ schedules: 0 }, { schedules: 1.5 }, { seed: 0.5 }]) {
    await assert.rejects(
      () => lab.explore(unit.kernel("same_value"), { grid: 1, block: 32 }, args, options),
      (error: unknown) => error instanceof lab.LabError && error.code === "invalid-option",
    );
  }
});
