import assert from "node:assert/strict";
import { test } from "node:test";
import { type AuditRow, audit } from "kernel-lab/dist/audit/audit";
import { auditView } from "kernel-lab/dist/audit/auditView";
import { holdTime, unitsFor, verdictOf } from "kernel-lab/dist/audit/limits";
import { gpuFacts } from "kernel-lab/dist/targets/gpus";
import { type NamedTargets, targetDocuments } from "kernel-lab/dist/targets/load";

const documents = targetDocuments();
const made = audit(documents, { launch: { seconds: 2.5e-6, source: "a fixture" } });
const find = (table: string, row: RegExp, column: RegExp): AuditRow => {
  const found = made.rows.filter((r) => r.table === table && row.test(r.row) && column.test(r.column));
  assert.equal(found.length, 1, `${table} ${row} ${column}: ${found.length} rows`);
  return found[0]!;
};

test("verdictOf() is tight from 85% and impossible only beyond the ceiling", () => {
  const cases: [number, number, string][] = [
    [0.849, 0.849, "possible"],
    [0.85, 0.85, "tight"],
    [1.06, 0.86, "tight"],
    [1.004, 1.004, "tight"],
    [1.2, 1.11, "impossible"],
  ];
  for (const [share, ceiling, verdict] of cases) assert.equal(verdictOf(share, ceiling), verdict);
});

test("audit() finds the large model at 8 x 2048 beyond every chip, its tokens a second with it", () => {
  // 2 x 16384 x 6.44 G weights + causal attention = 219.9 TFLOP.
  const expected: [RegExp, number][] = [
    [/^H100 \(ms\)/, 219.9e12 / 0.185 / 989.5e12],
    [/^A100 \(ms\)/, 219.9e12 / 0.41 / 312e12],
    [/^A10 \(ms\)/, 219.9e12 / 1.025 / 125e12],
    [/^Tokens/, 219.9e12 / (16384 / 88600) / 989.5e12],
  ];
  for (const [column, share] of expected) {
    const row = find("expected-results/end-to-end-large", /Batch 8/, column);
    assert.equal(row.verdict, "impossible", row.column);
    assert.ok(Math.abs(row.share! - share) < 0.002, `${row.column}: ${row.share} against ${share}`);
  }
  assert.match(find("expected-results/end-to-end-large", /Batch 8/, /^H100/).conditions.join(), /fp8/);
  // The width of the MLP is ours to assume: 4 x 4096^2 + 2 x 4096 x 11008 weights a layer would be 173.7 TFLOP.
  const narrow = (column: RegExp) =>
    find("expected-results/end-to-end-large", /Batch 8/, column).conditions.join();
  assert.match(narrow(/^H100/), /it would be tight: 94\.\d%/);
  assert.match(narrow(/^A100/), /it still needs 136%/);
  for (const size of ["small", "medium"]) {
    const rows = made.rows.filter((r) => r.table === `expected-results/end-to-end-${size}`);
    assert.ok(rows.length === 12 && rows.every((r) => r.verdict === "possible"), size);
  }
});

test("audit() calls tight what is within 15% of the limit", () => {
  assert.equal(find("expected-results/end-to-end-large", /Batch 4/, /^A100/).verdict, "tight");
  assert.equal(find("expected-results/moe-layer", /Batch 32/, /^A100/).verdict, "tight");
  assert.equal(find("expected-results/moe-layer", /Batch 32/, /^H100/).verdict, "possible");
  assert.equal(find("expected-results/expert-gemm", /H100/, /cuBLAS/).verdict, "tight");
  assert.equal(find("expected-results/expert-gemm", /H100/, /Target/).verdict, "possible");
  assert.equal(find("rtx-3090-kernels/roofline-memory", /Theoretical/, /value/).verdict, "tight");
});

test("audit() finds what does not fit in the chip's memory, and models larger than their stated size", () => {
  const scores = find("expected-results/flash-attention-b32-s4096", /PyTorch/, /^A10 /);
  assert.equal(scores.verdict, "impossible");
  assert.match(scores.arithmetic, /38\.7 GB.*24\.0 GB/);
  assert.equal(find("expected-results/flash-attention-b32-s4096", /PyTorch/, /^A100 /).verdict, "possible");
  assert.equal(find("inference-baseline/expected-qwen2.5-0.5b", /VRAM/, /value/).verdict, "impossible");
  assert.equal(find("inference-baseline/expected-phi-3-mini", /VRAM/, /value/).verdict, "impossible");
  assert.equal(find("inference-baseline/expected-gpt-2", /VRAM/, /value/).verdict, "possible");
});

test("audit() finds bandwidth that compute-bound work cannot use", () => {
  for (const operation of [/Flash Attention/, /Large GEMM/]) {
    assert.equal(find("expected-results/bandwidth-utilisation", operation, /BW/).verdict, "impossible");
  }
  assert.equal(find("expected-results/bandwidth-utilisation", /Element-wise/, /BW/).verdict, "possible");
});

test("audit() calls stub times impossible, and says that they are a stub's", () => {
  const stubs = made.rows.filter(
    (r) => r.role === "stub" && r.share !== null && /Time|Tokens/.test(r.column),
  );
  assert.ok(stubs.length > 20);
  for (const row of stubs.filter((r) => r.column !== "Max Tokens")) {
    assert.equal(row.verdict, "impossible", `${row.table} ${row.row}`);
    assert.match(row.conditions.join(), /stub/i);
  }
});

test("audit() finds nothing impossible beyond those", () => {
  const known = new Set([
    "expected-results/flash-attention-b32-s4096",
    "expected-results/end-to-end-large",
    "expected-results/bandwidth-utilisation",
    "inference-baseline/expected-qwen2.5-0.5b",
    "inference-baseline/expected-phi-3-mini",
  ]);
  const others = made.rows.filter(
    (r) => r.verdict === "impossible" && r.role !== "stub" && !known.has(r.table),
  );
  assert.deepEqual(
    others.map((r) => `${r.table} ${r.row} ${r.column}`),
    [],
  );
});

test("audit() says what a verdict hangs on where the document names no precision", () => {
  const ffn = find("llama-2-7b/llama-2-7b-ffn", /4096/, /Custom/);
  assert.equal(ffn.verdict, "tight");
  assert.match(ffn.conditions.join(" "), /impossible in fp16 \(180% of its limit\).*fp32 \(359%/);
  // PyTorch accumulates in fp32: above the data sheet, below the card's highest clock.
  assert.match(
    find("llama-2-7b/llama-2-7b-ffn", /4096/, /PyTorch/).arithmetic,
    /107%.*86\.4% at the highest clock/,
  );
});

test("audit() holds launch overhead against what was measured, and says when nothing was", () => {
  const launch = find("expected-results/launch-overhead", /kernel launch/, /Target/);
  assert.equal(launch.verdict, "possible");
  assert.equal(launch.share, 2.5e-6 / 50e-6);
  const without = audit(documents).rows.find((r) => /kernel launch/.test(r.row));
  assert.equal(without?.verdict, null);
  assert.match(without!.arithmetic, /no launch overhead/);
});

test("audit() finds the figures that contradict their neighbours", () => {
  const what = made.contradictions.map((c) => `${c.table} ${c.row}: ${c.what}`).join("\n");
  assert.match(what, /expert-gemm H100.*64\.7% of the chip's peak/);
  assert.match(what, /layer Sequence 2048, Optimized.*10\.1 ms, the layer's time is 11\.09/);
  assert.match(what, /16 bytes a parameter would be 128 GB/);
  // 7.64 GB at 31.5 GB/s; the 0.99 GB of Qwen take 31 ms and fit.
  assert.match(what, /expected-loading Phi-3 Mini 4K: .*50\.0 ms at most; 7\.64 GB .* 243 ms/);
  assert.doesNotMatch(what, /expected-loading Qwen/);
  assert.doesNotMatch(what, /end-to-end-(small|medium|large)|moe-layer|attention-memory|kernel-tests/);
  assert.equal(made.contradictions.filter((c) => /expected-(prefill|decode)/.test(c.table)).length, 0);
});

test("audit() notices rates and ratios that were changed", () => {
  const edited = structuredClone(documents) as NamedTargets[];
  const tables = edited.flatMap((d) => d.tables);
  tables.find((t) => t.id === "moe-layer")!.rows[0]!.cells.rate!.value = 638000;
  tables.find((t) => t.id === "attention-memory")!.rows[0]!.cells.reduction!.value = 4;
  tables.find((t) => t.id === "kernel-tests")!.rows[8]!.cells.tests!.value = 20;
  const found = audit(edited).contradictions.map((c) => c.table);
  for (const table of [
    "expected-results/moe-layer",
    "expected-results/attention-memory",
    "rtx-3090-kernels/kernel-tests",
  ]) {
    assert.ok(found.includes(table), table);
  }
});

test("audit() counts every figure once", () => {
  const { impossible, tight, possible, unchecked } = made.counts;
  assert.equal(impossible + tight + possible + unchecked, made.rows.length);
  for (const row of made.rows) assert.ok(row.arithmetic.length > 10, `${row.table} ${row.row}`);
});

test("unitsFor() tries every unit where the precision is open, and no fp16 accumulation for PyTorch", () => {
  const chip = gpuFacts("NVIDIA GeForce RTX 3090")!;
  assert.deepEqual(unitsFor(null, chip, false), ["fp32", "tf32", "fp16", "fp16a16"]);
  assert.deepEqual(unitsFor("FP16", chip, true), ["fp16"]);
  assert.deepEqual(unitsFor("FP32", chip, false), ["fp32"]);
});

test("holdTime() takes the larger of the two floors", () => {
  const chip = gpuFacts("NVIDIA H100 80GB HBM3")!;
  const decode = holdTime({ op: "decode", parameters: 1e9, bytes: 2, tokens: 1 }, 1e-3, chip, ["fp16"]);
  assert.ok(Math.abs(decode.share - 2e9 / 3.35e12 / 1e-3) < 1e-12);
  assert.match(decode.arithmetic, /2\.00 GB .* 3\.35 TB\/s/);
  const gemm = holdTime({ op: "gemm", m: 8192, n: 11008, k: 4096 }, 1e-3, chip, ["fp16"]);
  assert.ok(Math.abs(gemm.share - 738_734_374_912 / 989.5e12 / 1e-3) < 1e-12);
});

test("auditView() shows the arithmetic and the rule, and can be held to one verdict", () => {
  const all = auditView(made);
  assert.match(all.text, /220 TFLOP/);
  assert.match(all.text, /Rule: possible/);
  const only = auditView(made, { verdict: "impossible" });
  assert.doesNotMatch(only.text, /^ {2}(possible|tight) /m);
  assert.match(only.html, /<table/);
  assert.equal(only.markdown.split("\n").length, 2 + made.counts.impossible);
});
