import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNear, compiled, cpu, noise, numbers, product } from "./coverage-support";

const [N, K, tile] = [48, 80, 16];
const [a, b] = [noise(N * K, 1), noise(K * N, 2)];
const config = { grid: [N / tile, N / tile], block: [tile, tile] };

test("a GEMM over stages of cp.async and over a block's pipeline", async () => {
  const dev = await cpu();
  const names = [
    "gemmPrimitives<16, 2, false>",
    "gemmPrimitives<16, 4, false>",
    "gemmPipeline<16, 2>",
    "gemmPipeline<16, 3>",
  ];
  const module = await compiled("async_gemm.cu", ...names);
  for (const name of names) {
    const c = dev.zeros([N, N]);
    module.kernel(name).enqueue(config, dev.tensor(a), dev.tensor(b), c, N, K);
    assertNear(await numbers(c), product(a, b, N, N, K), 1e-4, name);
  }
});

test("a forgotten wait gives a wrong result", async () => {
  const dev = await cpu();
  const name = "gemmPrimitives<16, 3, true>";
  const module = await compiled("async_gemm.cu", name);
  const c = dev.zeros([N, N]);
  module.kernel(name).enqueue(config, dev.tensor(a), dev.tensor(b), c, N, K);
  const expected = product(a, b, N, N, K);
  const wrong = (await numbers(c)).filter((v, i) => !(Math.abs(v - expected[i]!) < 1e-3)).length;
  assert.ok(wrong > 0.9 * N * N, `${wrong} of ${N * N} elements are wrong`);
});

test("a warp of producers feeds the consumers of one pipeline", async () => {
  const dev = await cpu();
  const module = await compiled("async_gemm.cu", "producerConsumer");
  const [batches, batch] = [9, 100];
  const values = Int32Array.from({ length: batches * batch }, (_, i) => (i * 37) % 1001);
  const out = dev.zeros([1], { dtype: "i32" });
  module
    .kernel("producerConsumer")
    .enqueue({ grid: 1, block: 128, shared: 8 * batch }, dev.tensor(values), out, batches, batch);
  assert.deepEqual(await numbers(out), [values.reduce((s, v) => s + v, 0)]);
});

test("a copy that a barrier's phase waits for", async () => {
  const dev = await cpu();
  const module = await compiled("async_gemm.cu", "barrierCopy");
  const [n, block] = [512, 64];
  const x = noise(n, 3);
  const out = dev.zeros([n]);
  module.kernel("barrierCopy").enqueue({ grid: 1, block, shared: 4 * block }, dev.tensor(x), out, n);
  const expected = x.map((_, i) => 2 * x[i - (i % block) + block - 1 - (i % block)]!);
  assertNear(await numbers(out), expected, 0);
});

test("power iteration finds the largest eigenvalue in one cooperative launch", async () => {
  const dev = await cpu();
  const module = await compiled("grid_sync.cu");
  const n = 60;
  const matrix = Float32Array.from({ length: n * n }, (_, i) => {
    const [r, c] = [Math.floor(i / n), i % n];
    return 1 / (1 + Math.abs(r - c)) + (r === c ? r / n : 0);
  });
  const vector = dev.full([n], 1);
  const lengths = dev.zeros([3], { dtype: "f64" });
  const [value, steps] = [dev.zeros([1]), dev.zeros([1], { dtype: "i32" })];
  module
    .kernel()
    .enqueue(
      { grid: 4, block: 96, shared: 8 * 3, cooperative: true },
      dev.tensor(matrix),
      vector,
      dev.zeros([n]),
      lengths,
      value,
      steps,
      n,
      1e-7,
      300,
    );
  const v = await numbers(vector);
  const [eigenvalue] = await numbers(value);
  const [taken] = await numbers(steps);
  assert.ok(taken! > 3 && taken! < 300, `${taken} steps`);
  assertNear([Math.hypot(...v)], [1], 1e-5, "length");
  assertNear(
    product(matrix, v, n, 1, n),
    v.map((e) => eigenvalue! * e),
    1e-2,
    "A v",
  );
});

test("a thread's pipeline moves on by its waits, where no stage is ever released", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`#include <cuda/pipeline>
    __global__ void f(const int* x, int* y) {
      __shared__ int stage[2][32];
      cuda::pipeline<cuda::thread_scope_thread> pipe = cuda::make_pipeline();
      const auto word = cuda::aligned_size_t<4>(sizeof(int));
      int sum = 0;
      for (int step = 0; step < 4; step++) {
        pipe.producer_acquire();
        cuda::memcpy_async(&stage[step % 2][threadIdx.x], &x[32 * step + threadIdx.x], word, pipe);
        pipe.producer_commit();
        pipe.consumer_wait();
        __syncthreads();
        sum = 10 * sum + stage[step % 2][31 - threadIdx.x];
        __syncthreads();
      }
      y[threadIdx.x] = sum;
    }`);
  const digits = Array.from({ length: 128 }, (_, i) => (i * 7) % 10);
  const y = dev.zeros([32], { dtype: "i32" });
  await kernel.launch({ grid: 1, block: 32 }, dev.tensor(Int32Array.from(digits)), y);
  assert.deepEqual(
    await numbers(y),
    Array.from({ length: 32 }, (_, t) =>
      [0, 1, 2, 3].reduce((sum, step) => 10 * sum + digits[32 * step + 31 - t]!, 0),
    ),
  );
});
