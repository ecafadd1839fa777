import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

let dev: lab.Device;
let probe: lab.Kernel;
before(async () => {
  dev = await lab.open("cpu", { timeLimit: 1, onPrintf: () => {} });
  probe = await dev.compile("__global__ void probe(int* x, int v) { x[threadIdx.x] = v; }");
});
after(() => dev.close());

const faults: { name: string; code: string; line?: number; source: string }[] = [
  {
    name: "null",
    code: "illegal-address",
    line: 3,
    source:
      "__global__ void null(int* x) {\n  int* p = nullptr;\n  *(volatile int*)(p + threadIdx.x) = 1;\n}",
  },
  {
    name: "wild",
    code: "illegal-address",
    line: 2,
    source: "__global__ void wild(int* x) {\n  x[1ll << 40] = 1;\n}",
  },
  {
    name: "forever",
    code: "time-limit",
    source: "__global__ void forever(volatile int* x) {\n  while (x[0] == 0) { }\n}",
  },
  { name: "trap", code: "trap", source: "__global__ void trap(int* x) {\n  __trap();\n}" },
  {
    name: "checked",
    code: "assert",
    source: "#include <cassert>\n__global__ void checked(int* x) {\n  assert(threadIdx.x > 5);\n}",
  },
  {
    name: "deep",
    code: "stack-overflow",
    source:
      "__device__ __noinline__ int down(int n) { volatile int big[512]; big[n % 512] = n; return n < 0 ? 0 : down(n + 1) + big[(n * 7) % 512]; }\n__global__ void deep(int* x) {\n  x[0] = down(x[0]);\n}",
  },
  {
    name: "skewed",
    code: "misaligned-address",
    line: 2,
    source:
      "__global__ void skewed(int* x) {\n  for (int i = 0; i < 4; i++) ((float4*)((char*)x + 4))[i] = ((float4*)((char*)x + 20))[i];\n}",
  },
];

for (const fault of faults) {
  test(`${fault.name}: the error is ${fault.code}, then a second kernel runs and the notebook's variables live`, async () => {
    const lost = dev.full([32], 0, { dtype: "i32" });
    const kernel = await dev.compile(fault.source, { fileName: `${fault.name}.cu` });
    await assert.rejects(
      (async () => {
        await kernel.launch({ grid: 1, block: 1 }, lost);
        await dev.sync();
      })(),
      (error) => {
        assert.ok(
          lab.LabError.is(error, fault.code),
          `${(error as lab.LabError).code}: ${(error as Error).message}`,
        );
        assert.equal(error.kernel, fault.name);
        assert.match(error.message, new RegExp(fault.name));
        if (fault.line)
          assert.deepEqual(
            [error.line?.file.split("/").at(-1), error.line?.line],
            [`${fault.name}.cu`, fault.line],
          );
        assert.notEqual(error.advice, "");
        return true;
      },
    );
    await assert.rejects(lost.read(), (e) => lab.LabError.is(e, "device-lost"));
    const fresh = dev.zeros([8], { dtype: "i32" });
    await probe.launch({ grid: 1, block: 8 }, fresh, 7);
    assert.deepEqual(await fresh.read(), new Int32Array(8).fill(7));
  });
}

test("interrupt() ends an endless kernel, the wait rejects, and the device works on", async () => {
  const patient = await lab.open("cpu");
  const forever = await patient.compile("__global__ void forever(volatile int* x) { while (x[0] == 0) { } }");
  const x = patient.zeros([1], { dtype: "i32" });
  await forever.launch({ grid: 1, block: 1 }, x);
  const waiting = patient.sync();
  setTimeout(() => lab.interruptAll(), 200);
  await assert.rejects(waiting, (e) => lab.LabError.is(e, "interrupted") && e.kernel === "forever");
  const y = patient.full([1], 3);
  assert.equal((await y.read())[0], 3);
  await patient.close();
});

test("a fault that nobody waited for is told at the next use, once", async () => {
  const trap = await dev.compile("__global__ void trap2() { __trap(); }");
  trap.enqueue({ grid: 1, block: 1 });
  await new Promise((resolve) => setTimeout(resolve, 700));
  await assert.rejects(dev.sync(), (e) => lab.LabError.is(e, "trap"));
  await dev.sync();
});
