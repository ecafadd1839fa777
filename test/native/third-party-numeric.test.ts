import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHalf, encodeHalf } from "kernel-lab/dist/core/float";
import { assertNear, compiled, cpu, noise, numbers, product } from "./third-party-support";

test("matrixMul by shared tiles of 16 and 32", async () => {
  const dev = await cpu();
  const [m, n, k] = [64, 96, 128];
  const [a, b] = [noise(m * k, 3), noise(k * n, 4)];
  const expected = product(a, b, m, n, k);
  const module = await compiled("matrix_mul.cu", "MatrixMulCUDA<16>", "MatrixMulCUDA<32>");
  for (const size of [16, 32]) {
    const c = dev.zeros([m, n]);
    const config = { grid: [n / size, m / size], block: [size, size] };
    module.kernel(`MatrixMulCUDA<${size}>`).enqueue(config, c, dev.tensor(a), dev.tensor(b), k, n);
    assertNear(await numbers(c), expected, 1e-4, `tile ${size}`);
  }
});

test("every step of the SGEMM ladder", async () => {
  const dev = await cpu();
  const [M, N, K] = [128, 128, 64];
  const [a, b, c0] = [noise(M * K, 5), noise(K * N, 6), noise(M * N, 7)];
  const [alpha, beta] = [0.5, 3];
  const expected = product(a, b, M, N, K).map((v, i) => alpha * v + beta * c0[i]!);
  const steps: [string, { grid: number[]; block: number[] }][] = [
    ["sgemm_naive", { grid: [8, 8], block: [16, 16] }],
    ["sgemm_global_mem_coalesce<32>", { grid: [4, 4], block: [1024] }],
    ["sgemm_shared_mem_block<32>", { grid: [4, 4], block: [1024] }],
    ["sgemm1DBlocktiling<64, 64, 8, 8>", { grid: [2, 2], block: [512] }],
    ["sgemmVectorize<64, 64, 8, 4, 8>", { grid: [2, 2], block: [128] }],
    ["sgemmVectorize<128, 128, 8, 8, 8>", { grid: [1, 1], block: [256] }],
    ["sgemmWarptiling<64, 64, 16, 32, 32, 2, 4, 4, 128>", { grid: [2, 2], block: [128] }],
  ];
  const module = await compiled("sgemm_ladder.cu", ...steps.map(([name]) => name));
  for (const [name, config] of steps) {
    const c = dev.tensor(c0);
    module.kernel(name).enqueue(config, M, N, K, alpha, dev.tensor(a), dev.tensor(b), beta, c);
    assertNear(await numbers(c), expected, 1e-4, name);
  }
});

test("separable convolution reads its filter from constant memory", async () => {
  const dev = await cpu();
  const module = await compiled("convolution_separable.cu");
  const [w, h, radius] = [128, 64, 8];
  const filter = noise(2 * radius + 1, 8);
  await (await module.symbol("c_Kernel")).write(filter);
  const image = noise(w * h, 9);
  const convolve = (from: ArrayLike<number>, stepX: number, stepY: number) =>
    Float64Array.from({ length: w * h }, (_, i) => {
      let sum = 0;
      for (let j = -radius; j <= radius; j++) {
        const [x, y] = [(i % w) + j * stepX, Math.floor(i / w) + j * stepY];
        if (x >= 0 && x < w && y >= 0 && y < h) sum += filter[radius - j]! * from[y * w + x]!;
      }
      return sum;
    });
  const [rows, both] = [dev.zeros([h, w]), dev.zeros([h, w])];
  module
    .kernel("convolutionRowsKernel")
    .enqueue({ grid: [2, 16], block: [16, 4] }, rows, dev.tensor(image), w, h, w);
  module.kernel("convolutionColumnsKernel").enqueue({ grid: [8, 2], block: [16, 8] }, both, rows, w, h, w);
  const expected = convolve(image, 1, 0);
  assertNear(await numbers(rows), expected, 1e-5, "rows");
  assertNear(await numbers(both), convolve(expected, 0, 1), 1e-4, "both");
});

test("n-body accelerations in float and double", async () => {
  const dev = await cpu();
  const module = await compiled("nbody.cu", "accelerations<float>", "accelerations<double>");
  const n = 256;
  const bodies = noise(4 * n, 10).map((v, i) => (i % 4 === 3 ? Math.abs(v) : v));
  const softening = 0.01;
  await (await module.symbol("softeningSquared")).write([softening]);
  await (await module.symbol("softeningSquared_fp64", "f64")).write([softening]);
  const expected = new Float64Array(4 * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const r = [0, 1, 2].map((d) => bodies[4 * j + d]! - bodies[4 * i + d]!);
      const s = bodies[4 * j + 3]! / (r[0]! ** 2 + r[1]! ** 2 + r[2]! ** 2 + softening) ** 1.5;
      for (let d = 0; d < 3; d++) expected[4 * i + d]! += r[d]! * s;
    }
  }
  for (const [type, dtype, bytes, tolerance] of [
    ["float", "f32", 4, 1e-2],
    ["double", "f64", 8, 1e-5],
  ] as const) {
    const out = dev.zeros([n, 4], { dtype });
    const positions = dev.tensor(bodies, [n, 4], dtype);
    const config = { grid: 4, block: 64, shared: 64 * 4 * bytes };
    module.kernel(`accelerations<${type}>`).enqueue(config, out, positions, n / 64);
    assertNear(await numbers(out), expected, tolerance, type);
  }
});

test("sparse matrix times vector, a row a thread and a row a group", async () => {
  const dev = await cpu();
  const names = ["spmv_scalar<float>", "spmv_vector<double, 4>", "spmv_vector<float, 32>"];
  const module = await compiled("spmv.cu", ...names);
  const rows = 301;
  const lengths = Array.from({ length: rows }, (_, r) => ((r * 7) % 19) + (r % 100 === 0 ? 80 : 0));
  const ptr = Int32Array.from({ length: rows + 1 }, () => 0);
  for (const [r, length] of lengths.entries()) ptr[r + 1] = ptr[r]! + length;
  const idx = Int32Array.from({ length: ptr[rows]! }, (_, j) => (j * 53) % rows);
  const [val, x] = [noise(idx.length, 11), noise(rows, 12)];
  const expected = Float64Array.from(lengths, (_, r) => {
    let sum = 0;
    for (let j = ptr[r]!; j < ptr[r + 1]!; j++) sum += val[j]! * x[idx[j]!]!;
    return sum;
  });
  for (const name of names) {
    const dtype = name.includes("double") ? "f64" : "f32";
    const y = dev.zeros([rows], { dtype });
    const inputs = [
      dev.tensor(ptr),
      dev.tensor(idx),
      dev.tensor(val, undefined, dtype),
      dev.tensor(x, undefined, dtype),
    ];
    module.kernel(name).enqueue({ grid: 5, block: 64 }, rows, ...inputs, y);
    assertNear(await numbers(y), expected, 1e-4, name);
  }
});

test("a radix-2 FFT agrees with the sum of its definition", async () => {
  const dev = await cpu();
  const module = await compiled("fft.cu");
  const [log2n, batches] = [7, 3];
  const n = 1 << log2n;
  const x = noise(2 * n * batches, 13);
  const out = dev.zeros([batches, n, 2]);
  module.kernel().enqueue({ grid: batches, block: n / 2, shared: 8 * n }, dev.tensor(x), out, log2n, -1);
  const expected = new Float64Array(x.length);
  for (let b = 0; b < batches; b++) {
    for (let f = 0; f < n; f++) {
      for (let t = 0; t < n; t++) {
        const angle = (-2 * Math.PI * f * t) / n;
        const [re, im] = [x[2 * (b * n + t)]!, x[2 * (b * n + t) + 1]!];
        expected[2 * (b * n + f)]! += re * Math.cos(angle) - im * Math.sin(angle);
        expected[2 * (b * n + f) + 1]! += re * Math.sin(angle) + im * Math.cos(angle);
      }
    }
  }
  assertNear(await numbers(out), expected, 1e-4, "fft");
});

test("the transformer kernels: layernorm, softmax, GELU, attention, a bfloat16 residual", async () => {
  const dev = await cpu();
  const module = await compiled("llm_kernels.cu");
  const [N, C] = [13, 100];
  const x = noise(N * C, 14).map((v, i) => (i % 97 === 0 ? 30 * v : v));
  const [weight, bias] = [noise(C, 15), noise(C, 16)];
  const config = { grid: Math.ceil(N / 4), block: 128 };
  const rows = Array.from({ length: N }, (_, r) => Array.from(x.subarray(r * C, (r + 1) * C)));

  const [out, mean, rstd] = [dev.zeros([N, C]), dev.zeros([N]), dev.zeros([N])];
  const inputs = [dev.tensor(x), dev.tensor(weight), dev.tensor(bias)];
  module.kernel("layernorm_forward_kernel3").enqueue(config, out, mean, rstd, ...inputs, N, C);
  const means = rows.map((row) => row.reduce((s, v) => s + v, 0) / C);
  const scales = rows.map(
    (row, r) => 1 / Math.sqrt(row.reduce((s, v) => s + (v - means[r]!) ** 2, 0) / C + 1e-5),
  );
  assertNear(await numbers(mean), means, 1e-5, "mean");
  const normal = rows.flatMap((row, r) =>
    row.map((v, c) => (v - means[r]!) * scales[r]! * weight[c]! + bias[c]!),
  );
  assertNear(await numbers(out), normal, 1e-4, "layernorm");

  module.kernel("softmax_forward_online_kernel8").enqueue(config, out, dev.tensor(x), N, C);
  const soft = rows.flatMap((row) => {
    const top = Math.max(...row);
    const total = row.reduce((s, v) => s + Math.exp(v - top), 0);
    return row.map((v) => Math.exp(v - top) / total);
  });
  assertNear(await numbers(out), soft, 1e-6, "softmax");

  module.kernel("gelu_forward_kernel2").enqueue({ grid: 3, block: 128 }, out, dev.tensor(x), N * C);
  const gelu = Array.from(
    x,
    (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
  );
  assertNear(await numbers(out), gelu, 1e-5, "gelu");

  const [B, T, D, NH] = [2, 9, 12, 3];
  const hs = D / NH;
  const qkv = noise(B * T * 3 * D, 17);
  const [pre, att, o] = [dev.zeros([B * NH * T * T]), dev.zeros([B * NH * T * T]), dev.zeros([B * T * D])];
  const d = dev.tensor(qkv);
  module.kernel("attention_query_key_kernel1").enqueue({ grid: 8, block: 64 }, pre, d, B, T, D, NH);
  module.kernel("attention_softmax_kernel1").enqueue({ grid: 1, block: 64 }, att, pre, B, T, NH);
  module.kernel("attention_value_kernel1").enqueue({ grid: 1, block: 64 }, o, att, d, B, T, D, NH);
  const expected = new Float64Array(B * T * D);
  for (let b = 0; b < B; b++) {
    for (let h = 0; h < NH; h++) {
      const at = (t: number, part: number, i: number) => qkv[(b * T + t) * 3 * D + part * D + h * hs + i]!;
      for (let t = 0; t < T; t++) {
        const p = Array.from({ length: t + 1 }, (_, u) => {
          let score = 0;
          for (let i = 0; i < hs; i++) score += at(t, 0, i) * at(u, 1, i);
          return Math.exp(score / Math.sqrt(hs));
        });
        const total = p.reduce((s, v) => s + v, 0);
        for (let i = 0; i < hs; i++) {
          expected[(b * T + t) * D + h * hs + i] = p.reduce((s, v, u) => s + (v / total) * at(u, 2, i), 0);
        }
      }
    }
  }
  assertNear(await numbers(o), expected, 1e-5, "attention");

  const [u, v] = [noise(1024, 18), noise(1024, 19)].map((t) => dev.tensor(t, undefined, "bf16"));
  const sum = dev.zeros([1024], { dtype: "bf16" });
  module.kernel("residual_forward_kernel").enqueue({ grid: 1, block: 128 }, sum, u!, v!);
  const [us, vs] = [await numbers(u!), await numbers(v!)];
  assertNear(
    await numbers(sum),
    us.map((a, i) => a + vs[i]!),
    2 ** -8,
    "residual",
  );
});

test("wmma multiplies half, bytes and tf32", async () => {
  const dev = await cpu();
  const module = await compiled("wmma_gemm.cu");
  const [m, n, k] = [32, 64, 48];
  const half = (values: Float32Array) => values.map((v) => decodeHalf(encodeHalf(v)));
  const [a, bt, c] = [half(noise(m * k, 20)), half(noise(n * k, 21)), noise(m * n, 22)];
  const b = Float32Array.from({ length: k * n }, (_, i) => bt[(i % n) * k + Math.floor(i / n)]!);
  const d = dev.zeros([m, n]);
  const inputs = [dev.tensor(a, undefined, "f16"), dev.tensor(bt, undefined, "f16"), dev.tensor(c)];
  module.kernel("simple_wmma_gemm").enqueue({ grid: [1, 2], block: [64, 2] }, ...inputs, d, m, n, k, 2, 0.5);
  assertNear(
    await numbers(d),
    product(a, b, m, n, k).map((v, i) => 2 * v + 0.5 * c[i]!),
    1e-4,
    "half",
  );

  const bytes = (count: number, seed: number) => Int8Array.from(noise(count, seed), (v) => 127 * v);
  const [x, yt] = [bytes(32 * 16, 23), bytes(16 * 8, 24)];
  const y = Int8Array.from({ length: 16 * 8 }, (_, i) => yt[(i % 8) * 16 + Math.floor(i / 8)]!);
  const z = dev.zeros([32, 8], { dtype: "i32" });
  module.kernel("wmma_bytes").enqueue({ grid: 1, block: 32 }, dev.tensor(x), dev.tensor(yt), z);
  assertNear(await numbers(z), product(x, y, 32, 8, 16), 0, "bytes");

  const [p, q] = [noise(16 * 8, 25), noise(8 * 16, 26)];
  const r = dev.zeros([16, 16]);
  module.kernel("wmma_tf32").enqueue({ grid: 1, block: 32 }, dev.tensor(p), dev.tensor(q), r);
  const exact = product(p, q, 16, 16, 8);
  const columns = Float64Array.from(exact, (_, i) => exact[(i % 16) * 16 + Math.floor(i / 16)]!);
  assertNear(await numbers(r), columns, 8 * 2 ** -10, "tf32");
  const off = (await numbers(r)).filter((v, i) => Math.abs(v - columns[i]!) > 1e-6).length;
  assert.ok(off > 100, "tf32 keeps 10 bits of mantissa, so most products differ from float's");
});
