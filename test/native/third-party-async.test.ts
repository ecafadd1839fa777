import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNear, compiled, cpu, noise, numbers, product } from "./third-party-support";

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

test("conjugate gradients converge in one cooperative launch", async () => {
  const dev = await cpu();
  const module = await compiled("grid_sync.cu");
  const n = 500;
  const entries = Array.from({ length: n }, (_, i) =>
    [i - 1, i, i + 1].filter((j) => j >= 0 && j < n).map((j) => [j, i === j ? 2.5 : -1] as const),
  );
  const offsets = Int32Array.from({ length: n + 1 }, () => 0);
  for (const [i, row] of entries.entries()) offsets[i + 1] = offsets[i]! + row.length;
  const columns = Int32Array.from(entries.flat(), ([j]) => j);
  const values = Float32Array.from(entries.flat(), ([, v]) => v);
  const rhs = noise(n, 4);
  const vector = () => dev.zeros([n]);
  const [x, ax, p, r] = [vector(), vector(), vector(), dev.tensor(rhs)];
  module
    .kernel()
    .enqueue(
      { grid: 4, block: 128, shared: 8 * 4, cooperative: true },
      dev.tensor(offsets),
      dev.tensor(columns),
      dev.tensor(values),
      x,
      ax,
      p,
      r,
      dev.zeros([1], { dtype: "f64" }),
      n,
      1e-5,
      200,
    );
  const solution = await numbers(x);
  const residual = entries.map((row) => row.reduce((s, [j, v]) => s + v * solution[j]!, 0));
  assertNear(residual, rhs, 1e-4, "A x");
});

test("the last block to retire adds the partial sums, launch after launch", async () => {
  const dev = await cpu();
  const module = await compiled("last_block.cu", "reduceSinglePass<128>");
  const [n, grid] = [10_000, 13];
  const x = Float32Array.from({ length: n }, (_, i) => (i % 23) - 11);
  const expected = x.reduce((s, v) => s + v, 0);
  for (let launch = 0; launch < 3; launch++) {
    const out = dev.zeros([grid]);
    module.kernel().enqueue({ grid, block: 128, shared: 4 * 128 }, dev.tensor(x), out, n);
    assert.equal((await numbers(out))[0], expected, `launch ${launch}`);
  }
});
