import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { compare, measure } from "kernel-lab/dist/bench/measure";
import { roofOf } from "kernel-lab/dist/bench/roofline";
import { sweep } from "kernel-lab/dist/bench/sweep";
import { LabError } from "kernel-lab/dist/core/error";
import { runDocument } from "kernel-lab/dist/record/document";
import { documentSchema } from "kernel-lab/dist/record/schema";
import type { Device } from "kernel-lab/dist/runtime/device";
import type { Kernel } from "kernel-lab/dist/runtime/kernel";
import { open } from "kernel-lab/dist/runtime/open";
import type { Tensor } from "kernel-lab/dist/runtime/tensor";

const n = 1 << 14;
const config = { grid: n / 256, block: 256 };
const source = `
extern "C" __global__ void twice(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = 2.0f * x[i];
}
extern "C" __global__ void slow(const float* x, float* y, int n, int rounds) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float value = x[i];
  for (int r = 0; r < rounds; ++r) value = sqrtf(value * value + 1e-9f);
  if (i < n) y[i] = value;
}
extern "C" __global__ void nothing(const float* x, float* y, int n) {}
extern "C" __global__ void zeros(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = 0.0f;
}`;

let device: Device;
let kernels: Readonly<Record<string, Kernel>>;
let x: Tensor;
let y: Tensor;

before(async () => {
  device = await open("cpu", { workers: 2 });
  kernels = (await device.compileModule(source)).kernels;
  x = device.randn([n], { seed: 1, outliers: { fraction: 0.01, scale: 16 } });
  y = device.empty([n]);
});
after(() => device?.close());

async function doubled() {
  const [input, output] = [(await x.read()) as Float32Array, (await y.read()) as Float32Array];
  const wrong = output.findIndex((value, i) => !(Math.abs(value - 2 * input[i]) <= 0));
  return { passed: wrong < 0, compared: n, mismatch: wrong < 0 ? null : `[${wrong}] is ${output[wrong]}` };
}

function target(name: string) {
  return { kernel: kernels[name], config, args: [x, y, n] };
}

test("measure() answers a record that fits the schema", async () => {
  const record = await measure(target("twice"), {
    suite: "test",
    bytes: 8 * n,
    samples: 30,
    check: doubled,
    outputs: [y],
    implementation: { parameters: { block: 256 } },
  });
  assert.equal(record.samples.length, 30);
  assert.ok(record.samples.every((s) => s > 0 && s < 1));
  assert.equal(record.rates.bytesPerSecond, (8 * n) / record.statistics.median);
  assert.equal(record.rates.roofline?.bound, "memory");
  assert.equal(record.check?.passed, true);
  assert.equal(record.check?.timedOutput, true);
  assert.notEqual(record.verdict.verdict, "rejected");
  assert.deepEqual(record.resources?.block, [256]);
  assert.match(record.implementation.sourceHash!, /^[0-9a-f]{16}$/);
  assert.ok(record.state.length >= 2);
  assert.ok(record.method.flushBytes >= 2 * device.info.l2Bytes);
  assert.ok(record.method.eventOverhead! < 1e-4, `${record.method.eventOverhead}`);
  assert.ok(Math.abs(record.method.clockRatio! - 1) < 0.2, `${record.method.clockRatio}`);
  assert.equal(record.method.rotation, 2);
  assert.equal(record.method.freshContents, true);
  assert.deepEqual(
    record.inputs!.map(({ name, changed, dtype }) => ({ name, changed, dtype })),
    [{ name: "x", changed: false, dtype: "f32" }],
  );
  assert.ok(record.inputs![0].profile!.kurtosis! > 3);
  assert.deepEqual(
    record.outputs!.map(({ name, untouched, nan }) => ({ name, untouched, nan })),
    [{ name: "y", untouched: 0, nan: 0 }],
  );
  documentSchema.parse(runDocument("test", [record]));
});

for (const cheat of ["nothing", "zeros"]) {
  test(`measure() rejects a kernel that writes ${cheat}, whatever the output held before`, async () => {
    await kernels.twice.launch(config, x, y, n);
    const record = await measure(target(cheat), { samples: 10, warmup: 1, check: doubled, outputs: [y] });
    assert.equal(record.verdict.verdict, "rejected");
    assert.match(record.verdict.reasons[0], /the output is wrong: \[0\] is/);
  });
}

test("measure() without a check is never trusted", async () => {
  const { verdict } = await measure(target("twice"), { samples: 10, warmup: 0 });
  assert.equal(verdict.verdict, "ambiguous");
  assert.ok(verdict.reasons.includes("the output was not checked"));
});

test("measure() takes a function with a device and refuses one without", async () => {
  const work = () => kernels.twice.enqueue(config, x, y, n);
  const record = await measure(work, { device, samples: 10, batch: 3 });
  assert.equal(record.method.batch, 3);
  assert.equal(record.resources, null);
  await assert.rejects(measure(work), (e) => LabError.is(e, "bad-options"));
  await assert.rejects(measure(work, { device, samples: 0 }), (e) => LabError.is(e, "bad-options"));
});

test("compare() names the faster of two in turns", async () => {
  const options = { samples: 20, warmup: 2, flushL2: false };
  const { comparison, a, b } = await compare({
    a: { target: { kernel: kernels.slow, config, args: [x, y, n, 2] }, options },
    b: { target: { kernel: kernels.slow, config, args: [x, y, n, 400] }, options },
  });
  assert.equal(comparison.outcome, "a");
  assert.ok(comparison.ratio > 2, `${comparison.ratio}`);
  assert.ok(a.method.interleaved && b.method.interleaved);
});

test("sweep() measures valid points, keeps skipped and failed ones with reasons, and settles ties in turns", async () => {
  const seen: number[] = [];
  const result = await sweep({
    axes: { block: [64, 128, 256, 4096], rounds: [2, 300] },
    options: { suite: "test", samples: 10, warmup: 1, flushL2: false },
    skip: ({ block, rounds }) => (block === 64 && rounds === 300 ? "too slow to be of use" : null),
    target: async ({ block, rounds }) => ({
      target: {
        kernel: kernels.slow,
        config: { grid: Math.ceil(n / block), block },
        args: [x, y, n, rounds],
      },
    }),
    onProgress: (done) => seen.push(done),
  });
  assert.deepEqual(seen, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(result.records.length, 5);
  assert.deepEqual(result.failures.map((f) => f.kind).sort(), ["failed", "failed", "skipped"]);
  assert.match(result.failures.find((f) => f.kind === "failed")!.reason, /^invalid-launch: /);
  assert.ok(result.best.length >= 1);
  assert.ok(result.best.every((r) => r.implementation.parameters.rounds === 2 && r.method.interleaved));
});

test("roofOf() measures the CPU device's copy once", async () => {
  const roof = await roofOf(device, "f32");
  assert.ok(roof.bandwidth > 1e8 && roof.bandwidth < 1e12, `${roof.bandwidth}`);
  assert.equal(roof.peak, null);
  assert.equal((await roofOf(device, "f32")).bandwidth, roof.bandwidth);
});
