import { test } from "node:test";
import { Bench, close, values } from "./support";

// Kernels of inference engines, from their own files: ggml's CUDA backend (MIT) and exllamav2 (MIT).

const ggml = new Bench("ggml");
const exllamav2 = new Bench("exllamav2");
const [rows, cols] = [7, 334];

const byRow = (
  all: readonly number[],
  f: (row: readonly number[], r: number) => readonly number[],
): number[] => Array.from({ length: rows }, (_, r) => f(all.slice(r * cols, (r + 1) * cols), r)).flat();
const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

test("ggml: softmax of rows, with a structure of parameters", { skip: ggml.skip }, async () => {
  const { device } = ggml;
  const x = device.randn([rows, cols], { seed: 1, outliers: { fraction: 0.01, scale: 8 } });
  const y = device.empty([rows, cols]);
  const softmax = await ggml.kernel("softmax.cu", "soft_max_f32<true, 0, 0, float>");
  const parameters = {
    nheads: 1,
    n_head_log2: 1,
    ncols: cols,
    nrows_x: rows,
    nrows_y: 1,
    ne00: cols,
    ne01: rows,
    ne02: 1,
    ne03: 1,
    nb11: 0,
    nb12: 0,
    nb13: 0,
    ne12: 1,
    ne13: 1,
    scale: 0.5,
    max_bias: 0,
    m0: 1,
    m1: 1,
  };
  const shared = (Math.ceil(cols / 32) * 32 + 32) * 4;
  await softmax.launch({ grid: [rows, 1, 1], block: 128, shared }, x, null, null, y, parameters);
  const expected = byRow(await values(x), (row) => {
    const max = Math.max(...row);
    const weights = row.map((v) => Math.exp((v - max) / 2));
    return weights.map((weight) => weight / sum(weights));
  });
  close(await values(y), expected, 1e-5);
});

test("ggml: layer norm and its RMS relative of rows", { skip: ggml.skip }, async () => {
  const { device } = ggml;
  const x = device.randn([rows, cols], { seed: 2, outliers: { fraction: 0.01, scale: 8 } });
  const given = await values(x);
  const eps = 1e-5;
  const y = device.empty([rows, cols]);
  const norm = await ggml.kernel("norm.cu", "norm_f32<32>");
  await norm.launch({ grid: rows, block: 32 }, x, y, cols, cols, 0, 0, eps);
  const layer = byRow(given, (row) => {
    const mean = sum(row) / cols;
    const variance = sum(row.map((v) => v * v)) / cols - mean * mean;
    return row.map((v) => (v - mean) / Math.sqrt(variance + eps));
  });
  close(await values(y), layer, 1e-4);
  const l2 = await ggml.kernel("norm.cu", "l2_norm_f32<256>");
  await l2.launch({ grid: rows, block: 256, shared: 128 }, x, y, cols, cols, 0, 0, eps);
  const unit = byRow(given, (row) =>
    row.map((v) => v / Math.max(Math.sqrt(sum(row.map((w) => w * w))), eps)),
  );
  close(await values(y), unit, 1e-5);
});

test("ggml: scale, softcap, SiLU and the causal mask", { skip: ggml.skip }, async () => {
  const { device } = ggml;
  const x = device.randn([rows, cols], { seed: 3 });
  const given = await values(x);
  const count = rows * cols;
  const y = device.empty([rows, cols]);
  const config = { grid: 10, block: 256 };
  await (await ggml.kernel("scale.cu", "scale_f32<float>")).launch(config, x, y, 1.5, -2, count);
  close(
    await values(y),
    given.map((v) => 1.5 * v - 2),
    1e-6,
  );
  await (await ggml.kernel("softcap.cu", "softcap_f32")).launch(config, x, y, 0.2, 5, count);
  close(
    await values(y),
    given.map((v) => 5 * Math.tanh(0.2 * v)),
    1e-5,
  );
  await (await ggml.kernel("unary.cu", "unary_op_kernel<op_silu, float>")).launch(config, x, y, count);
  close(
    await values(y),
    given.map((v) => v / (1 + Math.exp(-v))),
    1e-5,
  );
  const mask = await ggml.kernel("diagmask.cu", "diag_mask_inf_f32");
  await mask.launch({ grid: [rows, Math.ceil(cols / 32)], block: [1, 32] }, x, y, cols, rows, 2);
  const seen = byRow(await values(y), (row, r) => row.map((v, c) => (c > r + 2 ? (v < -1e30 ? 0 : 1) : v)));
  close(
    seen,
    byRow(given, (row, r) => row.map((v, c) => (c > r + 2 ? 0 : v))),
    0,
  );
});

test("exllamav2: RMS norm of half rows and softcap", { skip: exllamav2.skip }, async () => {
  const { device } = exllamav2;
  const x = device.randn([rows, cols], { seed: 4, dtype: "f16" });
  const w = device.randn([cols], { seed: 5, dtype: "f16" });
  const y = device.zeros([rows, cols], { dtype: "f16" });
  const norm = await exllamav2.kernel("cuda/rms_norm.cu", "rms_norm_kernel<1>");
  const sizes = [1 / cols, rows, cols] as const;
  await norm.launch({ grid: rows, block: 1024 }, x, w, y, 1e-5, ...sizes, false, false, false);
  const weights = await values(w);
  const expected = byRow(await values(x), (row) => {
    const scale = 1 / Math.sqrt(sum(row.map((v) => v * v)) / cols + 1e-5);
    return row.map((v, c) => v * scale * weights[c]!);
  });
  close(await values(y), expected, 4e-3);
  const z = device.randn([1000], { seed: 6 });
  const given = await values(z);
  const softcap = await exllamav2.kernel("cuda/softcap.cu", "cuda_softcap_kernel");
  await softcap.launch({ grid: 4, block: 256 }, z, 1000, 1.5);
  close(
    await values(z),
    given.map((v) => 1.5 * Math.tanh(v / 1.5)),
    1e-5,
  );
});
