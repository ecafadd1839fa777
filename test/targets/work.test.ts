import assert from "node:assert/strict";
import { test } from "node:test";
import type { Work } from "kernel-lab/dist/targets/schema";
import { costOf, tokensOf } from "kernel-lab/dist/targets/work";

test("costOf() counts attention by its scores, half of them when causal, all when they are held", () => {
  const work: Work = { op: "attention", batch: 16, seq: 2048, heads: 16, dim: 64 };
  assert.equal(costOf(work, 2, false).flops, 274_877_906_944);
  assert.equal(costOf(work, 2).flops, 137_438_953_472);
  assert.equal(costOf(work, 2).bytes, 4 * 16 * 2048 * 16 * 64 * 2);
  const held = costOf({ ...work, materialised: true }, 2);
  assert.equal(held.flops, 274_877_906_944);
  assert.equal(held.resident - costOf(work, 2).bytes, 16 * 16 * 2048 ** 2 * 2);
});

test("costOf() counts GEMM, FFN and MoE by their matrices", () => {
  const flops = 738_734_374_912;
  assert.equal(costOf({ op: "gemm", m: 8192, n: 11008, k: 4096 }, 2).flops, flops);
  const ffn = costOf({ op: "ffn", tokens: 4096, hidden: 4096, inner: 11008, matmuls: 2 }, 2);
  assert.equal(ffn.flops, flops);
  const moe: Work = { op: "moe", tokens: 2048, hidden: 4096, inner: 11008, experts: 32, topK: 2 };
  assert.equal(costOf(moe, 2).flops, flops);
  // 32 experts of two matrices, and the tokens in and out: the 5.77 GB that small batches are bound by.
  assert.equal(costOf(moe, 2).bytes, 32 * 2 * 4096 * 11008 * 2 + 2 * 2048 * 4096 * 2);
  assert.equal(costOf({ ...moe, tokens: 1 }, 2).bytes, 2 * 2 * 4096 * 11008 * 2 + 2 * 4096 * 2);
});

test("costOf() counts a model by its weights: all of them for every decoded token, once for a prompt", () => {
  const large: Work = { op: "forward", layers: 32, hidden: 4096, heads: 32, batch: 8, seq: 2048 };
  const weights = 12 * 32 * 4096 ** 2;
  const scores = (32 * 4 * 8 * 32 * 2048 ** 2 * 128) / 2;
  assert.equal(costOf(large, 2).flops, 2 * 16384 * weights + scores);
  const model = { parameters: 8e9, bytes: 2 };
  assert.equal(costOf({ op: "decode", ...model, tokens: 3 }, 4).bytes, 48e9);
  assert.equal(costOf({ op: "prefill", ...model, tokens: 512 }, 4).bytes, 16e9);
  assert.equal(costOf({ op: "prefill", ...model, tokens: 512 }, 4).flops, 2 * 8e9 * 512);
  const layer: Work = { op: "layer", batch: 1, seq: 512, hidden: 4096, heads: 32, inner: 11008, matmuls: 2 };
  assert.equal(costOf(layer, 2).flops, 2 * 512 * (4 * 4096 ** 2 + 2 * 4096 * 11008) + 2 * 512 ** 2 * 4096);
});

test("tokensOf() answers what a rate in tokens a second counts", () => {
  assert.equal(tokensOf({ op: "forward", layers: 1, hidden: 8, heads: 1, batch: 4, seq: 512 }), 2048);
  assert.equal(tokensOf({ op: "decode", parameters: 1, bytes: 2, tokens: 7 }), 7);
  assert.equal(tokensOf({ op: "gemm", m: 1, n: 1, k: 1 }), 0);
});
