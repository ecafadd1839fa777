import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { lensCounters, readCounters, unreadCounters, unreadNote } from "kernel-lab/dist/bench/recordCounters";
import { recordMetrics } from "kernel-lab/dist/record/counterMetrics";
import { counterSchema } from "kernel-lab/dist/record/schema";
import { ncuTable, onFakeGpu, whyNoNvrtc } from "./fakeNcu";

const loads = "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum";
const stores = "l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum";
const n = 4096;

let device: lab.Device;
before(async () => {
  device = await lab.open("cpu", { workers: 1 });
});
after(() => device?.close());

const copying = `extern "C" __global__ void copy(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i];
}`;

async function launchOf(size = n) {
  const kernel = await device.compile(copying);
  const args = [device.randn([size], { seed: 1 }), device.empty([size]), size];
  return { kernel, config: { grid: size / 256, block: 256 }, args };
}

test("measure({ counters }) keeps what the lens counts on the CPU device, marked, and the record still fits its schema", async () => {
  const record = await lab.measure(await launchOf(), { counters: true, samples: 10, warmup: 1 });
  const [found] = record.counters!;
  assert.equal(found!.source, "lens");
  assert.equal(found!.kernel, "copy");
  assert.equal(found!.metrics[loads], n / 8, "a sector is eight floats");
  assert.equal(found!.metrics[stores], n / 8);
  assert.equal(found!.units[loads], "sector");
  assert.equal(found!.traced, undefined);
  counterSchema.parse(found);
  assert.deepEqual(record.notes, []);
});

test("measure() reads no counters unasked, and asks by KERNEL_LAB_COUNTERS", async () => {
  const target = await launchOf();
  assert.equal((await lab.measure(target, { samples: 10, warmup: 1 })).counters, undefined);
  process.env.KERNEL_LAB_COUNTERS = "1";
  try {
    assert.equal((await lab.measure(target, { samples: 10, warmup: 1 })).counters?.length, 1);
    const declined = await lab.measure(target, { samples: 10, warmup: 1, counters: false });
    assert.equal(declined.counters, undefined);
  } finally {
    delete process.env.KERNEL_LAB_COUNTERS;
  }
});

test("a measured function has no counters, and a note says so", async () => {
  const { kernel, config, args } = await launchOf();
  const work = () => kernel.enqueue(config, ...args);
  const record = await lab.measure(work, { device, counters: true, samples: 10, warmup: 1 });
  assert.equal(record.counters, undefined);
  assert.deepEqual(record.notes, [`${unreadNote}a function was measured, not launches`]);
  assert.deepEqual(unreadCounters([record, record]), [
    `work: ${unreadNote}a function was measured, not launches`,
  ]);
});

test("lensCounters() scales the counts of sampled blocks up to all, and says so", async () => {
  const { kernel, config, args } = await launchOf();
  const report = await lab.lens(kernel, { ...config, lens: { sample: 4 } }, ...args);
  const found = lensCounters(report, device.name);
  assert.equal(found.traced, 4 / 16);
  assert.equal(found.metrics[loads], n / 8);
});

test("readCounters() answers why a launch cannot be counted instead of throwing", async () => {
  const kernel = await device.compile(
    `extern "C" __global__ void wild(float* x) { x[threadIdx.x + (1 << 28)] = 1; }`,
  );
  const { counters, notes } = await readCounters([
    { kernel, config: { grid: 1, block: 32 }, args: [device.empty([32])] },
  ]);
  assert.equal(counters, null);
  assert.match(notes[0]!, /^counters not read: .*wild/s);
});

test("on a GPU ncu's counters come into the record; a host that forbids them is said once and asked once", async (t) => {
  const why = await whyNoNvrtc();
  if (why) return t.skip(why);
  const body = `
    const { readCounters } = require(library + "/bench/recordCounters.js");
    const x = device.zeros([64]);
    const kernel = await device.compile('extern "C" __global__ void half(float* x, int n) { if (threadIdx.x < n) x[threadIdx.x] /= 2; }');
    const launches = [{ kernel, config: { grid: 2, block: 64 }, args: [x, 64] }];
    return [await readCounters(launches), await readCounters(launches)];`;
  const units = Object.fromEntries(recordMetrics.map((m) => [m, ""]));
  const values = recordMetrics.map((_, i) => String(i + 1));
  const good = await onFakeGpu(body, ncuTable(units, [{ kernel: "half", values }]));
  assert.equal(good.end.code, 0, good.end.output);
  const [reading] = good.answer as lab.CounterReading[];
  assert.equal(reading!.counters![0]!.source, "ncu");
  assert.equal(
    reading!.counters![0]!.metrics["dram__bytes_read.sum"],
    recordMetrics.indexOf("dram__bytes_read.sum") + 1,
  );
  const closed = await onFakeGpu(body, "==ERROR== ERR_NVGPUCTRPERM - no permission\n");
  const [first, second] = closed.answer as lab.CounterReading[];
  assert.equal(first!.counters, null);
  assert.match(
    first!.notes[0]!,
    /^counters not read: .*closed to this user.*NVreg_RestrictProfilingToAdminUsers/,
  );
  assert.deepEqual(second, first);
});
