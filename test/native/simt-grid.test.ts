import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { fixture, ints, numbers, range } from "./simt";

let dev: lab.Device;
let unit: lab.Module;
before(async () => {
  dev = await lab.open("cpu", { workers: 2, timeLimit: 20 });
  unit = await fixture(dev, "grid");
});
after(() => dev.close());

test("the last block to finish sees what all others wrote, again and again", async () => {
  const n = 10_007;
  const x = dev.full([n], 0.5);
  const partial = dev.zeros([37]);
  const out = dev.zeros([1]);
  for (let round = 0; round < 3; round++) {
    await out.fill(0);
    await unit.kernel("last_block").launch({ grid: 37, block: 256 }, x, partial, out, n);
    assert.deepEqual(await numbers(out), [n / 2]);
  }
});

test("a decoupled look-back scan over many blocks, on one worker and on two", async () => {
  const one = await lab.open("cpu", { workers: 1, timeLimit: 20 });
  try {
    for (const device of [dev, one]) {
      const kernel = (await fixture(device, "grid")).kernel("look_back");
      const blocks = 301;
      const values = range(blocks * 128, (i) => ((i * 31) % 17) - 8);
      const x = device.tensor(values, [values.length], "i32");
      const y = device.zeros([values.length], { dtype: "i32" });
      const prefix = device.zeros([blocks], { dtype: "i32" });
      const ready = device.zeros([blocks], { dtype: "i32" });
      await kernel.launch({ grid: blocks, block: 128 }, x, y, prefix, ready);
      let sum = 0;
      assert.deepEqual(
        await ints(y),
        values.map((v) => (sum += v)),
      );
    }
  } finally {
    await one.close();
  }
});

test("a spin lock between the threads of a block, whose holder lets others run", async () => {
  const count = dev.zeros([1], { dtype: "i32" });
  await unit.kernel("spin_lock").launch({ grid: 6, block: 96 }, count);
  assert.deepEqual(await ints(count), [6 * 96]);
});

test("threads spin on an atomic until another thread of their block has written", async () => {
  const out = dev.zeros([2], { dtype: "i32" });
  await unit.kernel("hand_over").launch({ grid: 1, block: 64 }, out);
  assert.deepEqual(await ints(out), [42, 42]);
});

test("a cooperative grid steps together", async () => {
  const blocks = 8;
  const n = blocks * 64;
  const steps = 21;
  const x = dev.tensor([...range(n, (i) => i), ...range(n, () => 0)], [2 * n], "i32");
  const out = dev.zeros([n], { dtype: "i32" });
  await unit.kernel("grid_steps").launch({ grid: blocks, block: 64, cooperative: true }, x, out, steps);
  assert.deepEqual(
    await ints(out),
    range(n, (t) => ((t + steps) % n) + steps),
  );
});

test("a cooperative grid that cannot be resident is refused, as is grid.sync() in an ordinary launch", async () => {
  const x = dev.zeros([4096], { dtype: "i32" });
  const out = dev.zeros([4096], { dtype: "i32" });
  await assert.rejects(
    async () => {
      await unit.kernel("grid_steps").launch({ grid: 4000, block: 1024, cooperative: true }, x, out, 0);
      await dev.sync();
    },
    { code: "invalid-launch" },
  );
  await assert.rejects(
    async () => {
      await unit.kernel("grid_steps").launch({ grid: 2, block: 64 }, x, out, 2);
      await dev.sync();
    },
    { code: "not-cooperative" },
  );
});
