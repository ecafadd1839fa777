import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { fixture, ints, numbers, range } from "./simt";

let dev: lab.Device;
let unit: lab.Module;
let printed = "";
before(async () => {
  dev = await lab.open("cpu", { workers: 2, timeLimit: 20, onPrintf: (text) => (printed += text) });
  unit = await fixture(dev, "blocks", [
    "indices",
    "reversed<float, 96>",
    "reversed<double, 33>",
    "dynamic",
    "rows",
    "counting",
    "leaving",
    "variables",
    "bounded<32>",
    "bounded_plain",
    "structs",
    "unrolled",
    "speaking",
    "clocks",
    "spaces",
    "too_much_static",
  ]);
});
after(() => dev.close());

test("three-dimensional grids and blocks", async () => {
  const out = dev.full([12 * 24], -1, { dtype: "i32" });
  await unit.kernel("indices").launch({ grid: [2, 3, 2], block: [4, 3, 2] }, out);
  const expected = range(12 * 24, (i) => {
    const t = i % 24;
    return Math.floor(i / 24) * 10000 + Math.floor(t / 12) * 100 + (Math.floor(t / 4) % 3) * 10 + (t % 4);
  });
  assert.deepEqual(await ints(out), expected);
});

test("templates with static shared memory, two instances of one module", async () => {
  const x = dev.arange([3 * 96]);
  const y = dev.zeros([3 * 96]);
  await unit.kernel("reversed<float, 96>").launch({ grid: 3, block: 96 }, x, y);
  assert.deepEqual(
    await numbers(y),
    range(288, (i) => Math.floor(i / 96) * 96 + 95 - (i % 96)),
  );
  const kernel = unit.kernel("reversed<double, 33>");
  assert.equal(kernel.attributes.staticShared, 33 * 8 + 16);
  const x2 = dev.arange([66], { dtype: "f64" });
  const y2 = dev.zeros([66], { dtype: "f64" });
  await kernel.launch({ grid: 2, block: 33 }, x2, y2);
  assert.equal((await y2.read())[1], 31);
});

test("extern shared memory in a function and at namespace scope is one array", async () => {
  const x = dev.tensor(
    range(50, (i) => i * 3),
    [50],
    "f32",
  );
  const y = dev.zeros([50]);
  await unit.kernel("dynamic").launch({ grid: 1, block: 50, shared: 200 }, x, y, 50);
  assert.deepEqual(
    await numbers(y),
    range(50, (i) => ((i + 1) % 50) * 3 + i * 3),
  );
});

test("extern shared memory of two dimensions", async () => {
  const y = dev.zeros([1024]);
  await unit.kernel("rows").launch({ grid: 1, block: [32, 32], shared: 32 * 33 * 4 }, y);
  assert.deepEqual(
    await numbers(y),
    range(1024, (i) => (i % 32) * 100 + Math.floor(i / 32)),
  );
});

test("__syncthreads_count, _and, _or", async () => {
  const out = dev.zeros([300], { dtype: "i32" });
  await unit.kernel("counting").launch({ grid: 1, block: 100 }, out);
  assert.deepEqual(await ints(out), [
    ...range(100, () => 34),
    ...range(100, () => 10),
    ...range(100, () => 10),
  ]);
});

test("threads that exit before a barrier count as arrived", async () => {
  const out = dev.zeros([40], { dtype: "i32" });
  await unit.kernel("leaving").launch({ grid: 4, block: 96 }, out);
  assert.deepEqual(
    await ints(out),
    range(40, () => 40),
  );
});

test("constants and globals are reached by name, and keep what kernels write", async () => {
  const weights = await unit.symbol("weights");
  await weights.write([1, 2, 3, 4]);
  const table = await unit.symbol("ns::table", "f64");
  await table.write([0, 100, 0]);
  const folded = await unit.symbol("folded", "i32");
  await folded.write([1000]);
  const out = dev.zeros([4]);
  await unit.kernel("variables").launch({ grid: 1, block: 4 }, out);
  assert.deepEqual(await numbers(out), [1105, 1110, 1115, 1120]);
  const counter = await unit.symbol("counter", "i32");
  assert.deepEqual(await ints(counter), [6]);
  await assert.rejects(unit.symbol("nothing"), { code: "no-such-symbol" });
});

test("launch bounds are read from template arguments and enforced", async () => {
  const x = dev.zeros([1024], { dtype: "i32" });
  const kernel = unit.kernel("bounded<32>");
  assert.equal(kernel.attributes.maxThreadsPerBlock, 64);
  assert.equal(unit.kernel("bounded_plain").attributes.maxThreadsPerBlock, 64);
  await kernel.launch({ grid: 1, block: 64 }, x);
  assert.equal((await ints(x))[63], 32);
  await assert.rejects(
    async () => {
      await kernel.launch({ grid: 1, block: 65 }, x);
      await dev.sync();
    },
    { code: "invalid-launch" },
  );
});

test("structs, bools and chars are passed by C's layout", async () => {
  const out = dev.zeros([1], { dtype: "f64" });
  await unit
    .kernel("structs")
    .launch({ grid: 1, block: 1 }, { tag: 3, value: 1.25, both: { x: -1, y: 10 } }, 7, out, true);
  assert.equal((await out.read())[0], 3 + 1.25 - 1 + 10 + 7 + 0.5);
});

test("#pragma unroll, __ldg, __restrict__, forced and forbidden inlining", async () => {
  const x = dev.arange([8]);
  const y = dev.zeros([1]);
  await unit.kernel("unrolled").launch({ grid: 1, block: 1 }, x, y);
  assert.equal((await y.read())[0], 64);
});

test("printf writes what C's would", async () => {
  await unit.kernel("speaking").launch({ grid: 1, block: 40 }, 2.5);
  await dev.sync();
  assert.equal(printed, "t0 of 40: 2.50 text   123%\nt1 of 40: 2.50 text   123%\n");
});

test("clocks go forward", async () => {
  const out = dev.zeros([2], { dtype: "i64" });
  await unit.kernel("clocks").launch({ grid: 1, block: 1 }, out);
  assert.deepEqual(Array.from((await out.read()) as BigInt64Array), [1n, 1n]);
});

test("address spaces are told apart", async () => {
  const out = dev.zeros([4], { dtype: "i32" });
  await unit.kernel("spaces").launch({ grid: 1, block: 1, shared: 24 }, out);
  assert.deepEqual(await ints(out), [100, 100, 1, 10]);
});

test("more than 48 KiB of static shared memory is refused, and counts in the occupancy", async () => {
  const kernel = unit.kernel("too_much_static");
  assert.equal(kernel.attributes.staticShared, 12289 * 4);
  await assert.rejects(
    async () => {
      await kernel.launch({ grid: 1, block: 32 }, dev.zeros([1]));
      await dev.sync();
    },
    (error: unknown) => error instanceof lab.LabError && /49156/.test(error.message),
  );
  assert.equal((await kernel.occupancy(32, 0)).blocksPerMultiprocessor, 4);
  assert.equal((await unit.kernel("indices").occupancy(256, 0)).blocksPerMultiprocessor, 8);
});

test("a kernel's static shared memory is what it and the functions it reaches declare, and nobody else's", async () => {
  const device = await lab.open("cpu");
  const module = await device.compileModule(`
extern __shared__ float whole[];
template <int N> __device__ __noinline__ float spread(float x) {
  __shared__ float tile[N];
  tile[threadIdx.x] = x;
  __syncthreads();
  return tile[N - 1 - threadIdx.x];
}
__device__ __noinline__ float twice(float x) { return spread<64>(x) + spread<64>(x); }
extern "C" __global__ void narrow(float* x) { x[threadIdx.x] = twice(x[threadIdx.x]); }
extern "C" __global__ void wide(float* x) { x[threadIdx.x] = spread<1024>(x[threadIdx.x]) + whole[0]; }
extern "C" __global__ void own(float* x) { __shared__ double pair[2]; pair[threadIdx.x & 1] = 1; x[0] = pair[0]; }
extern "C" __global__ void none(float* x) { x[0] = 1; }`);
  const bytes = Object.values(module.kernels).map((kernel) => [kernel.name, kernel.attributes.staticShared]);
  assert.deepEqual(Object.fromEntries(bytes), { narrow: 256, wide: 4096, own: 16, none: 0 });
  await device.close();
});
