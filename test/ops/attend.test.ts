import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

const random = (shape: number[], seed: number, dtype: lab.DType = "f32") => dev.randn(shape, { seed, dtype });

/** The largest difference of a result from float64. */
async function errorOf(
  [q, k, v]: readonly lab.Tensor[],
  { out, lse }: lab.AttentionResult,
  causal: boolean,
  scale: number,
) {
  const [batch, heads, queries, dim] = q!.shape as [number, number, number, number];
  const [, keyHeads, keys] = k!.shape as [number, number, number, number];
  const [x, y, z, o, l] = (await Promise.all([q!, k!, v!, out, lse].map((t) => t.read()))) as Float32Array[];
  let most = 0;
  for (let row = 0; row < batch * heads * queries; row++) {
    const [b, h, i] = [Math.floor(row / heads / queries), Math.floor(row / queries) % heads, row % queries];
    const at = (b * keyHeads + Math.floor((h * keyHeads) / heads)) * keys * dim;
    const seen = causal ? Math.max(0, Math.min(keys, i + 1 + keys - queries)) : keys;
    const query = x!.subarray(row * dim, (row + 1) * dim);
    const expected = lab.reference.attentionRow(query, y!.subarray(at), z!.subarray(at), seen, scale);
    for (let d = 0; d < dim; d++) most = Math.max(most, Math.abs(o![row * dim + d]! - expected.out[d]!));
    if (seen === 0) assert.equal(l![row], Number.NEGATIVE_INFINITY);
    else most = Math.max(most, Math.abs(l![row]! - expected.lse));
  }
  return most;
}

test("lab.attention() answers output and log-sum-exp, causal with shared key heads and rows that see nothing", async () => {
  const inputs = [random([2, 4, 9, 64], 1), random([2, 2, 5, 64], 2), random([2, 2, 5, 64], 3)] as const;
  const result = await lab.attention(...inputs, { causal: true });
  assert.deepEqual(result.out.shape, [2, 4, 9, 64]);
  assert.deepEqual(result.lse.shape, [2, 4, 9]);
  assert.equal(result.rung, "attention/04_tiled");
  assert.ok((await errorOf(inputs, result, true, 1 / 8)) < 2e-6);
  const first = (await result.out.read()).slice(0, 4 * 64);
  assert.ok(first.every((value) => value === 0));
});

test("lab.attention() reads strided views and takes a scale; calls after the first compile nothing", async () => {
  const inputs = [1, 2, 3].map((seed) => random([1, 12, 3, 40], seed).transpose([0, 2, 1, 3]));
  const [q, k, v] = inputs as [lab.Tensor, lab.Tensor, lab.Tensor];
  const result = await lab.attention(q, k, v, { scale: 0.5 });
  assert.ok((await errorOf(inputs, result, false, 0.5)) < 2e-6);
  const again = await lab.attention(q, k, v, { scale: 0.5 });
  assert.deepEqual(await again.out.read(), await result.out.read());
});

test("lab.attention() says what is wrong with its tensors", async () => {
  const good = random([1, 2, 3, 64], 1);
  const wrong: [string, lab.Tensor, lab.Tensor, lab.Tensor, object?][] = [
    ["invalid-shape", random([2, 3, 64], 1), good, good],
    ["invalid-shape", good, random([1, 2, 3, 32], 1), random([1, 2, 3, 32], 1)],
    ["invalid-shape", good, good, random([1, 2, 4, 64], 1)],
    ["invalid-shape", good, random([2, 2, 3, 64], 1), random([2, 2, 3, 64], 1)],
    ["invalid-shape", random([1, 3, 3, 64], 1), good, good],
    ["invalid-shape", good.transpose([0, 1, 3, 2]), good, good],
    ["invalid-shape", random([1, 1, 2, 20], 1), random([1, 1, 2, 20], 1), random([1, 1, 2, 20], 1)],
    ["wrong-dtype", good, random([1, 2, 3, 64], 1, "f16"), good],
    ["bad-options", good, good, good, { scale: Number.NaN }],
    ["bad-options", good, good, good, { scale: -1 }],
  ];
  for (const [code, q, k, v, options] of wrong) {
    await assert.rejects(lab.attention(q, k, v, options), (e: Error) => {
      assert.ok(lab.LabError.is(e, code), e.message);
      assert.match(e.message, /^Computing attention: /);
      return true;
    });
  }
});

test("lab.attention is the ladder too", () => {
  assert.equal(lab.attention.variant(12).id, "attention/12_refined");
  assert.ok(lab.attention.variants.length >= 12);
  assert.equal(lab.attention.makeCase({ heads: 1, queries: 2, headDim: 64 }).name, "B1 S2 H1 D64");
});
