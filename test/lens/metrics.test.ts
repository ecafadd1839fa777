import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { source } from "./kernels";

let dev: lab.Device;
let kernels: lab.Module;
before(async () => {
  dev = await lab.open("cpu", { workers: 1 });
  kernels = await dev.compileModule(source, { fileName: "kernels.cu" });
});
after(() => dev.close());

type Args = lab.KernelArg[];

function see(name: string, launch: lab.LensLaunch, ...args: Args): Promise<lab.LensReport> {
  return lab.lens(kernels.kernel(name), launch, ...args);
}

/** The only requests of a kind to a memory; of several, all of them. */
function requests(report: lab.LensReport, kind: lab.AccessKind, space: lab.MemorySpace): lab.LensRequests[] {
  return report.lines
    .flatMap((line) => line.requests)
    .filter((one) => one.kind === kind && one.space === space);
}

function only(report: lab.LensReport, kind: lab.AccessKind, space: lab.MemorySpace): lab.LensRequests {
  const found = requests(report, kind, space);
  assert.equal(found.length, 1, `${found.length} instructions ${kind} ${space}`);
  return found[0]!;
}

const sectors = "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum";
const conflicts = "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum";
const wavefronts = "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum";

test("a copy asks for 4 sectors a request, and for as many more as its stride spreads it over", async () => {
  const x = dev.zeros([256 * 32 + 8]);
  const y = dev.zeros([256]);
  // 32 lanes of 4 bytes: one sector holds 8, 4, 1 and 1 of them; an offset of one word touches a fifth.
  const expected: [stride: number, offset: number, sectorsEach: number][] = [
    [1, 0, 4],
    [2, 0, 8],
    [8, 0, 32],
    [32, 0, 32],
    [1, 1, 5],
    [0, 0, 1],
  ];
  for (const [stride, offset, each] of expected) {
    const report = await see("copy", { grid: 2, block: 128 }, x, y, stride, offset);
    assert.equal(report.totals["l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum"], 8, `stride ${stride}`);
    assert.equal(report.totals[sectors], 8 * each, `stride ${stride}, offset ${offset}`);
    assert.equal(report.totals["l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum"], 32);
    assert.equal(report.summary.bytesAsked, 2 * 256 * 4);
    assert.equal(report.summary.bytesMoved, (8 * each + 32) * 32);
  }
});

test("the worst request of an instruction is kept with the tensor it asked", async () => {
  const x = dev.zeros([2048]);
  const report = await see("copy", { grid: 1, block: 32 }, x, dev.zeros([32]), 2, 1);
  const { exemplar } = only(report, "ld", "global");
  assert.equal(exemplar.memory, "x");
  assert.deepEqual(exemplar.offsets.slice(0, 4), [4, 12, 20, 28]);
  assert.equal(exemplar.cost, 8);
  assert.equal(exemplar.ideal, 4);
  assert.equal(only(report, "st", "global").exemplar.memory, "y");
});

test("a float4 is one access of 16 bytes, four floats are four, a struct without alignment is its members", async () => {
  const x = dev.zeros([1024]);
  const y = dev.zeros([1024]);
  const wide = await see("wide", { grid: 1, block: 256 }, x.as("f32"), y);
  for (const kind of ["ld", "st"] as const) {
    const one = only(wide, kind, "global");
    assert.deepEqual([one.width, one.requests, one.cost, one.ideal], [16, 8, 128, 128]);
  }
  const scalars = await see("scalars", { grid: 1, block: 256 }, x, y);
  const loads = requests(scalars, "ld", "global");
  assert.deepEqual(
    loads.map((one) => [one.width, one.requests, one.cost]),
    Array(4).fill([4, 8, 128]),
  );
  const pairs = await see("pairs", { grid: 1, block: 256 }, x, y);
  assert.equal(pairs.totals["l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum"], 16);
  assert.equal(pairs.totals[sectors], 128);
});

test("a copy by the library is told in the widest pieces that both ends allow", async () => {
  const x = dev.arange([256]);
  const y = dev.zeros([256]);
  const report = await see("library", { grid: 1, block: 32, lens: { keep: true } }, x, y, 24);
  const pieces = requests(report, "ld", "global").map((one) => [one.width, one.requests]);
  assert.deepEqual(pieces, [
    [8, 1],
    [16, 1],
  ]);
  assert.deepEqual(Array.from(((await y.read()) as Float32Array).slice(0, 9)), [0, 1, 2, 3, 4, 5, 0, 0, 8]);
});

test("shared memory of 4 bytes: a bank conflict is every word beyond the first of a bank", async () => {
  const y = dev.zeros([32]);
  const expected: [stride: number, pad: number, wavefronts: number][] = [
    [1, 0, 1],
    [2, 0, 2],
    [4, 0, 4],
    [32, 0, 32],
    [33, 1, 1],
  ];
  for (const [stride, pad, needed] of expected) {
    const report = await see("shared4", { grid: 1, block: 32 }, y, stride, pad);
    assert.equal(report.totals[wavefronts], needed, `stride ${stride}`);
    assert.equal(report.totals[conflicts], needed - 1, `stride ${stride}`);
    assert.equal(report.totals[conflicts.replace("_ld", "_st")], needed - 1, `stride ${stride}`);
  }
  const report = await see("broadcast", { grid: 1, block: 32 }, y);
  assert.equal(report.totals[wavefronts], 1);
});

test("shared memory of 8 and 16 bytes goes by half and quarter warps", async () => {
  const d = dev.zeros([32], { dtype: "f64" });
  const f = dev.zeros([128]);
  for (const [stride, needed] of [
    [1, 2],
    [2, 4],
    [16, 32],
  ] as const) {
    const report = await see("shared8", { grid: 1, block: 32 }, d, stride);
    assert.equal(report.totals[wavefronts], needed, `8 bytes, stride ${stride}`);
    assert.equal(report.totals[conflicts], needed - 2, `8 bytes, stride ${stride}`);
  }
  for (const [stride, needed] of [
    [1, 4],
    [2, 8],
    [8, 32],
  ] as const) {
    const report = await see("shared16", { grid: 1, block: 32 }, f, stride);
    assert.equal(report.totals[wavefronts], needed, `16 bytes, stride ${stride}`);
    assert.equal(report.totals[conflicts], needed - 4, `16 bytes, stride ${stride}`);
  }
});

test("an if that half of the lanes take splits each warp once and joins behind it", async () => {
  const report = await see("halves", { grid: 1, block: 256 }, dev.zeros([256]), dev.zeros([512]));
  assert.equal(report.summary.divergentBranches, 8);
  const stores = requests(report, "st", "global");
  assert.deepEqual(
    stores.map((one) => [one.requests, one.activeLanes]),
    [
      [8, 16],
      [8, 16],
      [8, 32],
    ],
  );
});

test("lanes that leave a loop at different times wait behind it", async () => {
  const report = await see("trips", { grid: 1, block: 32 }, dev.zeros([1024]), dev.zeros([32]));
  // Trip k is made by the lanes above k: 31 requests of 31, 30 ... 1 lanes, all of one address.
  const load = only(report, "ld", "global");
  assert.deepEqual([load.requests, load.activeLanes, load.cost], [31, 16, 31]);
  const store = only(report, "st", "global");
  assert.deepEqual([store.requests, store.activeLanes], [1, 32]);
  assert.equal(report.summary.divergentBranches, 31);
});

test("the last warp of a grid asks with the lanes it has", async () => {
  const report = await see("tail", { grid: 2, block: 64 }, dev.zeros([100]), dev.zeros([100]), 100);
  const load = only(report, "ld", "global");
  assert.deepEqual([load.requests, load.activeLanes * load.requests, load.cost], [4, 100, 13]);
  assert.equal(report.summary.divergentBranches, 1);
});

test("an atomic is one request; one whose answer nobody uses is a reduction", async () => {
  const x = dev.tensor(
    Array.from({ length: 32 }, (_, i) => i % 8),
    [32],
    "i32",
  );
  const report = await see(
    "count",
    { grid: 1, block: 32 },
    x,
    dev.zeros([16], { dtype: "i32" }),
    dev.zeros([32], { dtype: "i32" }),
  );
  const red = only(report, "red", "global");
  assert.deepEqual([red.requests, red.activeLanes, red.cost], [1, 32, 1]);
  assert.equal(only(report, "atom", "global").requests, 1);
});

test("arithmetic is counted by type, special functions as the GPU spells them", async () => {
  const h = dev.zeros([64], { dtype: "f16" });
  const d = dev.zeros([64], { dtype: "f64" });
  const report = await see("arithmetic", { grid: 1, block: 32 }, dev.full([64], 1), d, h, dev.zeros([32]));
  const of = (line: RegExp) => report.lines.find(({ text }) => line.test(text))?.operations;
  assert.deepEqual(of(/x\[i \+ 2\]/), { ffma: 32 });
  assert.deepEqual(of(/3\.0f/), { fadd: 32 });
  assert.deepEqual(of(/x\[i \+ 3\]/), { fmul: 32 });
  assert.deepEqual(of(/x\[i \+ 4\]/), { ffma: 5 * 32, special: 32 });
  assert.deepEqual(of(/expf/), { ffma: 4 * 32, fadd: 32, fmul: 32, special: 32 });
  assert.deepEqual(of(/1\.0;/), { dfma: 32 });
  assert.deepEqual(of(/__hfma/), { hfma: 32 });
  assert.equal(report.totals["smsp__sass_thread_inst_executed_op_fadd_pred_on.sum"], 4 * 32);
  assert.deepEqual(report.summary.flops, { fp32: 32 * (4 + 2 + 20), fp64: 64, fp16: 128 });
});

test("a division of one is a reciprocal, as NVRTC makes it", async () => {
  const report = await see("quotients", { grid: 1, block: 32 }, dev.full([64], 1), dev.zeros([32]));
  const of = (line: RegExp) => report.lines.find(({ text }) => line.test(text))?.operations;
  assert.deepEqual(of(/float f/), { ffma: 2 * 32, fadd: 32, special: 32 });
  assert.deepEqual(of(/float g/), { ffma: 5 * 32, special: 32 });
  assert.equal(of(/float h/)?.ffma, 2 * 5 * 32, "beside another division it is not told apart");
});

test("structures that functions take and answer by value are loads and stores", async () => {
  const report = await see("by_value", { grid: 1, block: 32 }, dev.full([128], 1), dev.zeros([128]), 128);
  const asked = (kind: lab.AccessKind, space: lab.MemorySpace) =>
    requests(report, kind, space)
      .map((one) => `${one.requests} of ${one.width}`)
      .sort();
  assert.deepEqual(asked("st", "shared"), ["1 of 16", "1 of 8"]);
  assert.deepEqual(asked("ld", "shared"), ["1 of 16", "4 of 8"]);
  assert.deepEqual(asked("ld", "global"), ["1 of 16", "1 of 4"]);
  assert.deepEqual(asked("st", "global"), ["1 of 16"]);
});

test("an asynchronous copy reads global memory and writes shared memory when it is issued", async () => {
  const report = await see("staged", { grid: 1, block: 32 }, dev.zeros([128]), dev.zeros([32]));
  const read = only(report, "ldgsts", "global");
  assert.deepEqual([read.width, read.requests, read.cost], [16, 1, 16]);
  const write = only(report, "ldgsts", "shared");
  assert.deepEqual([write.width, write.requests, write.cost], [16, 1, 4]);
  assert.equal(report.totals[sectors], 16, "ncu counts it among the loads");
  // The read of one word of each float4: lanes 8 apart meet in a bank.
  assert.equal(report.totals[conflicts], 3);
});

test("ldmatrix takes a wavefront a matrix when its rows fall into different banks; mma counts tensor operations", async () => {
  const words = dev.zeros([32 * 72], { dtype: "bf16" });
  const y = dev.zeros([32]);
  for (const [pitch, needed] of [
    [72, 4],
    [64, 32],
  ] as const) {
    const report = await see("tensor", { grid: 1, block: 32 }, words, y, pitch);
    const rows = only(report, "ldsm", "shared");
    assert.deepEqual([rows.requests, rows.cost, rows.ideal], [1, needed, 4], `pitch ${pitch}`);
    assert.deepEqual(report.summary.tensor, { bf16: 2 * 16 * 8 * 16 });
  }
});

test("a __device__ variable is global memory, a __constant__ one is not", async () => {
  const report = await see("variables", { grid: 1, block: 32 }, dev.zeros([32]));
  const global = only(report, "ld", "global");
  assert.deepEqual([global.exemplar.memory, global.requests, global.cost], ["offset", 1, 1]);
  assert.equal(only(report, "ld", "module").exemplar.memory, "factors");
});

test("what the headers do for a shuffle is no access of the kernel, and its sum no branch that splits", async () => {
  const report = await see("shuffles", { grid: 1, block: 64 }, dev.zeros([64]), dev.zeros([64]));
  assert.equal(requests(report, "ld", "unknown").length, 0);
  assert.equal(report.accesses, 128);
  assert.equal(report.totals["smsp__sass_thread_inst_executed_op_fadd_pred_on.sum"], 5 * 64);
  assert.equal(report.summary.divergentBranches, 0);
});

test("barriers are counted at their line", async () => {
  const report = await see("broadcast", { grid: 3, block: 32 }, dev.zeros([32]));
  const line = report.lines.find(({ text }) => text.includes("__syncthreads"))!;
  assert.deepEqual(line.barriers, { warps: 3, threads: 96 });
});
