import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { compare, measure } from "kernel-lab/dist/bench/measure";
import { perCycleOf } from "kernel-lab/dist/bench/roofline";
import { LabError } from "kernel-lab/dist/core/error";
import type { StateReading } from "kernel-lab/dist/record/schema";
import type { Device } from "kernel-lab/dist/runtime/device";
import type { Kernel } from "kernel-lab/dist/runtime/kernel";
import { open } from "kernel-lab/dist/runtime/open";
import type { Tensor } from "kernel-lab/dist/runtime/tensor";

const n = 4096;
const config = { grid: n / 256, block: 256 };
const quick = { samples: 12, warmup: 1, flushL2: false, rotate: 2 };
const source = `
#define I const int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= n) return;
extern "C" __global__ void twice(const float* x, float* y, int n) { I y[i] = 2.0f * x[i]; }
extern "C" __global__ void thrice(const float* x, float* y, int n) { I y[i] = 3.0f * x[i]; }
extern "C" __global__ void grow(float* x, int n) { I x[i] = x[i] + 1.0f; }
extern "C" __global__ void spoil(const float* x, float* y, int n) { I const_cast<float*>(x)[i] = 0.0f; y[i] = 1.0f; }
extern "C" __global__ void first(const float* x, float* t, int n) { I t[i] = x[i] + 1.0f; }
extern "C" __global__ void second(const float* t, float* y, int n) { I y[i] = 2.0f * t[i]; }`;

let device: Device;
let k: Readonly<Record<string, Kernel>>;
let x: Tensor;
let given: Float32Array;

before(async () => {
  device = await open("cpu");
  k = (await device.compileModule(source)).kernels;
  x = device.randn([n], { seed: 1, outliers: { fraction: 0.01, scale: 16 } });
  given = (await x.read()) as Float32Array;
});
after(() => device?.close());

/** A check that y is f(x) of the x that the test made. */
const is = (y: Tensor, f: (v: number) => number) => async () => {
  const output = (await y.read()) as Float32Array;
  const wrong = output.findIndex((v, i) => v !== Math.fround(f(given[i])));
  return { passed: wrong < 0, compared: n, mismatch: wrong < 0 ? null : `[${wrong}]` };
};

test("an operand that is input and output is put back before each run", async () => {
  const z = device.randn([n], { seed: 1, outliers: { fraction: 0.01, scale: 16 } });
  const record = await measure(
    { kernel: k.grow, config, args: [z, n] },
    { ...quick, inputs: [z], outputs: [z], check: is(z, (v) => v + 1) },
  );
  assert.equal(record.check?.passed, true, JSON.stringify(record.verdict));
  assert.equal(record.inputs![0].changed, false);
  assert.notEqual(record.verdict.verdict, "rejected");
});

test("two contenders that write to one tensor are each checked on what they wrote themselves", async () => {
  const y = device.empty([n]);
  const target = (kernel: Kernel) => ({ kernel, config, args: [x, y, n] });
  const options = (factor: number) => ({ ...quick, outputs: [y], check: is(y, (v) => factor * v) });
  const both = await compare({
    a: { target: target(k.twice), options: options(2) },
    b: { target: target(k.thrice), options: options(3) },
  });
  assert.ok(both.a.check?.passed && both.b.check?.passed);
  const wrong = await compare({
    a: { target: target(k.twice), options: options(3) },
    b: { target: target(k.thrice), options: options(3) },
  });
  assert.equal(wrong.a.check?.passed, false);
  assert.equal(wrong.b.check?.passed, true);
});

test("inputs are the caller's own again afterwards, whatever was done to them", async () => {
  const y = device.empty([n]);
  const record = await measure({ kernel: k.spoil, config, args: [x, y, n] }, { ...quick, outputs: [y] });
  assert.equal(record.inputs![0].changed, true);
  assert.equal(record.verdict.verdict, "rejected");
  assert.deepEqual(await x.read(), given);
});

test("several launches are one target: what one writes and the next reads is no input", async () => {
  const [t, y] = [device.empty([n]), device.empty([n])];
  const target = [
    { kernel: k.first, config, args: [x, t, n] },
    { kernel: k.second, config, args: [t, y, n] },
  ];
  const record = await measure(target, {
    ...quick,
    outputs: [y],
    check: is(y, (v) => 2 * Math.fround(v + 1)),
  });
  assert.deepEqual(
    record.inputs!.map((i) => i.name),
    ["x"],
  );
  assert.equal(record.check?.passed, true);
  assert.equal(record.method.rotation, 2);
  assert.equal(record.resources, null);
});

test("sustained runs flush nothing; a graph holds the whole sample", async () => {
  const y = device.empty([n]);
  const options = { ...quick, outputs: [y], check: is(y, (v) => 2 * v) };
  const target = { kernel: k.twice, config, args: [x, y, n] };
  const sustained = await measure(target, { ...options, flushL2: true, mode: "sustained" });
  assert.equal(sustained.method.mode, "sustained");
  assert.equal(sustained.method.flushBytes, 0);
  assert.ok(sustained.check?.passed);
  const graph = await measure(target, { ...options, graph: true, batch: 5 });
  assert.deepEqual([graph.method.graph, graph.method.batch], [true, 5]);
  assert.ok(graph.check?.passed);
});

test("work that transfers, waits or allocates cannot be timed, and the device stays usable", async () => {
  const host = new Float32Array(n);
  const works = [
    () => void x.read().catch(() => {}),
    () => void device.tensor(host),
    () => void device.zeros([4]),
  ];
  for (const work of works)
    await assert.rejects(
      measure(work, { device, ...quick }),
      (e) => LabError.is(e, "bad-options"),
      String(work),
    );
  assert.deepEqual(await x.read(), given);
});

test("perCycleOf() divides by the median clock, and is null where none was read", () => {
  const reading = (smClockHz: number | null) => ({ smClockHz }) as StateReading;
  const state = [reading(1e9), reading(2e9), reading(1.5e9)];
  assert.deepEqual(perCycleOf(1e-3, 3e6, null, state), { clockHz: 1.5e9, bytes: 2, flops: null });
  assert.equal(perCycleOf(1e-3, 3e6, null, [reading(null)]), null);
  assert.equal(perCycleOf(1e-3, null, null, state), null);
});
