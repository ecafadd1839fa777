import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { findNcu, joinRows } from "kernel-lab/dist/bench/counters";
import { replayProgram, runNcu, runProgram } from "kernel-lab/dist/bench/ncu";
import { parseNcuCsv } from "kernel-lab/dist/bench/ncuCsv";
import { quantityOf } from "kernel-lab/dist/record/counterMetrics";
import { saveReplay } from "kernel-lab/dist/runtime/replay";
import { fakeNcu, ncuTable, onFakeGpu, whyNoNvrtc } from "./fakeNcu";

const sectors = "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum";
const fma = "smsp__sass_thread_inst_executed_op_ffma_pred_on.sum";
const table = (kernel: string) =>
  ncuTable({ [sectors]: "sector", [fma]: "inst" }, [{ kernel, values: ["1,048,576", "512"] }]);

let device: lab.Device;
let folder: string;
before(async () => {
  device = await lab.open("cpu", { workers: 1 });
  folder = mkdtempSync(join(tmpdir(), "lab-counters-"));
});
after(async () => {
  await device.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = (ncu: string, replay: string, more: object = {}) =>
  runNcu({ ncu, metrics: [sectors, fma], folder: replay, timeLimit: 60, ...more });

test("parseNcuCsv() reads numbers with thousands apart, units and ncu's gaps", () => {
  const text = ncuTable({ [sectors]: "sector", [fma]: "" }, [
    { kernel: "_Z4scalePf", values: ["1,048,576", "n/a"] },
    { kernel: "copy", values: ["12", "0.5"] },
  ]);
  assert.deepEqual(parseNcuCsv(text), [
    {
      kernel: "_Z4scalePf",
      metrics: { [sectors]: 1048576, [fma]: null },
      units: { [sectors]: "sector", [fma]: "" },
    },
    { kernel: "copy", metrics: { [sectors]: 12, [fma]: 0.5 }, units: { [sectors]: "sector", [fma]: "" } },
  ]);
  assert.throws(() => parseNcuCsv("==ERROR== something\n"), { code: "ncu-unreadable" });
});

test("a replay repeats launches in order with the same inputs, views, structs and variables", async () => {
  const source = `
struct Pair { const float* at; int n; };
__constant__ float weight[2];
extern "C" __global__ void twice(float* x, int n) { if (threadIdx.x < n) x[threadIdx.x] *= 2; }
extern "C" __global__ void tell(Pair p, float* y) {
  float sum = 0;
  for (int i = 0; i < p.n; i++) sum += p.at[i] * weight[1];
  printf("sum %g of %d, y %g\\n", sum, p.n, y[0]);
}`;
  const module = await device.compileModule(source);
  const x = device.tensor([1, 2, 3, 4, 5, 6], [3, 2]);
  const y = device.full([4], 7);
  await (await module.symbol("weight")).write([0, 10]);
  const launches = [
    { kernel: module.kernel("twice"), config: { grid: 1, block: 32 }, args: [x.slice(1, 2), 2] },
    { kernel: module.kernel("tell"), config: { grid: 1, block: 1 }, args: [{ at: x, n: 6 }, y] },
  ];
  const at = join(folder, "order");
  await saveReplay(at, launches);
  const end = await runProgram(process.execPath, [replayProgram, at], 60, process.env);
  assert.equal(end.output, "sum 280 of 6, y 7\n");
  assert.equal(end.code, 0);
  assert.deepEqual([...(await x.read())], [1, 2, 3, 4, 5, 6], "nothing was launched here");
});

test("runNcu() runs the replay under ncu with the clocks left alone and answers its rows", async (t) => {
  const kernel = await device.compile(
    `extern "C" __global__ void hello(int n) { printf("hello %d\\n", n); }`,
  );
  const at = join(folder, "hello");
  await saveReplay(at, [{ kernel, config: { grid: 1, block: 1 }, args: [5] }]);
  const ncu = fakeNcu({ log: table("hello") });
  t.after(ncu.remove);
  const rows = await run(ncu.path, at);
  assert.equal(rows[0]?.metrics[sectors], 1048576);
  const said = readFileSync(join(ncu.folder, "arguments"), "utf8");
  assert.match(said, /--clock-control none/);
  assert.match(said, new RegExp(`--metrics ${sectors},${fma}`));
});

test("runNcu() tells refusals, unknown metrics, faults and time limits apart", async (t) => {
  const kernel = await device.compile('extern "C" __global__ void wild(int* x, long long at) { x[at] = 1; }');
  const x = device.zeros([32], { dtype: "i32" });
  const config = { grid: 1, block: 1 };
  const fine = join(folder, "fine");
  await saveReplay(fine, [{ kernel, config, args: [x, 0] }]);
  const wild = join(folder, "wild");
  await saveReplay(wild, [{ kernel, config, args: [x, 2 ** 40] }]);
  const cases = [
    {
      code: "counters-forbidden",
      message: /NVreg_RestrictProfilingToAdminUsers=0/,
      answer: { log: "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access\n", code: 1 },
    },
    {
      code: "unknown-metric",
      message: /op_ffma_pred_on/,
      answer: { log: `==ERROR== Failed to find metric ${fma}\n`, code: 1, runs: false },
    },
    {
      code: "unknown-metric",
      message: /op_ffma_pred_on/,
      answer: { log: ncuTable({ [sectors]: "sector" }, [{ kernel: "wild", values: ["4"] }]) },
    },
    {
      code: "ncu-failed",
      message: /LaunchFailed/,
      answer: { log: "==ERROR== LaunchFailed\n", code: 9, runs: false },
    },
    {
      code: "ncu-failed",
      message: /LibraryNotLoaded/,
      answer: { log: "==ERROR== LibraryNotLoaded\n", code: 1 },
    },
    {
      code: "ncu-unreadable",
      message: /no table/,
      answer: { log: "==WARNING== No kernels were profiled.\n" },
    },
    { code: "time-limit", message: /0\.3 s/, answer: { log: "", sleeps: 30 }, timeLimit: 0.3 },
  ];
  for (const { code, message, answer, timeLimit } of cases) {
    const ncu = fakeNcu(answer);
    t.after(ncu.remove);
    await assert.rejects(run(ncu.path, fine, timeLimit ? { timeLimit } : {}), { code, message });
  }
  const ncu = fakeNcu({ log: table("wild"), code: 1 });
  t.after(ncu.remove);
  await assert.rejects(run(ncu.path, wild), { code: "illegal-address", message: /Replaying the launch/ });
  // As ncu 2025.3 does: it ends the replay before that can tell of its fault.
  const hasty = fakeNcu({ log: "==ERROR== LaunchFailed\n", code: 9, runs: false });
  t.after(hasty.remove);
  await assert.rejects(run(hasty.path, wild), { code: "illegal-address", message: /Replaying the launch/ });
  await assert.rejects(run(join(folder, "absent"), fine), { code: "cannot-start" });
});

test("joinRows() holds ncu's rows against the launches", async () => {
  const kernel = await device.compile('extern "C" __global__ void scale(float* x) { x[0] *= 2; }');
  const launch = { kernel, config: { grid: 1, block: 1 }, args: [] };
  const rows = parseNcuCsv(table(kernel.attributes.symbol));
  const [counters] = joinRows([launch], rows, [sectors, fma]);
  assert.deepEqual(counters?.metrics, { [sectors]: 1048576, [fma]: 512 });
  assert.throws(() => joinRows([launch, launch], rows, [sectors]), { code: "ncu-unreadable" });
  assert.throws(() => joinRows([launch], parseNcuCsv(table("other")), [sectors]), { code: "ncu-unreadable" });
  assert.throws(() => joinRows([launch], rows, ["dram__bytes.sum"]), { code: "unknown-metric" });
});

test("quantityOf() counts an FMA twice, and answers null where a metric is missing", () => {
  const flops = lab.counterQuantities.find(({ id }) => id === "flops")!;
  const op = (name: string) => `smsp__sass_thread_inst_executed_op_${name}_pred_on.sum`;
  assert.equal(quantityOf(flops, { [op("fadd")]: 3, [op("fmul")]: 5, [op("ffma")]: 10 }), 28);
  assert.equal(quantityOf(flops, { [op("fadd")]: 3, [op("fmul")]: 5 }), null);
});

test("counters() needs a GPU, and says what to use without one", async () => {
  const kernel = await device.compile('extern "C" __global__ void idle() {}');
  await assert.rejects(lab.counters(kernel, { grid: 1, block: 1 }, []), {
    code: "needs-gpu",
    message: /lab\.lens/,
  });
});

test("counters() reads them through ncu on PATH, from a replay on the same driver", async (t) => {
  const missing = await whyNoNvrtc();
  if (missing) return t.skip(missing);
  const { end, answer, launches } = await onFakeGpu(
    `const kernel = await device.compile('extern "C" __global__ void scale(float* x, int n) { x[0] *= n; }');
    const x = device.zeros([64]);
    return lab.counters(kernel, { grid: 2, block: 64 }, [x, 2], { metrics: ["${sectors}"] });`,
    table("scale"),
  );
  assert.equal(end.code, 0, end.output);
  assert.deepEqual((answer as lab.Counters).metrics, { [sectors]: 1048576 });
  assert.equal((answer as lab.Counters).device, "Fake H200");
  assert.equal(launches.length, 1, "launched once, in the replay");
  assert.match(launches[0] ?? "", /launch scale grid 2,1,1 block 64,1,1/);
});

test("findNcu() names where it looked", () => {
  const path = process.env.PATH;
  process.env.PATH = "/nonexistent";
  try {
    assert.throws(findNcu, { code: "no-ncu", message: /CUDA_HOME/ });
  } catch (error) {
    // A machine whose toolkit has ncu finds it without PATH.
    assert.ok(findNcu(), String(error));
  } finally {
    process.env.PATH = path;
  }
});
