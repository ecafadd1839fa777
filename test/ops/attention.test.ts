import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import * as attention from "kernel-lab/dist/ops/attention";
import { checkVariant, prepare, variantSource } from "kernel-lab/dist/ops/variant";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

type Rung = ReturnType<typeof attention.variant>;

/** Checks a rung at cases that it must all take. */
async function right(variant: Rung, cases: attention.AttentionCase[], options = {}) {
  const results = await checkVariant(dev, variant, cases, options);
  assert.deepEqual(
    results.filter((r) => r.status !== "passed").map((r) => `${r.case}: ${r.detail}`),
    [],
  );
}

const plain = attention.variants.filter((v) => v.rung <= 5);
const tensor = attention.variants.filter((v) => v.rung > 5 && v.rung < 13);

for (const [dtype, rungs, others] of [
  ["f32", plain, ["f16", "bf16"]],
  ["f16", tensor, ["bf16"]],
] as const) {
  for (const variant of rungs) {
    test(`${variant.id} is right in ${dtype}: odd lengths, masked rows, shared heads, strides, large scores`, () =>
      right(variant, attention.checkCases(dtype)));
    for (const other of others) {
      test(`${variant.id} is right in ${other}`, () =>
        right(variant, attention.checkCases(other).slice(2, 5)));
    }
  }
}

for (const dtype of ["f16", "bf16"] as const) {
  test(`attention/13_decode is right in ${dtype}: one query and several, one split and several`, () =>
    right(attention.variant(13), attention.decodeCheckCases(dtype).slice(0, dtype === "f16" ? 6 : 3)));
}

test("13_decode is right with one split, and with more splits than tiles of keys", async () => {
  const [, long, causal] = attention.decodeCheckCases();
  await right(attention.variant(13), [long!, causal!], { parameters: { SPLITS: 1 } });
  await right(attention.variant(13), [causal!], { parameters: { SPLITS: 40 } });
});

test("07_flash2 is right with two fragments a warp, several warps, one stage and three", async () => {
  const [, , shared, masked] = attention.checkCases();
  for (const parameters of [
    { WARPS: 2, MT: 2, BN: 16, STAGES: 1 },
    { WARPS: 1, MT: 1, BN: 48, STAGES: 3 },
  ]) {
    await right(attention.variant(7), [shared!, masked!], { parameters });
  }
});

test("06_mma and 07_flash2 are right at head dim 96, where rows are no power of two", async () => {
  const c = attention.makeCase({ heads: 1, queries: 40, keys: 50, headDim: 96 });
  for (const rung of [6, 7]) await right(attention.variant(rung), [c]);
});

for (const [rung, c] of [
  [7, attention.checkCases()[2]!],
  [12, attention.checkCases()[2]!],
  [13, attention.decodeCheckCases()[1]!],
] as const) {
  test(`${attention.variant(rung).id} gives the same bits in ten runs`, async () => {
    const prepared = await prepare(dev, attention.variant(rung), c);
    const { out, lse } = prepared.tensors;
    const bits = async () => Buffer.concat([await out!.readRaw(), await lse!.readRaw()]).toString("base64");
    const seen = new Set<string>();
    for (let run = 0; run < 10; run++) {
      out!.fill(Number.NaN);
      lse!.fill(Number.NaN);
      prepared.run();
      seen.add(await bits());
    }
    assert.equal(seen.size, 1);
    assert.equal((await prepared.checkTimed()).passed, true);
    prepared.free();
  });
}

const online = attention.variant(3);
for (const [what, change] of [
  ["does nothing", (text: string) => text.replace("  if (row >= shape.queries) return;", "  return;")],
  [
    "writes zeros",
    (text: string) =>
      text
        .replace("lab::fromFloat<T>(output[d] * factor)", "lab::fromFloat<T>(0.0f)")
        .replace("sum > 0.0f ? maximum + logf(sum) : -INFINITY", "0.0f"),
  ],
  ["forgets the log-sum-exp", (text: string) => text.replace("maximum + logf(sum)", "logf(sum)")],
] as const) {
  test(`an attention that ${what} fails every check`, async () => {
    const source = change(variantSource(online));
    assert.notEqual(source, variantSource(online));
    const cases = attention.checkCases("f32").slice(1, 4);
    const results = await checkVariant(dev, online, cases, { source });
    assert.deepEqual(
      results.map((r) => r.status),
      ["failed", "failed", "failed"],
    );
  });
}

test("a softmax without the running maximum fails where scores are large", async () => {
  const source = variantSource(online).replace("if (score > maximum) {", "if (maximum < -1e38f) {");
  assert.notEqual(source, variantSource(online));
  const large = attention.checkCases("f32")[5]!;
  const [result] = await checkVariant(dev, online, [large], { source });
  assert.equal(result?.status, "failed");
});
