import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as lab from "kernel-lab";

// Kernels that somebody else wrote for GPUs, as they stand in the crate candle-kernels 0.9.1 (Apache-2.0 or MIT). They are
// not ours to commit: unpack the crate and name its folder in KERNEL_LAB_CANDLE to run this.

const root = process.env.KERNEL_LAB_CANDLE;
const sources = root ? join(root, "src") : "";
const skip =
  sources && existsSync(join(sources, "reduce.cu"))
    ? false
    : "no third-party kernels: unpack the crate candle-kernels 0.9.1 and set KERNEL_LAB_CANDLE to its folder";

let device: lab.Device;
before(async () => {
  device = await lab.open("cpu");
});
after(() => device.close());

async function kernel(file: string, name: string): Promise<lab.Kernel> {
  return device.compile(readFileSync(join(sources, file), "utf8"), {
    name,
    fileName: file,
    includes: [sources],
  });
}

const rows = 7;
const cols = 333;

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    assert.ok(error <= tolerance * (1 + Math.abs(expected[i]!)), `[${i}] ${actual[i]} for ${expected[i]}`);
  }
}

async function matrix(seed: number, dtype: lab.DType = "f32") {
  const x = device.randn([rows, cols], { seed, dtype, outliers: { fraction: 0.01, scale: 8 } });
  return { x, values: Array.from((await x.read()) as Float32Array) };
}

const byRow = (values: readonly number[], f: (row: readonly number[]) => readonly number[]): number[] =>
  Array.from({ length: rows }, (_, r) => f(values.slice(r * cols, (r + 1) * cols))).flat();

for (const [dtype, tolerance] of [
  ["f32", 1e-5],
  ["f16", 4e-3],
  ["bf16", 3e-2],
] as const) {
  test(`candle softmax_${dtype} agrees with float64`, { skip }, async () => {
    const { x, values } = await matrix(1, dtype);
    const y = device.empty([rows, cols], { dtype });
    const softmax = await kernel("reduce.cu", `softmax_${dtype}`);
    await softmax.launch({ grid: rows, block: [1, 32, 1] }, x, y, cols);
    const expected = byRow(values, (row) => {
      const max = Math.max(...row);
      const sum = row.reduce((total, v) => total + Math.exp(v - max), 0);
      return row.map((v) => Math.exp(v - max) / sum);
    });
    close((await y.read()) as Float32Array, expected, tolerance);
  });

  test(`candle layernorm_${dtype} and rmsnorm_${dtype} agree with float64`, { skip }, async () => {
    const { x, values } = await matrix(2, dtype);
    const alpha = device.randn([cols], { seed: 3, dtype });
    const beta = device.randn([cols], { seed: 4, dtype });
    const a = Array.from((await alpha.read()) as Float32Array);
    const b = Array.from((await beta.read()) as Float32Array);
    const y = device.empty([rows, cols], { dtype });
    const eps = 1e-5;
    const layernorm = await kernel("reduce.cu", `layernorm_${dtype}`);
    await layernorm.launch({ grid: rows, block: 256 }, x, y, alpha, beta, cols, 256, eps);
    const layer = byRow(values, (row) => {
      const mean = row.reduce((s, v) => s + v, 0) / cols;
      const variance = row.reduce((s, v) => s + v * v, 0) / cols - mean * mean;
      return row.map((v, i) => ((v - mean) / Math.sqrt(variance + eps)) * a[i]! + b[i]!);
    });
    close((await y.read()) as Float32Array, layer, tolerance * 3);
    const rmsnorm = await kernel("reduce.cu", `rmsnorm_${dtype}`);
    await rmsnorm.launch({ grid: rows, block: 1024 }, x, y, alpha, cols, 1024, eps);
    const rms = byRow(values, (row) => {
      const scale = 1 / Math.sqrt(row.reduce((s, v) => s + v * v, 0) / cols + eps);
      return row.map((v, i) => v * scale * a[i]!);
    });
    close((await y.read()) as Float32Array, rms, tolerance * 3);
  });
}

test("candle fast_sum, fast_max and fast_argmin reduce strided rows", { skip }, async () => {
  const { x, values } = await matrix(5);
  const info = device.tensor(BigInt64Array.from([rows, cols, cols, 1].map(BigInt)));
  const config = { grid: rows, block: 1024 };
  const y = device.empty([rows]);
  await (await kernel("reduce.cu", "fast_sum_f32")).launch(config, rows * cols, cols, 2, info, x, y);
  close(
    (await y.read()) as Float32Array,
    byRow(values, (row) => [row.reduce((s, v) => s + v, 0)]),
    1e-4,
  );
  await (await kernel("reduce.cu", "fast_max_f32")).launch(config, rows * cols, cols, 2, info, x, y);
  close(
    (await y.read()) as Float32Array,
    byRow(values, (row) => [Math.max(...row)]),
    0,
  );
  const at = device.empty([rows], { dtype: "u32" });
  await (await kernel("reduce.cu", "fast_argmin_f32")).launch(config, rows * cols, cols, 2, info, x, at);
  close(
    (await at.read()) as Uint32Array,
    byRow(values, (row) => [row.indexOf(Math.min(...row))]),
    0,
  );
});

test("candle asort_desc_f32 sorts with dynamic shared memory", { skip }, async () => {
  const { x, values } = await matrix(6);
  const order = device.empty([rows, cols], { dtype: "u32" });
  const sort = await kernel("sort.cu", "asort_desc_f32");
  await sort.launch({ grid: [1, rows, 1], block: 512, shared: 512 * 4 }, x, order, cols, 512);
  const read = Array.from((await order.read()) as Uint32Array);
  const sorted = read.map((column, i) => values[Math.floor(i / cols) * cols + column]!);
  close(
    sorted,
    byRow(values, (row) => [...row].sort((a, b) => b - a)),
    0,
  );
});

test("candle rope_f32 rotates", { skip }, async () => {
  const [heads, time, dim] = [3, 11, 16];
  const x = device.randn([heads, time, dim], { seed: 7 });
  const cos = device.randn([time, dim / 2], { seed: 8 });
  const sin = device.randn([time, dim / 2], { seed: 9 });
  const y = device.empty([heads, time, dim]);
  const rope = await kernel("reduce.cu", "rope_f32");
  const pairs = (heads * time * dim) / 2;
  await rope.launch({ grid: lab.ceilDiv(pairs, 64), block: 64 }, x, cos, sin, y, heads, time * dim, dim, 0);
  const [v, c, s] = await Promise.all([x, cos, sin].map(async (t) => (await t.read()) as Float32Array));
  const expected = new Float64Array(heads * time * dim);
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < time; t++) {
      for (let d = 0; d < dim / 2; d++) {
        const i = (h * time + t) * dim + d;
        const [a, b] = [v![i]!, v![i + dim / 2]!];
        const [co, si] = [c![(t * dim) / 2 + d]!, s![(t * dim) / 2 + d]!];
        expected[i] = a * co - b * si;
        expected[i + dim / 2] = a * si + b * co;
      }
    }
  }
  close((await y.read()) as Float32Array, expected, 1e-5);
});

test("candle affine, cast, where and index_select kernels agree", { skip }, async () => {
  const { x, values } = await matrix(10);
  const n = rows * cols;
  const info = device.tensor(BigInt64Array.from([rows, cols, cols, 1, cols, 1, cols, 1].map(BigInt)));
  const y = device.empty([rows, cols]);
  const config = { grid: 4, block: 128 };
  await (await kernel("affine.cu", "affine_f32")).launch(config, n, 2, info, x, y, 2.5, -1);
  close(
    (await y.read()) as Float32Array,
    values.map((v) => v * 2.5 - 1),
    1e-6,
  );
  const half = device.empty([rows, cols], { dtype: "f16" });
  await (await kernel("cast.cu", "cast_f32_f16")).launch(config, n, 2, info, x, half);
  close((await half.read()) as Float32Array, values, 1e-3);
  const mask = device.tensor(Uint8Array.from(values, (v) => (v > 0 ? 1 : 0)));
  await (await kernel("ternary.cu", "where_u8_f32")).launch(config, n, 2, info, mask, x, y, y);
  const ids = device.tensor(Uint32Array.from([6, 0, 3, 3]));
  const picked = device.empty([4, cols]);
  const select = await kernel("indexing.cu", "is_u32_f32");
  await select.launch(config, 4 * cols, 2, info, ids, x, picked, 1, rows, 4, cols);
  close(
    (await picked.read()) as Float32Array,
    [6, 0, 3, 3].flatMap((row) => values.slice(row * cols, (row + 1) * cols)),
    0,
  );
});

test("candle's q8_0 blocks come back, and its scales are applied", { skip }, async () => {
  // A block: an fp16 scale and 32 signed bytes.
  const blocks = 64;
  const bytes = new Uint8Array(blocks * 34);
  const expected: number[] = [];
  for (let b = 0; b < blocks; b++) {
    bytes.set([0x00, 0x2c], b * 34); // 2^-4
    for (let i = 0; i < 32; i++) {
      const q = ((b * 37 + i * 11) % 255) - 127;
      bytes[b * 34 + 2 + i] = q & 0xff;
      expected.push(q / 16);
    }
  }
  const packed = device.tensor(bytes);
  const y = device.zeros([blocks * 32]);
  const dequantize = await kernel("quantized.cu", "dequantize_block_q8_0_f32");
  await dequantize.launch({ grid: lab.ceilDiv(blocks, 8), block: 32 }, packed, y, blocks);
  assert.equal(expected.length, blocks * 32);
  const read = (await y.read()) as Float32Array;
  const wrong = expected.filter((v, i) => v !== read[i]).length;
  assert.equal(wrong, 0);
});
