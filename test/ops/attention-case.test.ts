import assert from "node:assert/strict";
import { test } from "node:test";
import { LabError, recordedBaselines } from "kernel-lab";
import { bestRung } from "kernel-lab/dist/ops/attend";
import * as attention from "kernel-lab/dist/ops/attention";
import { ladders } from "kernel-lab/dist/ops/ladders";
import { attentionRow } from "kernel-lab/dist/ops/reference";
import { sameCase } from "kernel-lab/dist/record/cases";
import { h200 } from "../kernels/instances";

const asRecord = ({ name, params, dtype }: attention.AttentionCase) => ({
  case: { suite: "attention", name, params, dtype },
});

test("the suite holds every case of the recorded baselines, with their FLOPs and bytes", () => {
  const recorded = recordedBaselines().filter((r) => r.case.suite === "attention");
  assert.ok(recorded.length >= 40);
  const cases = new Map(attention.suiteCases(h200).map((c) => [sameCase(asRecord(c)), c]));
  for (const record of recorded) {
    const c = cases.get(sameCase(record));
    assert.ok(c, `the suite lacks ${record.case.name}`);
    assert.equal(attention.attentionFlops(c), record.flops, record.case.name);
    assert.equal(attention.attentionBytes(c), record.bytes, record.case.name);
  }
});

test("makeCase() names lengths and heads only where they differ, and FLOPs follow from the parameters", () => {
  const square = attention.makeCase({ heads: 8, queries: 512, headDim: 64 });
  assert.deepEqual(square.params, { batch: 1, seq: 512, heads: 8, dim: 64, causal: false });
  const decode = attention.makeCase({
    heads: 8,
    keyHeads: 2,
    queries: 1,
    keys: 100,
    headDim: 64,
    causal: true,
  });
  assert.deepEqual(decode.params, {
    batch: 1,
    queries: 1,
    keys: 100,
    heads: 8,
    keyHeads: 2,
    dim: 64,
    causal: true,
  });
  assert.equal(decode.name, "B1 Q1 K100 H8/2 D64 causal");
  assert.equal(attention.attentionFlops(decode), 4 * 8 * 64 * (100 - 0.5));
  assert.equal(attention.attentionBytes(decode), 2 * 64 * (8 + 2 * 100) * 2);
  // More queries than keys: only the last 100 of 300 see anything.
  const tall = attention.makeCase({ heads: 1, queries: 300, keys: 100, headDim: 64, causal: true });
  assert.equal(attention.attentionFlops(tall), 4 * 64 * (100 ** 2 / 2));
});

test("the ladder makes a case from the numbers of a command line", () => {
  const ladder = ladders.find((l) => l.topic === "attention")!;
  const sizes = { batch: 2, seq: 100, heads: 4, dim: 128, causal: 1 };
  assert.equal(ladder.makeCase(sizes, "bf16", h200).name, "B2 S100 H4 D128 causal");
  const decode = ladder.makeCase({ batch: 2, queries: 1, keys: 100, heads: 4, keyHeads: 2 }, undefined, h200);
  assert.equal(decode.name, "B2 Q1 K100 H4/2 D64");
});

test("attentionRow() is softmax-weighted values, and minus infinity where nothing is seen", () => {
  const q = [1, 0];
  const k = [2, 5, Math.log(3), -1];
  const v = [10, 0, 20, 4];
  const one = attentionRow(q, k, v, 1, 1);
  assert.deepEqual([...one.out, one.lse], [10, 0, 2]);
  const two = attentionRow([0, 0], k, v, 2, 1);
  assert.deepEqual(
    [...two.out].map((x) => x.toFixed(9)),
    ["15.000000000", "2.000000000"],
  );
  assert.ok(Math.abs(two.lse - Math.log(2)) < 1e-15);
  const none = attentionRow(q, k, v, 0, 1);
  assert.deepEqual([...none.out, none.lse], [0, 0, Number.NEGATIVE_INFINITY]);
});

test("bestRung() knows architecture, element type, head dim, alignment and short queries", () => {
  const c = (sizes: Partial<attention.AttentionSizes>) =>
    attention.makeCase({ heads: 8, queries: 512, headDim: 128, ...sizes });
  const ampere = { ...h200, name: "NVIDIA A100", capability: [8, 0] as const, sharedPerBlockOptin: 166912 };
  const turing = { ...h200, name: "NVIDIA T4", capability: [7, 5] as const, sharedPerBlockOptin: 65536 };
  const chosen = (info = h200, sizes = {}, aligned = true) => bestRung(info, c(sizes), aligned).id.slice(10);
  assert.equal(chosen(), "15_ends");
  assert.equal(chosen(h200, { queries: 4, keys: 4096 }), "13_decode");
  assert.equal(chosen(h200, { headDim: 96 }), "07_flash2");
  assert.equal(chosen(h200, { dtype: "f32" }), "05_warp");
  assert.equal(chosen(h200, {}, false), "05_warp");
  assert.equal(chosen(ampere), "07_flash2");
  assert.equal(chosen(ampere, { headDim: 40 }), "03_online");
  assert.equal(chosen(turing, { headDim: 64, queries: 1, keys: 9 }), "03_online");
  assert.throws(
    () => bestRung(h200, c({ dtype: "f64" }), true),
    (e) => LabError.is(e, "not-supported"),
  );
});

test("a rung that lacks something says what, and a row of scores must fit shared memory", () => {
  const needs = (rung: number, sizes: Partial<attention.AttentionSizes>) => {
    const variant = attention.variant(rung);
    const c = attention.makeCase({ heads: 8, queries: 512, headDim: 128, ...sizes });
    return variant.needs(h200, c, variant.parameters(h200, c));
  };
  assert.match(needs(1, { batch: 64, queries: 65536 })!, /over half of the device's memory/);
  assert.match(needs(2, { keys: 60_000 })!, /shared memory/);
  assert.match(needs(3, { headDim: 256 })!, /255 registers/);
  assert.match(needs(5, { headDim: 40 })!, /multiple of 32/);
  assert.match(needs(6, { dtype: "f32" })!, /tensor cores/);
  assert.match(needs(12, { headDim: 96 })!, /head dims 64, 128, 256/);
  assert.match(needs(13, { queries: 17 })!, /1 to 16 queries/);
  assert.match(needs(4, { heads: 8, keyHeads: 3 })!, /no multiple of 3 key heads/);
});
