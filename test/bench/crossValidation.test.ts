import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import {
  joinPredictions,
  predictCases,
  rejoined,
  type ValidationReason,
} from "kernel-lab/dist/bench/crossValidation";
import { type ValidationCase, validationCases } from "kernel-lab/dist/bench/validationCases";
import { defaultMetrics, explainingMetrics } from "kernel-lab/dist/record/counterMetrics";
import {
  type Predictions,
  readPredictions,
  type Validation,
  writeValidation,
} from "kernel-lab/dist/record/validation";
import { tallyOf, validationMarkdown, validationSvg } from "kernel-lab/dist/show/validation";
import { parseHTML } from "linkedom";
import { ncuTable, onFakeGpu, whyNoNvrtc } from "./fakeNcu";

const sectors = "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum";
const requests = "l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum";
const all = (given: Record<string, number>) => ({
  ...Object.fromEntries(
    lab.counterQuantities.flatMap(({ terms }) => Object.keys(terms)).map((name) => [name, 0]),
  ),
  ...given,
});

let device: lab.Device;
let folder: string;
before(async () => {
  device = await lab.open("cpu");
  folder = mkdtempSync(join(tmpdir(), "lab-validation-"));
});
after(async () => {
  await device.close();
  rmSync(folder, { recursive: true, force: true });
});

const launch = { grid: [4, 1, 1], block: [256, 1, 1] } as const;
const rowOf = (name: string, kernel: string, launches = 1) => ({
  case: name,
  kernel,
  launches,
  grid: [...launch.grid] as [number, number, number],
  block: [...launch.block] as [number, number, number],
});
const predictions: Predictions = {
  kind: "kernel-lab-predictions",
  lab: "0.1.0",
  date: "2026-11-21T08:00:00Z",
  rows: [
    {
      ...rowOf("copy", "copy_kernel"),
      counts: { globalLoadSectors: 1000, globalLoadRequests: 250, flops: 0 },
    },
    { ...rowOf("turn", "turn_kernel<32>", 3), counts: { globalLoadSectors: 500, globalLoadRequests: 100 } },
  ],
};
const reasons: ValidationReason[] = [
  { of: "turn", quantities: ["globalLoadRequests"], reason: "two loads are merged" },
];
const measured = [
  {
    ...rowOf("copy", "copy_kernel"),
    metrics: all({ [sectors]: 1010, [requests]: 250 }),
    instructions: { LDG: 1 },
  },
  {
    ...rowOf("turn", "turn_kernel<32>", 3),
    metrics: all({ [sectors]: 600, [requests]: 50 }),
    instructions: null,
  },
];
const validation: Validation = {
  kind: "kernel-lab-validation",
  lab: "0.1.0",
  date: "2026-11-21T08:00:00Z",
  device: { name: "NVIDIA H200", arch: "sm_90a", driver: "580" },
  compiler: "NVRTC 13.0",
  ncu: "2025.3.1.0",
  tolerance: 0.02,
  rows: joinPredictions(predictions, measured, reasons),
};

test("joinPredictions() agrees within 2%, gives committed reasons, and knows what it cannot say", () => {
  const count = (row: number, id: string) =>
    validation.rows[row]?.counts.find(({ quantity }) => quantity === id);
  assert.deepEqual(
    [count(0, "globalLoadSectors")?.agrees, count(0, "globalLoadSectors")?.reason],
    [true, ""],
  );
  assert.ok(Math.abs(count(0, "globalLoadSectors")!.difference! + 10 / 1010) < 1e-12);
  assert.equal(count(0, "flops")?.difference, 0);
  assert.deepEqual(
    [count(1, "globalLoadSectors")?.agrees, count(1, "globalLoadSectors")?.reason],
    [false, ""],
  );
  assert.equal(count(1, "globalLoadRequests")?.difference, 1);
  assert.equal(count(1, "globalLoadRequests")?.reason, "two loads are merged");
  assert.equal(count(1, "flops")?.predicted, null);
  assert.equal(count(1, "flops")?.difference, null);
});

test("joinPredictions() refuses predictions of other launches", () => {
  const other = [{ ...measured[0]!, grid: [5, 1, 1] as [number, number, number] }];
  assert.throws(() => joinPredictions(predictions, other, []), {
    code: "stale-predictions",
    message: /--predict/,
  });
});

test("rejoined() holds what was measured earlier against other predictions and reasons", () => {
  const noisy = {
    ...validation,
    rows: validation.rows.map((row) => ({ ...row, metrics: { ...row.metrics, device__count: 1 } })),
  };
  const mended = {
    ...predictions,
    rows: predictions.rows.map((row) => ({ ...row, counts: { ...row.counts, globalLoadSectors: 600 } })),
  };
  const made = rejoined(noisy, mended, [{ of: "copy", reason: "a reason" }]);
  const sectorsOf = (row: number) =>
    made.rows[row]?.counts.find(({ quantity }) => quantity === "globalLoadSectors");
  assert.deepEqual([sectorsOf(0)?.measured, sectorsOf(0)?.reason], [1010, "a reason"]);
  assert.deepEqual([sectorsOf(1)?.predicted, sectorsOf(1)?.agrees], [600, true]);
  assert.equal(made.date, validation.date);
  assert.equal(made.rows[0]?.metrics.device__count, undefined, "what nobody asked ncu for is left out");
});

test("the table and the picture show agreement, differences and reasons, and leave zeros out", () => {
  const known = { ...validation, rows: validation.rows.slice(0, 2) };
  const tally = tallyOf(known);
  assert.deepEqual([tally.agree, tally.explained], [2, 1]);
  const text = validationMarkdown(known);
  assert.match(text, /1000 → 1010/);
  assert.match(text, /two loads are merged/);
  assert.match(
    text,
    /\| turn \| `turn_kernel<32>` \| global load sectors \| +500 \| +600 \| +−16\.7% \| not known/,
  );
  const { document } = parseHTML(`<body>${validationSvg(known)}</body>`);
  const hints = [...document.querySelectorAll("title")].map((title) => title.textContent ?? "");
  assert.ok(hints.some((hint) => hint.includes("predicted 100, measured 50; two loads are merged")));
  assert.equal(hints.length, tally.counts);
});

test("writeValidation() keeps what readPredictions() reads, and a damaged file is told as such", () => {
  const path = join(folder, "deep", "predictions.json");
  writeValidation(path, predictions);
  assert.deepEqual(readPredictions(path), predictions);
  writeFileSync(path, '{"kind": "kernel-lab-predictions"');
  assert.throws(() => readPredictions(path), { code: "bad-record-file" });
  assert.throws(() => readPredictions(join(folder, "absent.json")), { code: "no-such-file" });
});

test("predictCases() adds the launches of one kernel up", async () => {
  const kernel = await device.compile(
    'extern "C" __global__ void copy(const float* x, float* y) { y[0] = x[0]; }',
  );
  const [x, y] = [device.zeros([1]), device.zeros([1])];
  let freed = 0;
  const twice: ValidationCase = {
    name: "twice",
    prepare: async () => ({
      launches: [1, 2].map((grid) => ({ kernel, config: { grid, block: 32 }, args: [x, y] })),
      free: () => freed++,
    }),
  };
  const made = await predictCases(device, [twice], async ({ config }) =>
    all({ [sectors]: Number(config.grid) }),
  );
  assert.equal(made.rows.length, 1);
  assert.deepEqual([made.rows[0]?.launches, made.rows[0]?.counts.globalLoadSectors], [2, 3]);
  assert.equal(freed, 1);
});

test("validateCases() counts all launches in two runs of ncu and joins them with the predictions", async (t) => {
  const missing = await whyNoNvrtc();
  if (missing) return t.skip(missing);
  const names = [...new Set([...defaultMetrics, ...explainingMetrics])];
  const values = names.map((name) => (name === sectors ? "8" : name === requests ? "2" : "0"));
  const units = Object.fromEntries(names.map((name) => [name, ""]));
  const table = ncuTable(units, [
    { kernel: "scale", values },
    { kernel: "scale", values },
  ]);
  const row = { ...rowOf("both", "scale", 2), grid: [1, 1, 1], block: [32, 1, 1] };
  const counts = { globalLoadSectors: 16, globalLoadRequests: 5 };
  const given = JSON.stringify({ ...predictions, rows: [{ ...row, counts }] });
  const { end, answer, launches } = await onFakeGpu(
    `const { validateCases } = require(library + "/bench/crossValidation.js");
    const kernel = await device.compile('extern "C" __global__ void scale(float* x, int n) { x[0] *= n; }');
    const x = device.zeros([64]);
    const launch = { kernel, config: { grid: 1, block: 32 }, args: [x, 2] };
    const both = { name: "both", prepare: async () => ({ launches: [launch, launch], free() {} }) };
    return validateCases(device, [both], ${given}, [{ of: "both", reason: "they are joined" }]);`,
    table,
  );
  assert.equal(end.code, 0, end.output);
  const made = answer as Validation;
  assert.equal(made.device.name, "Fake H200");
  assert.equal(launches.length, 4, "two launches, two runs");
  const verdicts = made.rows[0]?.counts.map(({ quantity, measured, agrees, reason }) => [
    quantity,
    measured,
    agrees,
    reason,
  ]);
  assert.deepEqual(verdicts?.slice(0, 2), [
    ["globalLoadRequests", 4, false, "they are joined"],
    ["globalLoadSectors", 16, true, ""],
  ]);
  assert.equal(made.rows[0]?.metrics[explainingMetrics[0]!], 0);
});

test("the committed predictions are of these cases, and what the lens says", async () => {
  const committed = readPredictions(lab.dataPath("validation", "predictions.json"));
  assert.deepEqual(
    [...new Set(committed.rows.map((row) => row.case))],
    validationCases.map(({ name }) => name),
  );
  const some = validationCases.filter(({ name }) => /patterns\/(01.* stride 8|04.*100x70)/.test(name));
  assert.equal(some.length, 2);
  const made = await predictCases(device, some, async ({ kernel, config, args }) =>
    all({ ...(await lab.lens(kernel, config, ...args)).totals }),
  );
  for (const { case: name, counts } of made.rows) {
    assert.deepEqual(counts, committed.rows.find((row) => row.case === name)?.counts, name);
  }
  const strided = made.rows.find((row) => row.case.includes("stride 8"))?.counts;
  assert.deepEqual(
    [strided?.globalLoadSectors, strided?.globalStoreSectors],
    [8192, 8192],
    "a sector a lane",
  );
});

test("lab validate --measured makes the committed tables again, and no difference is without a reason", () => {
  const committed = lab.resultsPath("validation");
  const records = readdirSync(committed).filter((file) => file.endsWith(".json"));
  assert.ok(records.length > 0);
  for (const record of records) {
    const out = join(folder, "again");
    const program = join(lab.packageRoot, "bin", "lab.js");
    const args = ["validate", "--measured", join(committed, record), "--out", out, "--json"];
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.equal(JSON.parse(stdout).tally.unexplained, 0);
    for (const file of [record, record.replace(/json$/, "md")])
      assert.equal(readFileSync(join(out, file), "utf8"), readFileSync(join(committed, file), "utf8"), file);
  }
});

test("validationCases cover every rung of the walkthroughs and the strides asked for", () => {
  const names = validationCases.map(({ name }) => name);
  for (const { id } of [...lab.softmax.variants, ...lab.matmul.variants, ...lab.patterns.variants]) {
    assert.ok(
      names.some((name) => name.startsWith(id)),
      id,
    );
  }
  const strides = names.filter((name) => name.startsWith("patterns/01_strided_copy"));
  assert.deepEqual(
    strides.map((name) => / stride (\d+)$/.exec(name)?.[1] ?? "1"),
    ["1", "2", "8", "32"],
  );
  assert.equal(new Set(names).size, names.length);
});

test("the MoE cases launch every kernel of kernels/moe", async () => {
  const seen = new Set<string>();
  for (const { prepare } of validationCases.filter(({ name }) => name.startsWith("moe"))) {
    const { launches, free } = await prepare(device);
    for (const { kernel } of launches) seen.add(kernel.name.replace(/<.*/, "").slice(0, 6));
    free();
  }
  assert.deepEqual(
    [...seen].sort(),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((n) => `moe_${String(n).padStart(2, "0")}`),
  );
});
