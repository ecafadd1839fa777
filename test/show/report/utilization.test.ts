import assert from "node:assert/strict";
import { test } from "node:test";
import { runDocument } from "kernel-lab/dist/record/document";
import { countedBytes, countsOf, hardwareCounters } from "kernel-lab/dist/show/counted";
import { report } from "kernel-lab/dist/show/report/report";
import { counterRows } from "kernel-lab/dist/show/report/rows";
import { computeRoof, limitOf, memoryRoof, utilizationOf } from "kernel-lab/dist/show/report/utilization";
import { rooflinePlot } from "kernel-lab/dist/show/roofline";
import { fixtureRecord } from "../../record/fixtures";

/** A record of one millisecond that moves and computes so much. */
function record(
  bytes: number,
  flops: number | null,
  changes: Partial<ReturnType<typeof fixtureRecord>> = {},
) {
  return { ...fixtureRecord({ samples: Array(30).fill(1e-3), bytes, flops }), ...changes };
}

const launch = {
  grid: [512],
  block: [256],
  registers: 40,
  staticShared: 0,
  dynamicShared: 0,
  spillBytes: 0,
  occupancy: 0.9,
};
const counters = (metrics: Record<string, number>) => [
  { kernel: "k", device: "NVIDIA H200", metrics, units: {} },
];

test("memoryRoof() and computeRoof() are the run's own where it has them, else the data sheet's", () => {
  const own = record(4e9, null);
  assert.equal(Math.round(memoryRoof(own)!.rate / 1e9), 4180);
  assert.equal(memoryRoof(own)!.source, "measured copy");
  const sheet = record(4e9, 1e12, { rates: { ...own.rates, roofline: null } });
  assert.match(memoryRoof(sheet)!.source, /data sheet of the NVIDIA H200/);
  assert.match(computeRoof(sheet)!.source, /fp16 peak of the NVIDIA H200/);
  const cpu = fixtureRecord({ device: "cpu" });
  assert.equal(computeRoof(cpu), null);
});

test("utilizationOf() takes the counters where there are some and marks the model where not", () => {
  const model = utilizationOf(record(2.09e9, 99e9));
  assert.equal(model.memory?.source, "model");
  assert.ok(Math.abs(model.memory.share - 0.5) < 1e-9);
  assert.equal(model.compute?.source, "model");
  const counted = utilizationOf(
    record(2.09e9, 99e9, {
      counters: counters({
        "dram__bytes_read.sum": 2e9,
        "dram__bytes_write.sum": 1.344e9,
        "sm__throughput.avg.pct_of_peak_sustained_elapsed": 37,
      }),
    }),
  );
  assert.equal(counted.memory?.source, "counters");
  assert.ok(Math.abs(counted.memory.share - 0.8) < 1e-9, "all bytes moved, not only those that must");
  assert.deepEqual(counted.compute, { share: 0.37, source: "counters" });
});

test("utilizationOf() weighs the percentages of several launches by their time", () => {
  const [short, long] = [
    { "dram__throughput.avg.pct_of_peak_sustained_elapsed": 90, "gpu__time_duration.sum": 1 },
    { "dram__throughput.avg.pct_of_peak_sustained_elapsed": 50, "gpu__time_duration.sum": 3 },
  ].map((metrics) => counters(metrics)[0]);
  const use = utilizationOf(record(1e9, null, { counters: [short, long] }));
  assert.ok(Math.abs(use.memory!.share - 0.6) < 1e-9);
});

test("countedBytes() is null when a launch was not counted", () => {
  assert.equal(countedBytes(record(1, null)), null);
  assert.equal(countedBytes(record(1, null, { counters: counters({ "dram__bytes_read.sum": 5 }) })), null);
});

test("limitOf() names the roof that is near", () => {
  assert.equal(limitOf(record(4e9, 1e9)).by, "memory");
  assert.match(limitOf(record(4e9, 1e9)).why, /^95\.7% of 4\.18 TB\/s \(measured copy\)/);
  assert.equal(limitOf(record(1e6, 800e9)).by, "compute");
});

test("limitOf() tells latency with what the record shows of its cause", () => {
  const plain = limitOf(record(1e8, 1e9, { resources: launch }));
  assert.equal(plain.by, "latency");
  assert.match(plain.why, /counters would tell/);
  const starved = { ...launch, grid: [4], occupancy: 0.1, spillBytes: 32, registers: 255 };
  const { why } = limitOf(
    record(1e8, 1e9, {
      resources: starved,
      counters: counters({ "dram__bytes_read.sum": 3e8, "dram__bytes_write.sum": 1e8 }),
    }),
  );
  assert.match(why, /400 MB moved where 100 MB must/);
  assert.match(why, /32 bytes a thread spilled; occupancy 10\.0% at 255 registers; 4 blocks for 132 multi/);
});

test("limitOf() blames the launch where little else is timed, and says when nothing is known", () => {
  const short = { ...fixtureRecord({ samples: Array(30).fill(4e-6) }) };
  assert.equal(limitOf(short).by, "launch");
  const bare = fixtureRecord({ device: "cpu" });
  assert.equal(limitOf({ ...bare, bytes: null, rates: { ...bare.rates, roofline: null } }).by, "unknown");
});

const lensMetrics = {
  "l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum": 100,
  "l1tex__t_requests_pipe_lsu_mem_global_op_st.sum": 100,
  "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum": 3200,
  "l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum": 400,
  "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum": 60,
  "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_st.sum": 40,
  "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum": 25,
  "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum": 0,
  "smsp__sass_thread_inst_executed_op_fadd_pred_on.sum": 10,
  "smsp__sass_thread_inst_executed_op_fmul_pred_on.sum": 20,
  "smsp__sass_thread_inst_executed_op_ffma_pred_on.sum": 30,
};
const byLens = [{ ...counters(lensMetrics)[0], source: "lens" as const, traced: 0.5 }];

test("the lens's counts stand in the record, marked, and are never taken for the hardware's", () => {
  const lensed = record(2.09e9, 99e9, { counters: byLens });
  assert.deepEqual(hardwareCounters(lensed), []);
  assert.equal(countedBytes(lensed), null);
  assert.equal(utilizationOf(lensed).memory?.source, "model");
  const counts = countsOf(lensed)!;
  assert.deepEqual(
    [
      counts.by,
      counts.traced,
      counts.requests,
      counts.sectors,
      counts.wavefronts,
      counts.conflicts,
      counts.flops,
    ],
    ["lens", 0.5, 200, 3600, 100, 25, 90],
  );
  assert.equal(countsOf(record(1, 1)), null);
  const { why } = limitOf(record(1e8, 1e9, { counters: byLens, resources: launch }));
  assert.match(why, /18\.0 sectors a request to global memory \(by the lens\); 25(\.0)?% of the passes/);
});

test("the report has a table of counters where some were read, with who counted", () => {
  const hardware = fixtureRecord({
    id: "b",
    bytes: 1e6,
  });
  const read = { ...lensMetrics, "dram__bytes_read.sum": 3e6, "dram__bytes_write.sum": 1e6 };
  const records = [
    { ...fixtureRecord({ id: "a" }), counters: byLens },
    { ...hardware, counters: [{ ...counters(read)[0], source: "ncu" as const }] },
  ];
  const { html, markdown, model } = report({ runs: [runDocument("softmax", records)] });
  for (const text of [html, markdown]) {
    assert.match(text, /Counters/);
    assert.match(text, /lens, 50(\.0)?% of the blocks/);
  }
  const rows = counterRows(model.sections[0]!.kernels);
  assert.equal(rows.length, 2);
  const counted = rows.find((r) => r.by === "hardware")!;
  assert.equal(counted.read, "3.00 MB");
  assert.equal(counted["sectors a request"], "18.0");
  const lensOnly = counterRows(model.sections[0]!.kernels.filter((k) => k.record.implementation.id === "a"));
  assert.deepEqual(Object.keys(lensOnly[0]!).includes("read"), false, "no column without a value");
  const none = report({ runs: [runDocument("softmax", [fixtureRecord()])] });
  assert.doesNotMatch(none.html + none.markdown, /Counters/);
});

test("rooflinePlot() places a record by the bytes the hardware counted, as a diamond", () => {
  const plain = fixtureRecord({ flops: 1e9, bytes: 1e8 });
  const read = { "dram__bytes_read.sum": 3e8, "dram__bytes_write.sum": 1e8 };
  const counted = { ...fixtureRecord({ id: "b", flops: 1e9, bytes: 1e8 }), counters: counters(read) };
  const roofs = { bandwidth: 4e12, peak: 64e12 };
  const { svg, caption } = rooflinePlot([plain, counted], roofs);
  assert.match(caption!, /Diamonds: by the bytes that hardware counters saw/);
  assert.match(svg, /at 2\.50 FLOP a byte, bytes as the hardware counted them/);
  assert.match(svg, /at 10\.0 FLOP a byte, bytes that must move/);
  assert.doesNotMatch(rooflinePlot([plain], roofs).caption!, /Diamonds/);
});
