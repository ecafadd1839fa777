import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

let dev: lab.Device;
const printed: string[] = [];
before(async () => {
  dev = await lab.open("cpu", { onPrintf: (text) => void printed.push(text) });
});
after(() => dev.close());

const code =
  (expected: string, pattern = /./) =>
  (error: unknown) =>
    lab.LabError.is(error, expected) && pattern.test(error.message);

const saxpySource = `extern "C" __global__ void saxpy(float a, const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}`;

test("a kernel is compiled, launched and read back", async () => {
  const saxpy = await dev.compile(saxpySource);
  const n = 1000;
  const x = dev.arange([n]);
  const y = dev.full([n], 1);
  await saxpy.launch({ grid: lab.ceilDiv(n, 256), block: 256 }, 2, x, y, n);
  const out = (await y.read()) as Float32Array;
  for (let i = 0; i < n; i++) assert.equal(out[i], 2 * i + 1);
  assert.equal(saxpy.name, "saxpy");
  assert.deepEqual(
    saxpy.attributes.params.map(([offset]) => offset),
    [0, 8, 16, 24],
  );
  const again = await dev.compile(saxpySource);
  assert.equal(again.compileInfo.cached, true);
});

test("arguments are checked before the launch", async () => {
  const saxpy = await dev.compile(saxpySource);
  const [x, y] = [dev.zeros([4]), dev.zeros([4])];
  const cfg = { grid: 1, block: 32 };
  assert.throws(() => saxpy.enqueue(cfg, 1, x, y), code("wrong-argument-count", /received 3/));
  assert.throws(
    () => saxpy.enqueue(cfg, 1, x, dev.zeros([4], { dtype: "i32" }), 4),
    code("wrong-dtype", /f32 but received Tensor i32/),
  );
  assert.throws(() => saxpy.enqueue(cfg, 1, 2, y, 4), code("wrong-argument-type"));
  assert.throws(() => saxpy.enqueue({ grid: 0, block: 32 }, 1, x, y, 4), code("invalid-launch"));
  const forgotten = undefined as unknown as lab.LaunchConfig;
  assert.throws(() => saxpy.enqueue(forgotten, 1, x, y, 4), code("invalid-launch", /grid, block.*undefined/));
  assert.throws(
    () => saxpy.enqueue({ grid: 1, block: 32, shared: 2 ** 20 }, 1, x, y, 4),
    code("invalid-launch"),
  );
  const other = await lab.open("cpu", { isolated: false });
  assert.throws(() => saxpy.enqueue(cfg, 1, other.zeros([4]), y, 4), code("wrong-device"));
  await other.close();
  x.free();
  await assert.rejects(saxpy.launch(cfg, 1, x, y, 4), code("freed-tensor"));
});

test("structs, templates, macros and views reach the kernel", async () => {
  const source = `struct Params { int n; float scale; float* out; int2 pad; };
  template <typename T, int N> __global__ void run(Params p, const T* x) {
    int i = threadIdx.x;
    if (i < p.n) p.out[i] = p.scale * float(x[i]) + N + OFFSET + p.pad.y;
  }`;
  const run = await dev.compile(source, { name: "run<double, 10>", defines: { OFFSET: 100 } });
  const out = dev.zeros([8]);
  const x = dev.tensor([1, 2, 3, 4], [4], "f64");
  await run.launch(
    { grid: 1, block: 32 },
    { n: 2, scale: 0.5, out: out.slice(4), pad: [0, 1000] },
    x.slice(1),
  );
  assert.deepEqual(await out.read(), new Float32Array([0, 0, 0, 0, 1111, 1111.5, 0, 0]));
});

test("a module has several kernels and its variables", async () => {
  const module = await dev.compileModule(`__constant__ float table[4]; __device__ int counter;
  __global__ void sum(float* out) { out[0] = table[0] + table[1] + table[2] + table[3]; counter = 41; }
  __global__ void bump() { counter += 1; }`);
  assert.deepEqual(Object.keys(module.kernels), ["sum", "bump"]);
  const table = await module.symbol("table");
  const counter = await module.symbol("counter", "i32");
  await table.write([1, 2, 3, 4]);
  const out = dev.zeros([1]);
  module.kernel("sum").enqueue({ grid: 1, block: 1 }, out);
  module.kernel("bump").enqueue({ grid: 1, block: 1 });
  assert.equal((await out.read())[0], 10);
  assert.equal((await counter.read())[0], 42);
  assert.throws(() => module.kernel(), code("no-such-kernel", /sum, bump/));
  assert.throws(() => module.kernel("nope"), code("no-such-kernel", /nope/));
  await assert.rejects(module.symbol("absent"), (e) => lab.LabError.is(e));
});

test("what kernels print reaches the notebook", async () => {
  const hello = await dev.compile(
    '#include <cstdio>\n__global__ void hello(int n) { if (threadIdx.x == 3) printf("hello %d of %d\\n", threadIdx.x, n); }',
  );
  printed.length = 0;
  await hello.launch({ grid: 1, block: 8 }, 8);
  await dev.sync();
  assert.equal(printed.join(""), "hello 3 of 8\n");
});

test("a syntax error names file and line with a caret, and leaves the device alone", async () => {
  await assert.rejects(
    dev.compile("__global__ void k(float* x) {\n  x[0] = ;\n}", { fileName: "mine.cu" }),
    (e) => lab.LabError.is(e, "compile-error") && /mine\.cu:2/.test(e.message) && /\^/.test(e.message),
  );
  await assert.rejects(dev.compile("__global__ void k() {}", { name: "other" }), code("no-such-kernel"));
  await assert.rejects(
    dev.compile("template <class T> __global__ void k(T* x) {}"),
    code("no-such-kernel", /template/),
  );
  await assert.rejects(dev.compileFile("nowhere/at_all.cu"), code("no-such-file"));
  await dev.sync();
});

test("a graph replays launches", async () => {
  const add = await dev.compile("__global__ void add(float* x, float v) { x[threadIdx.x] += v; }");
  const x = dev.zeros([4]);
  const graph = await dev.graph(() => {
    add.enqueue({ grid: 1, block: 4 }, x, 1);
    add.enqueue({ grid: 1, block: 4 }, x, 10);
  });
  for (let i = 0; i < 5; i++) graph.launch();
  assert.deepEqual(await x.read(), new Float32Array([55, 55, 55, 55]));
});

test("occupancy and the cooperative limit are answered", async () => {
  const saxpy = await dev.compile(saxpySource);
  const occupancy = await saxpy.occupancy(256);
  assert.ok(occupancy.blocksPerMultiprocessor >= 1 && occupancy.fraction > 0 && occupancy.fraction <= 1);
  assert.ok((await saxpy.maxCooperativeBlocks(256)) >= 1);
});

test("enqueueing an empty kernel costs few microseconds through the process", async () => {
  const empty = await dev.compile("__global__ void empty(float* x, int n) {}");
  const x = dev.zeros([1]);
  const config = { grid: 1, block: 1 };
  const rates: number[] = [];
  for (let round = 0; round < 5; round++) {
    await dev.sync();
    const start = performance.now();
    for (let i = 0; i < 20_000; i++) empty.enqueue(config, x, 1);
    const enqueued = performance.now();
    await dev.sync();
    rates.push((enqueued - start) / 20);
    if (round === 4)
      console.log(
        `enqueue ${(Math.min(...rates)).toFixed(2)} us, with execution ${((performance.now() - start) / 20).toFixed(2)} us`,
      );
  }
  assert.ok(Math.min(...rates) < 10, `${rates}`);
});

test("a kernel of a namespace that takes structs of templates and bases runs by its short name", async () => {
  const source = `
    template <class T, int N> struct Pack { T lanes[N]; int used; };
    struct Base { int id; float weight; };
    struct Derived : Base { double more; };
    template <class T> struct Traits { using Wide = double; };
    namespace mine {
    template <class T> __global__ void sum(double* y, Pack<T, 3> p, Derived d, typename Traits<T>::Wide w) {
      y[0] = p.lanes[0] + p.lanes[2] + p.used + d.id + d.weight + d.more + w;
    }
    }`;
  const y = dev.zeros([1], { dtype: "f64" });
  for (const name of ["sum<float>", "mine::sum<short>"]) {
    const kernel = await dev.compile(source, { name });
    kernel.enqueue(
      { grid: 1, block: 1 },
      y,
      { lanes: [1, 2, 4], used: 8 },
      { id: 16, weight: 32, more: 64 },
      128,
    );
    assert.deepEqual([...((await y.read()) as Float64Array)], [253], name);
  }
});
