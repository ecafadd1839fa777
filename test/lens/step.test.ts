import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { Locals } from "kernel-lab/dist/show/steps/viewer/locals";
import { Model } from "kernel-lab/dist/show/steps/viewer/model";

const SOURCE = `struct Pair { float most, sum; };
__device__ float4 four(const float* x, int i) {
  return make_float4(x[i], x[i], x[i], x[i]);
}
extern "C" __global__ void total(const float* x, float* y) {
  __shared__ float part[64];
  __shared__ float4 wide[64];
  const int i = threadIdx.x;
  part[i] = x[i];
  wide[i] = four(x, i);
  Pair p = {x[i], 0.0f};
  __syncthreads();
  for (int half = 32; half > 0; half /= 2) {
    if (i < half)
      part[i] += part[i + half];
    __syncthreads();
  }
  if (i == 0) y[blockIdx.x] = part[0];
  p.sum = part[0];
}
`;
const line = (text: string) => SOURCE.split("\n").findIndex((one) => one.includes(text)) + 1;

let dev: lab.Device;
let x: lab.Tensor;
let y: lab.Tensor;
let kernel: lab.Kernel;
let trace: lab.StepTrace;
before(async () => {
  dev = await lab.open("cpu");
  x = dev.arange([64]);
  y = dev.zeros([3]);
  kernel = await dev.compile(SOURCE);
  trace = await lab.step(kernel, { grid: 3, block: 64 }, [x, y], { block: 2 });
});
after(() => dev.close());

const steps = (warp: number) => trace.blocks[0].warps[warp];
const target = (name: string) => trace.targets.findIndex((one) => one.name === name);

test("step() follows every warp line by line, with the lanes that take part", () => {
  assert.deepEqual(trace.blocks[0].index, [2, 0, 0]);
  const added = steps(0).filter(([at]) => at === line("part[i] +="));
  assert.deepEqual(
    added.map(([, , mask]) => mask),
    [0xffffffff, 0xffff, 0xff, 0xf, 3, 1],
  );
  assert.equal(steps(1).filter(([at]) => at === line("part[i] +=")).length, 0);
});

test("step() lets warps go side by side and wait at barriers", () => {
  assert.equal(trace.blocks[0].barriers.length, 7);
  const first = trace.blocks[0].barriers[0];
  for (const warp of [0, 1]) {
    const waits = steps(warp).filter(([at]) => at === line("  __syncthreads();"));
    assert.ok(waits[0][1] < first);
    assert.ok(steps(warp).some(([at, tick]) => at === line("for (int half") && tick === first));
  }
});

test("step() tells where global memory was touched, by tensor and element", () => {
  const [, , , , , requests] = steps(1).find(([at]) => at === line("part[i] = x[i]"))!;
  assert.deepEqual(requests[0].slice(0, 6), [0, target("x"), 4, 0xffffffff, 128, 4]);
  const stored = steps(0)
    .flatMap((step) => step[5])
    .find(([kind, at]) => kind === 1 && at === target("y"))!;
  assert.deepEqual(stored.slice(2, 5), [4, 1, 8]);
  assert.deepEqual(trace.targets[target("x")].shape, [64]);
});

test("step() keeps what shared memory held at every tick, and who wrote it", () => {
  const model = new Model(trace);
  const part = target("part");
  const { barriers } = trace.blocks[0];
  const early = model.memory(part, barriers[0] - 1);
  assert.equal(early.get(40)?.value, 40);
  assert.equal(early.get(40)?.thread, 40);
  const late = model.memory(part, model.last);
  assert.equal(late.get(0)?.value, (63 * 64) / 2);
  assert.equal(late.get(0)?.line, line("part[i] +="));
  assert.equal(model.memory(part, barriers[0] - 1).get(0)?.value, 0, "backwards again");
});

test("step() gives a store of a returned value to the line that stores", () => {
  const at = steps(0).filter((step) =>
    step[5].some(([kind, which]) => kind === 1 && which === target("wide")),
  );
  assert.deepEqual([...new Set(at.map(([on]) => on))], [line("wide[i] = four")]);
  assert.equal(new Model(trace).memory(target("wide"), 1e6).get(4 * 63 + 3)?.value, 63);
});

test("step() tells the named locals: loop variables, members of structs, and where pointers point", () => {
  const model = new Model(trace);
  const locals = new Locals(model);
  const index = steps(1).length - 1;
  const held = new Map(locals.at(1, index).map((one) => [one.local.name, one.values]));
  assert.equal(held.get("i")?.[5], 37);
  assert.equal(held.get("p.sum")?.[0], 2016);
  assert.equal(held.get("x")?.[0], "x");
  assert.equal(held.has("half"), false, "its scope has ended");
  const inLoop = steps(0).findIndex(([at]) => at === line("part[i] +="));
  assert.equal(new Map(locals.at(0, inLoop).map((one) => [one.local.name, one.values])).get("half")?.[0], 32);
});

test("step() keeps what atomics of several warps add up to", async () => {
  const count = await dev.compile(`extern "C" __global__ void count(const int* x) {
  __shared__ int bins[5];
  if (threadIdx.x < 5) bins[threadIdx.x] = 0;
  __syncthreads();
  if (threadIdx.x < 60) atomicAdd(&bins[x[threadIdx.x]], 1);
  if (threadIdx.x < 10) atomicAdd(&bins[0], 100);
  __syncthreads();
}`);
  const which = dev.tensor(Int32Array.from({ length: 60 }, (_, i) => i % 5));
  const counted = await lab.step(count, { grid: 1, block: 64 }, [which]);
  const model = new Model(counted);
  const bins = model.memory(0, model.last);
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((bin) => bins.get(bin)?.value),
    [1012, 12, 12, 12, 12],
  );
});

test("step() leaves the tensors alone", async () => {
  assert.deepEqual([...((await y.read()) as Float32Array)], [0, 0, 0]);
});

test("step() refuses a block beyond the grid and a recording beyond its limit", async () => {
  const config = { grid: 3, block: 64 };
  await assert.rejects(lab.step(kernel, config, [x, y], { block: 3 }), {
    code: "invalid-argument",
  });
  await assert.rejects(lab.step(kernel, config, [x, y], { maxSteps: 100 }), {
    code: "trace-too-large",
  });
});

test("step() records several blocks", async () => {
  const several = await lab.step(kernel, { grid: 3, block: 64 }, [x, y], { block: [[2], [0]] });
  assert.deepEqual(
    several.blocks.map(({ index }) => index[0]),
    [0, 2],
  );
});
