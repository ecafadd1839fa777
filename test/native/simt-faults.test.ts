import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";
import { fixture, ints } from "./simt";

let dev: lab.Device;
let unit: lab.Module;
before(async () => {
  dev = await lab.open("cpu", { workers: 2, timeLimit: 1, memoryLimit: 1 << 28 });
  unit = await fixture(dev, "faults");
});
after(() => dev.close());

interface Death {
  readonly kernel: string;
  readonly code: string;
  readonly line?: number;
  readonly says?: RegExp;
  readonly block?: readonly number[];
  readonly thread?: readonly number[];
  readonly threads?: number;
  readonly rest?: readonly number[];
}

const deaths: Death[] = [
  {
    kernel: "stuck_at_barrier",
    code: "deadlock",
    line: 5,
    threads: 64,
    thread: [0, 0, 0],
    says: /10 of 64 threads wait at __syncthreads\(\) \[\(0,0,0\), \(1,0,0\), \(2,0,0\), \.\.\.\].*22 of 64 threads wait in a warp collective with mask 0xffffffff/,
  },
  {
    kernel: "missing_lanes",
    code: "deadlock",
    line: 13,
    says: /16 of 32 threads wait in a warp collective/,
    threads: 32,
  },
  { kernel: "spin_for_ever", code: "time-limit", line: 19, threads: 8 },
  {
    kernel: "asserting",
    code: "assert",
    line: 25,
    thread: [5, 0, 0],
    says: /threadIdx\.x != 5/,
    threads: 32,
  },
  { kernel: "trapping", code: "trap", line: 30, block: [2, 0, 0], thread: [7, 0, 0], threads: 32 },
  { kernel: "past_the_end", code: "illegal-address", line: 34, rest: [64] },
  { kernel: "past_the_end", code: "illegal-address", line: 34, rest: [-1000000] },
  { kernel: "misaligned", code: "misaligned-address", line: 39 },
  { kernel: "wrong_mask", code: "invalid-mask", line: 43, thread: [0, 0, 0], threads: 32 },
  { kernel: "deep", code: "stack-overflow", rest: [1000] },
  { kernel: "large_frame", code: "stack-overflow", rest: [5] },
  { kernel: "divided", code: "integer-division", line: 57, rest: [0] },
  { kernel: "null_pointer", code: "illegal-address", line: 68 },
];

for (const death of deaths) {
  test(`${death.kernel}(${death.rest ?? ""}) ends in ${death.code}, and the device comes back`, async () => {
    const kernel = unit.kernel(death.kernel);
    const x = dev.zeros([64], { dtype: death.kernel === "misaligned" ? "i8" : "i32" });
    await dev.sync();
    await assert.rejects(
      async () => {
        await kernel.launch({ grid: 3, block: death.threads ?? 1 }, x, ...(death.rest ?? []));
        await dev.sync();
      },
      (error: unknown) => {
        assert.ok(error instanceof lab.LabError, String(error));
        assert.equal(error.code, death.code, error.message);
        assert.equal(error.kernel, death.kernel);
        if (death.line) assert.equal(error.line?.line, death.line, error.message);
        if (death.line) assert.match(error.line?.file ?? "", /faults\.cu$/);
        if (death.says) assert.match(error.message, death.says);
        if (death.block) assert.deepEqual(error.block, death.block);
        if (death.thread) assert.deepEqual(error.thread, death.thread);
        return true;
      },
    );
    const again = dev.zeros([4], { dtype: "i32" });
    assert.deepEqual(await ints(again), [0, 0, 0, 0]);
  });
}

test("a deep call with room enough succeeds", async () => {
  const x = dev.zeros([64], { dtype: "i32" });
  await unit.kernel("deep").launch({ grid: 2, block: 64 }, x, 40);
  assert.equal((await ints(x)).length, 64);
});

test("memory that is freed is gone: touching it is an illegal address", async () => {
  const kernel = await dev.compile("__global__ void poke(long long at) { *(int*)at = 1; }");
  const where = await dev.compile("__global__ void tell(int* x, long long* out) { *out = (long long)x; }");
  const x = dev.zeros([1000], { dtype: "i32" });
  const out = dev.zeros([1], { dtype: "i64" });
  await where.launch({ grid: 1, block: 1 }, x, out);
  const address = ((await out.read()) as BigInt64Array)[0]!;
  x.free();
  await assert.rejects(
    async () => {
      await kernel.launch({ grid: 1, block: 1 }, address);
      await dev.sync();
    },
    { code: "illegal-address" },
  );
});

test("an allocation over the limit is refused and costs nothing else", async () => {
  const x = dev.full([16], 3);
  await assert.rejects(
    async () => {
      dev.zeros([1 << 27]);
      await dev.sync();
    },
    { code: "out-of-memory" },
  );
  assert.equal((await x.read())[3], 3);
});

test("launches that no GPU would take are refused with what was asked for", async () => {
  const kernel = await dev.compile(
    "__global__ void shared(float* x) { extern __shared__ float s[]; s[threadIdx.x] = *x; }",
  );
  const x = dev.zeros([1]);
  const refused = async (config: lab.LaunchConfig, says: RegExp): Promise<void> => {
    await assert.rejects(
      async () => {
        await kernel.launch(config, x);
        await dev.sync();
      },
      (error: unknown) => error instanceof lab.LabError && says.test(error.message),
    );
  };
  await refused({ grid: 1, block: 32, shared: 240_000 }, /240000/);
  await refused({ grid: 1, block: 2048 }, /1024/);
  await refused({ grid: 0, block: 32 }, /grid/);
  await refused({ grid: [1, 70_000], block: 32 }, /65535/);
  await refused({ grid: 4, block: 32, cluster: 3 }, /clusters? of 3/);
  await kernel.launch({ grid: 1, block: 32, shared: 232_448 }, x);
  await dev.sync();
});

test("grid.sync() of a plain launch names the kernel and the option it lacks", async () => {
  const kernel = await dev.compile(`#include <cooperative_groups.h>
    __global__ void alone() { cooperative_groups::this_grid().sync(); }`);
  await assert.rejects(
    async () => {
      await kernel.launch({ grid: 2, block: 32 });
      await dev.sync();
    },
    (e) =>
      lab.LabError.is(e, "not-cooperative") && /"alone"/.test(e.what) && /cooperative: true/.test(e.advice),
  );
});

test("the heap of device code ends in null pointers at 8 MB, and what is freed can be had again", async () => {
  const kernel = await dev.compile(`__global__ void greedy(int* out) {
    void* held[64];
    int count = 0;
    while (count < 64 && (held[count] = malloc(1 << 20))) count++;
    int* large = new int[1 << 21];
    out[0] = count;
    out[1] = large == nullptr;
    while (count) free(held[--count]);
    large = new int[1 << 20];
    out[2] = large != nullptr;
    large[(1 << 20) - 1] = 5;
    out[3] = large[(1 << 20) - 1];
    delete[] large;
  }`);
  const out = dev.zeros([4], { dtype: "i32" });
  for (let turn = 0; turn < 2; turn++) {
    await kernel.launch({ grid: 1, block: 1 }, out);
    assert.deepEqual(await ints(out), [8, 1, 1, 5]);
  }
});

test("memory that was not allocated, or was freed, cannot be freed", async () => {
  const kernel = await dev.compile(
    "__global__ void twice(int* x) { int* p = new int; free(p); free(x ? x : p); }",
  );
  for (const foreign of [false, true]) {
    const given = foreign ? dev.zeros([1], { dtype: "i32" }) : null;
    await assert.rejects(
      async () => {
        await kernel.launch({ grid: 1, block: 1 }, given);
        await dev.sync();
      },
      (e) => lab.LabError.is(e, "invalid-free") && /"twice"/.test(e.what),
    );
  }
});

test("printf answers how many arguments its format takes, as CUDA's does", async () => {
  const kernel = await dev.compile(`__global__ void say(int* out) {
    out[0] = printf("%5.2f|%*d|%%|%lld %s\\n", 1.5, 4, 7, 9ll, "x");
    out[1] = printf("none\\n");
    out[2] = printf(nullptr);
  }`);
  const out = dev.zeros([3], { dtype: "i32" });
  await kernel.launch({ grid: 1, block: 1 }, out);
  assert.deepEqual(await ints(out), [5, 0, -1]);
});
