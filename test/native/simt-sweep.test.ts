import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

// Sweeps: threads that hand over to one another at __syncthreads() without the runtime. Each kernel here has barriers
// enough for a sweep to begin, then does something else with some threads already waiting at the next barrier.

let device: lab.Device;
before(async () => {
  device = await lab.open("cpu", { workers: 1 });
});
after(() => device.close());

const threads = 96;
const rounds = 40;

/** Every round each thread adds its left neighbour's value, between two barriers, with `twist` somewhere in it. */
function source(twist: { before?: string; between?: string; last?: string }): string {
  return `
extern "C" __global__ void rounds(int* out, int* extra, int rounds) {
  __shared__ int value[${threads}];
  __shared__ int note;
  const int t = threadIdx.x;
  value[t] = t;
  if (t == 0) note = 0;
  __syncthreads();
  for (int i = 0; i < rounds; i++) {
    ${twist.before ?? ""}
    int left = value[(t + ${threads - 1}) % ${threads}];
    __syncthreads();
    ${twist.between ?? ""}
    value[t] += left & 0xff;
    __syncthreads();
  }
  ${twist.last ?? ""}
  out[t] = value[t];
  (void)extra;
}`;
}

function expected(): number[] {
  let value = Array.from({ length: threads }, (_, t) => t);
  for (let i = 0; i < rounds; i++) {
    const old = value;
    value = old.map((v, t) => v + (old[(t + threads - 1) % threads]! & 0xff));
  }
  return value;
}

async function run(text: string): Promise<{ out: number[]; extra: number[] }> {
  const kernel = await device.compile(text, { name: "rounds" });
  const out = device.zeros([threads], { dtype: "i32" });
  const extra = device.zeros([threads], { dtype: "i32" });
  await kernel.launch({ grid: 3, block: threads }, out, extra, rounds);
  return { out: [...((await out.read()) as Int32Array)], extra: [...((await extra.read()) as Int32Array)] };
}

const twists: Record<string, { before?: string; between?: string; last?: string }> = {
  "nothing else": {},
  "a shuffle by one warp in some rounds": {
    before: "if (i % 3 == 1 && t / 32 == 1) extra[t] = __shfl_xor_sync(0xffffffffu, t, 1);",
  },
  "a shuffle by the last warp": {
    between: "if (t >= 64) extra[t] = __shfl_xor_sync(0xffffffffu, t, 1);",
  },
  "an atomic that lets others run": {
    between: "for (int k = 0; k < 300; k++) atomicAdd(&note, 1);",
  },
  "a counting barrier": { before: "if (__syncthreads_count(t % 2) != 48) extra[0] = -1;" },
  "a meeting of one warp": { before: "if (t < 32) __syncwarp();" },
  "an active mask": { between: "if (t % 5 == 0) extra[t] = __popc(__activemask()) > 0;" },
};

for (const [name, twist] of Object.entries(twists)) {
  test(`barriers with ${name} keep every round's order`, async () => {
    const { out, extra } = await run(source(twist));
    assert.deepEqual(out, expected());
    assert.notEqual(extra[0], -1);
  });
}

test("threads that leave early are not waited for, and those who stay go on meeting", async () => {
  const kernel = await device.compile(
    `
extern "C" __global__ void rounds(int* out, int rounds) {
  __shared__ int count[2];
  const int t = threadIdx.x;
  if (t < 2) count[t] = 0;
  __syncthreads();
  for (int i = 0; i < rounds; i++) {
    if (i == 5 + t / 32) break;
    __syncthreads();
    if (t == 95) count[i & 1] = i;
    __syncthreads();
    out[t] += count[i & 1];
  }
}`,
    { name: "rounds" },
  );
  const out = device.zeros([threads], { dtype: "i32" });
  await kernel.launch({ grid: 1, block: threads }, out, rounds);
  const sum = (n: number) => (n * (n - 1)) / 2;
  assert.deepEqual(
    [...((await out.read()) as Int32Array)],
    Array.from({ length: threads }, (_, t) => sum(5 + Math.floor(t / 32))),
  );
});

test("a thread that leaves while the others wait at a barrier they have swept to does not hold them", async () => {
  const kernel = await device.compile(
    `
extern "C" __global__ void rounds(int* out) {
  const int t = threadIdx.x;
  for (int i = 0; i < 6; i++) __syncthreads();
  if (t == 40) return;
  __syncthreads();
  out[t] = 1;
}`,
    { name: "rounds" },
  );
  const out = device.zeros([threads], { dtype: "i32" });
  await kernel.launch({ grid: 2, block: threads }, out);
  const read = [...((await out.read()) as Int32Array)];
  assert.equal(
    read.reduce((a, b) => a + b),
    threads - 1,
  );
});

test("a deadlock after a sweep names the threads that wait", async () => {
  const own = await lab.open("cpu", { workers: 1 });
  const kernel = await own.compile(
    `
extern "C" __global__ void stuck(int* out) {
  __shared__ volatile int flag;
  flag = 0;
  for (int i = 0; i < 6; i++) __syncthreads();
  if (threadIdx.x == 40) __shfl_sync(0x3u << 8, 1, 8);
  __syncthreads();
  out[threadIdx.x] = flag;
}`,
    { name: "stuck" },
  );
  const out = own.zeros([threads], { dtype: "i32" });
  await kernel.launch({ grid: 1, block: threads }, out);
  await assert.rejects(
    out.read(),
    (error: unknown) =>
      lab.LabError.is(error) && error.code === "deadlock" && /95 of 96 .*__syncthreads/.test(error.message),
  );
  await own.close();
});

test("a bitonic sort, whose conditions live over barriers in whatever registers the compiler likes, sorts", async () => {
  const kernel = await device.compile(
    `
extern "C" __global__ void sort(const float* x, float* y, int n, int padded) {
  extern __shared__ int order[];
  const int t = threadIdx.x;
  order[t] = t;
  __syncthreads();
  for (int k = 2; k <= padded; k *= 2) {
    for (int j = k / 2; j > 0; j /= 2) {
      const int other = t ^ j;
      if (other > t) {
        const int a = order[t], b = order[other];
        const bool swap = (t & k) == 0 ? (a >= n || (b < n && x[a] > x[b])) : (b >= n || (a < n && x[a] < x[b]));
        if (swap) { order[t] = b; order[other] = a; }
      }
      __syncthreads();
    }
  }
  if (t < n) y[t] = x[order[t]];
}`,
    { name: "sort" },
  );
  const n = 333;
  const x = device.randn([n], { seed: 5 });
  const y = device.zeros([n]);
  await kernel.launch({ grid: 1, block: 512, shared: 512 * 4 }, x, y, n, 512);
  assert.deepEqual((await y.read()) as Float32Array, ((await x.read()) as Float32Array).slice().sort());
});
