import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { contentsOf, profile, profileOf } from "kernel-lab/dist/bench/contents";
import type { Device } from "kernel-lab/dist/runtime/device";
import { open } from "kernel-lab/dist/runtime/open";

let device: Device;
before(async () => {
  device = await open("cpu");
});
after(() => device?.close());

test("contentsOf() tells equal from unequal contents: a value, its place, its sign", async () => {
  const values = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i));
  const swapped = values.slice();
  [swapped[7], swapped[4000]] = [swapped[4000], swapped[7]];
  const negated = values.slice();
  negated[4999] = -negated[4999];
  const [a, b, c, d] = await contentsOf(
    device,
    [values, values, swapped, negated].map((v) => device.tensor(v)),
  );
  assert.equal(a.hash, b.hash);
  assert.notEqual(a.hash, c.hash);
  assert.notEqual(a.hash, d.hash);
  assert.match(a.hash, /^[0-9a-f]{16}$/);
  assert.equal(a.elements, 5000);
});

for (const dtype of ["f32", "f16", "bf16", "f64"] as const) {
  test(`contentsOf() counts NaN, zeros of both signs and poison of ${dtype}, and no infinity`, async () => {
    const x = device.tensor(
      [1, Number.NaN, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3],
      undefined,
      dtype,
    );
    const [found] = await contentsOf(device, [x]);
    assert.deepEqual([found.nan, found.zeros, found.untouched], [1, 2, 0]);
    x.as("u8").fill(255);
    const [poisoned] = await contentsOf(device, [x]);
    assert.deepEqual([poisoned.nan, poisoned.zeros, poisoned.untouched], [7, 0, 7]);
  });
}

test("contentsOf() knows no NaN in whole numbers", async () => {
  const [found] = await contentsOf(device, [device.tensor([-1, 0, 5], undefined, "i32")]);
  assert.deepEqual([found.nan, found.zeros, found.untouched], [0, 1, 1]);
});

test("profile() tells even, normal and few values apart", async () => {
  const of = async (x: Parameters<typeof profileOf>[0]) => (await profileOf(x))!;
  const even = await of(device.rand([100_000], { seed: 1 }));
  const normal = await of(device.randn([100_000], { seed: 1, dtype: "f16" }));
  const outliers = await of(device.randn([100_000], { seed: 1, outliers: { fraction: 0.01, scale: 16 } }));
  assert.ok(Math.abs(even.kurtosis! - 1.8) < 0.1, `${even.kurtosis}`);
  assert.ok(Math.abs(normal.kurtosis! - 3) < 0.4, `${normal.kurtosis}`);
  assert.ok(outliers.kurtosis! > 5, `${outliers.kurtosis}`);
  assert.equal(even.sampled, 4096);
  assert.deepEqual(profile([0, 0, 0, 5]), {
    zeros: 0.75,
    distinct: 2,
    sampled: 4,
    kurtosis: profile([0, 0, 0, 5]).kurtosis,
  });
  assert.equal(profile([2, 2]).kurtosis, null);
  assert.equal(await profileOf(device.tensor([1, 2, 3], undefined, "i32")), null);
});
