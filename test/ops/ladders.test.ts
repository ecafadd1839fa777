import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import * as matmul from "kernel-lab/dist/ops/matmul";
import * as patterns from "kernel-lab/dist/ops/patterns";
import * as softmax from "kernel-lab/dist/ops/softmax";
import { checkVariant, prepare, type Variant, variantSource } from "kernel-lab/dist/ops/variant";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

for (const dtype of ["f32", "f16", "bf16"] as const) {
  for (const variant of softmax.variants) {
    test(`${variant.id} is right in ${dtype} at odd sizes, with outliers`, async () => {
      const results = await checkVariant(dev, variant, softmax.checkCases(dtype));
      assert.deepEqual(
        results
          .filter((result) => result.status === "failed")
          .map(({ case: name, detail }) => `${name}: ${detail}`),
        [],
      );
      assert.ok(results.some((result) => result.status === "passed"));
    });
  }
}

for (const variant of matmul.variants) {
  test(`${variant.id} is right at odd sizes, with outliers`, async () => {
    const results = await checkVariant(dev, variant, matmul.checkCases());
    assert.deepEqual(
      results
        .filter((result) => result.status !== "passed")
        .map(({ case: name, detail }) => `${name}: ${detail}`),
      [],
    );
  });
}

for (const variant of patterns.variants) {
  test(`${variant.id} is right at odd sizes`, async () => {
    const results = await checkVariant(dev, variant, patterns.checkCases());
    assert.deepEqual(
      results
        .filter((result) => result.status !== "passed")
        .map(({ case: name, detail }) => `${name}: ${detail}`),
      [],
    );
  });
}

test("06_split is right when a row is cut into more pieces than it fills", async () => {
  const results = await checkVariant(dev, softmax.variant(6), softmax.checkCases(), {
    parameters: { splits: 7 },
  });
  assert.ok(results.every((result) => result.status === "passed"));
});

/** The kernel's text with every body replaced. */
function withBody(variant: Pick<Variant, "file">, body: string): string {
  const source = variantSource(variant);
  const entry = source.lastIndexOf("__global__");
  return `${source.slice(0, source.indexOf("{", entry))}{${body}}\n`;
}

for (const [what, body] of [
  ["does nothing", ""],
  [
    "writes zeros",
    "for (size_t i = blockIdx.x * blockDim.x + threadIdx.x; i < size_t(rows) * cols; i += gridDim.x * blockDim.x) y[i] = T(0.0f);",
  ],
] as const) {
  test(`a softmax that ${what} fails every check`, async () => {
    const variant = softmax.variant(1);
    const results = await checkVariant(dev, variant, softmax.checkCases(), {
      source: withBody(variant, body),
    });
    assert.ok(results.length > 0 && results.every((result) => result.status === "failed"));
  });
}

for (const [what, body] of [
  ["does nothing", ""],
  [
    "writes zeros",
    "int r = blockIdx.x * blockDim.x + threadIdx.x, q = blockIdx.y * blockDim.y + threadIdx.y; if (r < m && q < n) c[r * n + q] = 0.0f;",
  ],
] as const) {
  test(`a matmul that ${what} fails every check`, async () => {
    const variant = matmul.variant(1);
    const results = await checkVariant(dev, variant, matmul.checkCases(), {
      source: withBody(variant, body),
    });
    assert.ok(results.length > 0 && results.every((result) => result.status === "failed"));
  });
}

test("prepare() refuses what a rung cannot hold, with the reason", async () => {
  const long = softmax.makeCase({ rows: 1, cols: 70_001 });
  await assert.rejects(prepare(dev, softmax.variant(5), long), (error: Error) => {
    assert.ok(lab.LabError.is(error, "not-supported"));
    assert.match(error.message, /70001|registers/);
    return true;
  });
  const [result] = await checkVariant(dev, softmax.variant(5), [long]);
  assert.equal(result?.status, "skipped");
});

test("checkTimed() judges what the outputs hold, not what they should", async () => {
  const prepared = await prepare(dev, softmax.variant(3), softmax.makeCase({ rows: 4, cols: 65 }));
  prepared.run();
  const good = await prepared.checkTimed();
  assert.deepEqual([good.passed, good.timedOutput], [true, true]);
  prepared.tensors.y!.fill(0);
  assert.equal((await prepared.checkTimed()).passed, false);
  prepared.free();
});

test("findVariant finds by id, stem and number, and names what there is", () => {
  assert.equal(softmax.variant("04_online"), softmax.variant(4));
  assert.equal(softmax.variant("softmax/04_online"), softmax.variant(4));
  assert.throws(() => softmax.variant("99_none"), /01_naive/);
});
