import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as lab from "kernel-lab";

let dev: lab.Device;
before(async () => {
  dev = await lab.open("cpu");
});
after(() => dev.close());

const code = (expected: string) => (error: unknown) => lab.LabError.is(error, expected);

test("tensor() keeps values, shape and dtype of nested arrays and typed arrays", async () => {
  const x = dev.tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  assert.deepEqual([x.shape, x.strides, x.dtype, x.size, x.nbytes], [[2, 3], [3, 1], "f32", 6, 24]);
  assert.deepEqual(await x.read(), new Float32Array([1, 2, 3, 4, 5, 6]));
  assert.deepEqual(await dev.tensor(new Int32Array([7, -8]), [1, 2]).read(), new Int32Array([7, -8]));
  assert.deepEqual(await dev.tensor([1n, -(2n ** 62n)]).read(), new BigInt64Array([1n, -(2n ** 62n)]));
  assert.equal(`${x}`, "Tensor f32[2, 3]");
});

for (const dtype of Object.keys(lab.dtypes) as lab.DType[]) {
  test(`${dtype}: full, write, read, fill`, async () => {
    const x = dev.full([5], 2, { dtype });
    const raw = dtype === "e4m3" ? 0x40 : dtype === "e5m2" ? 0x40 : 2;
    const expected = dtype === "i64" ? 2n : raw;
    assert.deepEqual(Array.from((await x.read()) as ArrayLike<number | bigint>), Array(5).fill(expected));
    await x.write([0, 1, 0, 1, 0]);
    const one = (await dev.full([1], 1, { dtype }).read())[0];
    assert.equal((await x.read())[3], one);
    assert.equal((await x.slice(2, 3).fill(1).read())[0], one);
    assert.equal((await x.readRaw()).byteLength, 5 * lab.dtypes[dtype].bytes);
  });
}

test("random fills repeat with their seed, differ without, and have the moments asked for", async () => {
  const n = 100_000;
  const [a, b, c] = await Promise.all([
    dev.randn([n], { seed: 9 }).read(),
    dev.randn([n], { seed: 9 }).read(),
    dev.randn([n]).read(),
  ]);
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
  const values = Array.from(a as Float32Array);
  const mean = values.reduce((s, v) => s + v, 0) / n;
  const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / n;
  assert.ok(Math.abs(mean) < 0.02 && Math.abs(variance - 1) < 0.03, `${mean} ${variance}`);
  const u = Array.from((await dev.rand([n], { low: 2, high: 4, seed: 1 }).read()) as Float32Array);
  assert.ok(Math.min(...u.slice(0, 1000)) >= 2 && Math.max(...u.slice(0, 1000)) < 4);
  const ints = new Set((await dev.randint([1000], { high: 4, seed: 2 }).read()) as Int32Array);
  assert.deepEqual([...ints].sort(), [0, 1, 2, 3]);
  const wild = Array.from(
    (await dev.randn([n], { seed: 3, outliers: { fraction: 0.01, scale: 100 } }).read()) as Float32Array,
  );
  const far = wild.filter((v) => Math.abs(v) > 6).length;
  assert.ok(far > n * 0.008 && far < n * 0.011, `${far}`);
  assert.throws(() => dev.randn([4], { outliers: { fraction: 2, scale: 1 } }), code("invalid-fill"));
  assert.throws(() => dev.randint([4], { high: 0 }), code("invalid-fill"));
});

test("views share memory: slice, reshape, transpose, as", async () => {
  const x = dev.arange([3, 4]);
  assert.deepEqual(await x.slice(1, 2).read(), new Float32Array([4, 5, 6, 7]));
  assert.deepEqual(await x.transpose().read(), new Float32Array([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]));
  x.reshape([2, -1]).slice(1).fill(9);
  assert.deepEqual(await x.read(), new Float32Array([0, 1, 2, 3, 4, 5, 9, 9, 9, 9, 9, 9]));
  assert.deepEqual((await x.as("u8").read()).length, 48);
  assert.throws(() => x.transpose().fill(0), code("not-contiguous"));
  assert.throws(() => x.reshape([5, 5]), code("invalid-shape"));
  assert.throws(() => x.slice(2, 9), code("invalid-shape"));
});

test("copyFrom copies between tensors of one dtype", async () => {
  const x = dev.arange([6]);
  const y = dev.zeros([2, 3]).copyFrom(x);
  assert.deepEqual(await y.read(), await x.read());
  assert.throws(() => dev.zeros([6], { dtype: "i32" }).copyFrom(x), code("wrong-dtype"));
});

test("large uploads and read-backs keep order with commands around them", async () => {
  const n = 12 << 20;
  const host = Float32Array.from({ length: n }, (_, i) => i % 1000);
  const x = dev.tensor(host);
  host.fill(-1);
  x.slice(0, 1).fill(5);
  const y = dev.empty([n]).copyFrom(x);
  x.fill(0);
  const back = (await y.read()) as Float32Array;
  assert.equal(back[0], 5);
  for (let i = 1; i < n; i += 99_991) assert.equal(back[i], i % 1000);
  const into = new Uint8Array(n * 4);
  assert.equal(await y.readRaw(into), into);
  assert.equal(new Float32Array(into.buffer)[n - 1], (n - 1) % 1000);
  x.free();
  y.free();
});

test("bad shapes, dtypes and data are refused", () => {
  assert.throws(() => dev.zeros([Number.NaN]), code("invalid-shape"));
  assert.throws(() => dev.zeros([-1, 2]), code("invalid-shape"));
  assert.throws(() => dev.zeros([4], { dtype: "f8" as lab.DType }), code("invalid-dtype"));
  assert.throws(() => dev.tensor([1, 2, 3], [2, 2]), code("invalid-shape"));
  assert.throws(() => dev.tensor([[1, 2], [3]]), code("invalid-shape"));
  assert.throws(() => dev.tensor([0.5], [1], "i32"), code("wrong-dtype"));
});

test("free() gives memory back at once, and a freed tensor says so", async () => {
  const before = (await dev.memory()).used;
  const x = dev.zeros([1 << 20]);
  assert.equal((await dev.memory()).used, before + (4 << 20));
  x.free();
  x.free();
  assert.equal((await dev.memory()).used, before);
  await assert.rejects(x.read(), code("freed-tensor"));
  assert.throws(() => x.fill(1), code("freed-tensor"));
});

test("collected tensors free their memory; a view keeps it", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const settle = async (): Promise<number> => {
    for (let i = 0; i < 5; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return (await dev.memory()).used;
  };
  const before = await settle();
  const kept = (() => {
    for (let i = 0; i < 10; i++) dev.zeros([1 << 18]);
    return dev.full([2, 1 << 18], 3).slice(1);
  })();
  assert.ok((await settle()) - before <= 2 << 20);
  assert.equal((await kept.read())[5], 3);
});

test("too large an allocation is an error that the device survives", async () => {
  const keep = dev.full([4], 1);
  dev.empty([2 ** 42]);
  await assert.rejects(dev.sync(), code("out-of-memory"));
  await dev.sync();
  assert.equal((await keep.read())[0], 1);
});

test("a tensor larger than an array can be is refused where it is read", async () => {
  const huge = dev.empty([2 ** 45]);
  await assert.rejects(
    huge.read(),
    (e) => lab.LabError.is(e, "out-of-memory") && /one array .* 140737488355328 bytes/.test(e.what),
  );
  await assert.rejects(dev.sync(), code("out-of-memory"));
  assert.deepEqual(await dev.full([1], 3).read(), new Float32Array([3]));
});

test("a graph keeps what it uses, and refuses to run where a tensor of it was freed", async () => {
  const kept = dev.full([4], 1);
  // The graph alone knows this one: dropped tensors are freed when the collector finds them.
  const graph = await dev.graph(() => void kept.copyFrom(dropped()));
  function dropped(): lab.Tensor {
    return dev.full([4], 5);
  }
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  graph.launch();
  assert.deepEqual(await kept.read(), new Float32Array([5, 5, 5, 5]));
  kept.free();
  assert.throws(() => graph.launch(), code("freed-tensor"));
  graph.destroy();
});

test("streams, events and graphs order and time work", async () => {
  const stream = dev.stream();
  const [start, end] = [dev.event(), dev.event()];
  const x = dev.zeros([1 << 20]);
  start.record(stream);
  x.fill(1, stream);
  end.record(stream);
  await stream.sync();
  assert.equal(await stream.done(), true);
  const seconds = await start.elapsed(end);
  assert.ok(seconds > 0 && seconds < 5, `${seconds}`);
  await assert.rejects(dev.event().elapsed(end), code("event-not-recorded"));
  const graph = await dev.graph(() => void x.fill(7));
  assert.equal((await x.read())[0], 1);
  graph.launch();
  assert.equal((await x.read())[0], 7);
  graph.destroy();
  assert.throws(() => graph.launch(), code("freed-graph"));
  stream.destroy();
  assert.throws(() => x.fill(0, stream), code("freed-stream"));
  for (const event of [start, end]) event.destroy();
});

test("tensorMap() holds TMA's rules before anything reaches the device", () => {
  const x = dev.zeros([64, 128], { dtype: "f16" });
  assert.equal(String(lab.tensorMap(x, { box: [64, 64], swizzle: 128 })), "TensorMap of Tensor f16[64, 128]");
  const bad: lab.TensorMapOptions[] = [
    { box: [64] },
    { box: [64, 512] },
    { box: [64, 128], swizzle: 128 },
    { box: [64, 4] },
    { box: [0, 64] },
    { box: [64, 64], elementStrides: [0, 1] },
    { box: [64, 64], swizzle: 16 as 32 },
  ];
  for (const options of bad)
    assert.throws(() => lab.tensorMap(x, options), code("invalid-tensor-map"), JSON.stringify(options));
  assert.throws(() => lab.tensorMap(dev.zeros([4, 3]), { box: [4, 4] }), code("invalid-tensor-map"));
});

test("tensor() takes its shape and dtype one by one or as options", async () => {
  const byOptions = dev.tensor([1, 2, 3, 4], { dtype: "i32", shape: [2, 2] });
  assert.equal(String(byOptions), "Tensor i32[2, 2]");
  assert.equal(String(dev.tensor([1, 2], { dtype: "f16" })), "Tensor f16[2]");
  assert.equal(String(dev.tensor([1, 2], [2, 1], "u8")), "Tensor u8[2, 1]");
  assert.deepEqual([...(await byOptions.read())], [1, 2, 3, 4]);
  assert.throws(
    () => dev.tensor([1], "f16" as unknown as number),
    (e) => lab.LabError.is(e, "invalid-shape"),
  );
});
