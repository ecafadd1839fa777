// Attention on a real GPU: every rung against float64, the same bits in ten runs, and the sweeps of its tiles.
//
//   NODE_PATH=<bundle>/node_modules node test/gpu/attention.cjs check [rung ...]      e.g. check 7 13
//   NODE_PATH=<bundle>/node_modules node test/gpu/attention.cjs sweep [rung ...]
//   NODE_PATH=<bundle>/node_modules node test/gpu/attention.cjs bench [rung ...]
//
// `check` prints a line a rung and element type; `sweep` the fastest settings of 07 and 13 at the goals' cases; `bench`
// every case of the suite with the rungs in turns. Each leaves its numbers as JSON in $OUT; exit code 1 when one failed.
const { writeFileSync } = require("node:fs");
const { join } = require("node:path");
const lab = require("kernel-lab");

const [mode = "check", ...numbers] = process.argv.slice(2);
const wanted = (variant) => numbers.length === 0 || numbers.includes(String(variant.rung));
const { attention } = lab;
let failed = 0;
const kept = [];

/** Cases beyond the shared ones: whole tiles and long rows, which the CPU device takes too long for. */
function casesOf(variant, dtype) {
  // Each instance takes a second to compile: the long cases once a rung.
  const main = variant.rung <= 5 ? "f32" : "f16";
  if (variant.rung !== 13) return dtype === main ? attention.longCheckCases(dtype) : attention.checkCases(dtype);
  const long = { batch: 4, queries: 1, keys: 4097, headDim: 128, dtype };
  return [
    ...attention.decodeCheckCases(dtype),
    attention.makeCase({ ...long, heads: 32, keyHeads: 8 }),
    attention.makeCase({ ...long, heads: 32, queries: 16, causal: true, layout: "bshd" }),
    attention.makeCase({ ...long, heads: 8, keyHeads: 1, queries: 7, headDim: 256 }),
    attention.makeCase({ ...long, heads: 6, keyHeads: 3, headDim: 96 }),
  ];
}

async function checkRung(dev, variant, dtype) {
  const start = performance.now();
  const name = `${variant.id} ${dtype}`;
  try {
    const results = await lab.checkVariant(dev, variant, casesOf(variant, dtype));
    const wrong = results.filter((r) => r.status === "failed");
    const right = results.filter((r) => r.status === "passed");
    if (right.length === 0 && wrong.length === 0) return console.log(`skip  ${name}: ${results[0].detail}`);
    const worst = (pick) => Math.max(...right.map((r) => pick(r.check) ?? Number.NaN)).toExponential(2);
    const errors = `max ${worst((c) => c.maxAbs)}, mean ${worst((c) => c.meanAbs)}`;
    const skipped = [...new Set(results.filter((r) => r.status === "skipped").map((r) => r.detail))];
    if (wrong.length > 0) failed++;
    const counts = `${right.length} of ${results.length} cases, ${errors}`;
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${wrong.length > 0 ? "FAIL " : "ok   "} ${name}: ${counts} (${seconds} s)`);
    for (const r of wrong) console.log(`      ${r.case}: ${r.detail}`);
    for (const reason of skipped) console.log(`      skipped: ${reason}`);
    kept.push({ rung: variant.id, dtype, results });
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}: ${error.code ?? ""} ${error.message}`);
  }
}

async function sameBits(dev, variant) {
  const decode = { batch: 4, heads: 32, keyHeads: 8, queries: 1, keys: 4096, headDim: 128 };
  const square = { batch: 2, heads: 8, queries: 1000, headDim: 128, causal: true };
  const c = attention.makeCase(variant.rung === 13 ? decode : square);
  if (variant.needs(dev.info, c, variant.parameters(dev.info, c)) !== null) return;
  const prepared = await lab.prepare(dev, variant, c);
  const { out, lse } = prepared.tensors;
  const seen = new Set();
  for (let run = 0; run < 10; run++) {
    out.fill(Number.NaN);
    lse.fill(Number.NaN);
    prepared.run();
    seen.add(Buffer.concat([await out.readRaw(), await lse.readRaw()]).toString("base64"));
  }
  prepared.free();
  if (seen.size !== 1) failed++;
  console.log(`${seen.size === 1 ? "ok   " : "FAIL "} ${variant.id}: ${seen.size} result in ten runs`);
}

/** The goals that a sweep is for: FlashAttention-2's tiles, and how decoding is split. */
const sweeps = [
  [7, { batch: 16, heads: 16, queries: 2048, headDim: 64 }],
  [7, { batch: 16, heads: 16, queries: 2048, headDim: 64, causal: true }],
  [7, { batch: 1, heads: 32, queries: 4096, headDim: 128 }],
  [7, { batch: 1, heads: 32, queries: 4096, headDim: 128, causal: true }],
  [13, { batch: 32, heads: 32, keyHeads: 8, queries: 1, keys: 4096, headDim: 128 }],
  [13, { batch: 32, heads: 32, keyHeads: 32, queries: 1, keys: 4096, headDim: 128 }],
];

async function sweepRung(dev, rung, sizes) {
  const variant = attention.variant(rung);
  const c = attention.makeCase(sizes);
  const options = { samples: 15, warmup: 3, budget: 1 };
  const { records, best, failures } = await lab.sweepRung(dev, variant, c, { options });
  const line = (r) => {
    const rate =
      rung === 13
        ? `${(r.bytes / r.statistics.median / 1e12).toFixed(2)} TB/s`
        : `${(r.flops / r.statistics.median / 1e12).toFixed(0)} TFLOP/s`;
    const setting = JSON.stringify(r.implementation.parameters);
    return `${(r.statistics.median * 1e6).toFixed(1)} us  ${rate}  ${setting} ${r.check?.passed ? "" : "WRONG"}`;
  };
  console.log(`${variant.id} ${c.name}: ${records.length} settings`);
  const sorted = [...records].sort((a, b) => a.statistics.median - b.statistics.median);
  for (const r of sorted.slice(0, 8)) console.log(`  ${line(r)}`);
  console.log(`  final in turns: ${best.map(line).join(" | ")}`);
  for (const f of failures.filter((f) => f.kind !== "skipped").slice(0, 3)) console.log(`  ${f.kind}: ${f.reason}`);
  kept.push({ rung: variant.id, case: c.name, records, best });
}

/** Every rung that takes a case, in turns. */
async function benchCase(dev, c) {
  const rungs = attention.variants.filter(
    (v) =>
      wanted(v) &&
      (v.rung > 5 || v.flops(c) < 5e11) &&
      v.needs(dev.info, c, v.parameters(dev.info, c)) === null,
  );
  if (rungs.length === 0) return;
  const problem = await rungs[0].problem(dev, c);
  const held = [];
  try {
    for (const v of rungs) held.push(await lab.prepare(dev, v, c, { problem }));
    const records = await lab.measureVariants(held, { samples: 30 });
    console.log(`${c.name} ${c.dtype}`);
    for (const r of records) {
      const t = r.statistics.median;
      const rate = `${(r.flops / t / 1e12).toFixed(1)} TFLOP/s, ${(r.bytes / t / 1e12).toFixed(2)} TB/s`;
      const wrong = r.check?.passed ? "" : `WRONG: ${r.check?.mismatch}`;
      if (wrong) failed++;
      console.log(`  ${r.implementation.id}  ${(t * 1e6).toFixed(1)} us  ${rate} ${r.verdict.verdict} ${wrong}`);
    }
    kept.push(...records);
  } finally {
    for (const p of held) p.free();
    for (const t of Object.values(problem.tensors)) t.free();
  }
}

(async () => {
  const dev = await lab.open(process.env.DEVICE ?? "cuda");
  const variants = attention.variants.filter(wanted);
  if (mode === "check") {
    for (const variant of variants) {
      for (const dtype of ["f32", "f16", "bf16"]) await checkRung(dev, variant, dtype);
      await sameBits(dev, variant);
    }
  } else if (mode === "sweep") {
    for (const [rung, sizes] of sweeps.filter(([rung]) => wanted({ rung }))) {
      await sweepRung(dev, rung, sizes).catch((error) => {
        failed++;
        console.log(`FAIL  ${rung}: ${error.message}`);
      });
    }
  } else {
    for (const c of attention.suiteCases(dev.info)) {
      await benchCase(dev, c).catch((error) => {
        failed++;
        console.log(`FAIL  ${c.name}: ${error.message}`);
      });
    }
  }
  if (process.env.OUT) writeFileSync(join(process.env.OUT, `attention-${mode}.json`), JSON.stringify(kept));
  await dev.close();
  console.log(failed === 0 ? "all ok" : `${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
})();
