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

async function numbers(tensor: lab.Tensor): Promise<number[]> {
  return Array.from((await tensor.read()) as Float32Array);
}

test("a traced launch computes what the plain one does, and leaves the tensors alone unless asked", async () => {
  const x = dev.randn([64], { seed: 3 });
  const plain = dev.zeros([64]);
  const traced = dev.zeros([64]);
  await kernels.kernel("shuffles").launch({ grid: 1, block: 64 }, x, plain);
  await lab.lens(kernels.kernel("shuffles"), { grid: 1, block: 64 }, x, traced);
  assert.deepEqual(await numbers(traced), Array(64).fill(0));
  await lab.lens(kernels.kernel("shuffles"), { grid: 1, block: 64, lens: { keep: true } }, x, traced);
  assert.deepEqual(await numbers(traced), await numbers(plain));
});

test("a variable that the notebook set is set for the traced launch too", async () => {
  const y = dev.zeros([32]);
  await (await kernels.symbol("offset")).write([40]);
  await lab.lens(kernels.kernel("variables"), { grid: 1, block: 32, lens: { keep: true } }, y);
  assert.deepEqual((await numbers(y)).slice(0, 4), [41, 42, 43, 44]);
});

test("a sample of blocks counts those alone, says so, and the rest runs all the same", async () => {
  const y = dev.zeros([64 * 32]);
  const x = dev.full([64 * 32], 2);
  const launch = { grid: 64, block: 32, lens: { sample: 4, keep: true } };
  const report = await lab.lens(kernels.kernel("copy"), launch, x, y, 1, 0);
  assert.equal(report.sampled, true);
  assert.deepEqual(report.blocks, { total: 64, traced: [0, 21, 42, 63] });
  assert.equal(report.totals["l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum"], 4);
  assert.deepEqual(await numbers(y), Array(64 * 32).fill(2));
  const chosen = await lab.lens(
    kernels.kernel("copy"),
    { grid: 64, block: 32, lens: { blocks: [7, 3] } },
    x,
    y,
    1,
    0,
  );
  assert.deepEqual(chosen.blocks.traced, [3, 7]);
  await assert.rejects(
    lab.lens(kernels.kernel("copy"), { grid: 64, block: 32, lens: { blocks: [64] } }, x, y, 1, 0),
    (error: lab.LabError) =>
      error.code === "invalid-argument" && /block 64 was asked for, the grid has 64/.test(error.message),
  );
});

test("a trace that grows too large says how to take a sample", async () => {
  const x = dev.zeros([64 * 32]);
  const launch = { grid: 64, block: 32, lens: { maxAccesses: 1000 } };
  await assert.rejects(
    lab.lens(kernels.kernel("copy"), launch, x, x, 1, 0),
    (error: lab.LabError) =>
      error.code === "trace-too-large" && /more than 1000 .*sample/s.test(error.message),
  );
});

test("a kernel that faults, hangs or never ends costs the trace, not the device", async () => {
  const y = dev.full([32], 7);
  const flag = dev.zeros([1], { dtype: "i32" });
  const cases: [name: string, code: string, line: RegExp, tensor: lab.Tensor][] = [
    ["beyond", "illegal-address", /y\[threadIdx\.x \+ \(1 << 28\)\]/, y],
    ["stuck", "deadlock", /__sync/, y],
    ["spin", "time-limit", /while \(atomicAdd/, flag],
  ];
  for (const [name, code, line, tensor] of cases) {
    await assert.rejects(
      lab.lens(kernels.kernel(name), { grid: 1, block: 32, lens: { timeLimit: 1 } }, tensor),
      (error: lab.LabError) => {
        assert.equal(error.code, code, error.message);
        assert.match(source.split("\n")[(error.line?.line ?? 1) - 1]!, line, error.message);
        return true;
      },
    );
  }
  assert.deepEqual(await numbers(y), Array(32).fill(7));
});

test("a report is plain data, with the source's lines and their text", async () => {
  const report = await lab.lens(
    kernels.kernel("wide"),
    { grid: 1, block: 32 },
    dev.zeros([128]),
    dev.zeros([128]),
  );
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  const lines = source.split("\n");
  for (const { line, text } of report.lines) assert.equal(text, lines[line - 1]);
  assert.deepEqual(report.launch, { grid: [1, 1, 1], block: [32, 1, 1], shared: 0 });
});

test("options that mean nothing are refused before anything runs", async () => {
  for (const lens of [{ sample: 0 }, { maxAccesses: 1.5 }, { blocks: [-1] }, { timeLimit: 0 }]) {
    await assert.rejects(
      lab.lens(kernels.kernel("broadcast"), { grid: 1, block: 32, lens }, dev.zeros([32])),
      (error: lab.LabError) => error.code === "invalid-option",
    );
  }
});

test("a rung of the ladder can be looked at as it is", async () => {
  const coalesced = await dev.compileFile("matmul/02_coalesced.cu");
  const a = dev.randn([64, 64]);
  const report = await lab.lens(
    coalesced,
    { grid: [2, 2], block: [32, 32] },
    a,
    a,
    dev.zeros([64, 64]),
    64,
    64,
    64,
  );
  // 64^3 multiply-adds and nothing else; what the file says: 4 sectors of B and 1 of A a warp and step.
  assert.equal(report.summary.flops.fp32, 2 * 64 ** 3);
  const steps = (4 * 32 * 64 * 32) / 32;
  assert.equal(report.totals["l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum"], steps * 5);
});
