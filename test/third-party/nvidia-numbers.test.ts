import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, close, gemm, values } from "./support";

// Matrices, filters, transforms and sums of NVIDIA's CUDA samples 11.8, from their own files.

const bench = new Bench("nvidia");
const skip = bench.skip;
const concepts = "2_Concepts_and_Techniques";

for (const [file, kernel, tile] of [
  ["0_Introduction/matrixMul/matrixMul.cu", "MatrixMulCUDA<16>", 16],
  ["0_Introduction/matrixMul/matrixMul.cu", "MatrixMulCUDA<32>", 32],
  ["0_Introduction/matrixMul_nvrtc/matrixMul_kernel.cu", "matrixMulCUDA_block16", 16],
  ...[
    "MatrixMulAsyncCopyMultiStageLargeChunk",
    "MatrixMulAsyncCopyLargeChunk",
    "MatrixMulAsyncCopyLargeChunkAWBarrier",
    "MatrixMulAsyncCopySingleStage",
    "MatrixMulAsyncCopyMultiStage",
    "MatrixMulAsyncCopyMultiStageSharedState",
    "MatrixMulNaive",
    "MatrixMulNaiveLargeChunk",
  ].map(
    (name) =>
      ["3_CUDA_Features/globalToShmemAsyncCopy/globalToShmemAsyncCopy.cu", `${name}<16>`, 16] as const,
  ),
] as const) {
  test(`matrices: ${kernel}`, { skip }, async () => {
    // The kernels of large chunks take their part of B where A's would lie, which the sample's own numbers hide: a square
    // B of one value, as there.
    const large = kernel.includes("LargeChunk");
    const [m, n, k] = large ? [3 * tile, 3 * tile, 3 * tile] : [3 * tile, 2 * tile, 5 * tile];
    const { device } = bench;
    const a = device.randn([m, k], { seed: 1 });
    const b = large ? device.full([k, n], 0.25) : device.randn([k, n], { seed: 2 });
    const c = device.zeros([m, n]);
    const multiply = await bench.kernel(file, kernel);
    // One of them copies with a row of threads more.
    const rows = kernel.includes("SharedState") ? tile + 4 : tile;
    await multiply.launch({ grid: [n / tile, m / tile], block: [tile, rows] }, c, a, b, k, n);
    close(await values(c), gemm([m, n, k], await values(a), await values(b)), 1e-4);
  });
}

test("transpose: six kernels", { skip }, async () => {
  const [width, height] = [96, 64];
  const { device } = bench;
  const module = await bench.module("6_Performance/transpose/transpose.cu");
  const x = device.randn([height, width], { seed: 3 });
  const given = await values(x);
  const turned = given.map((_, i) => given[(i % height) * width + Math.floor(i / height)]!);
  for (const [name, expected] of [
    ["transposeNaive", turned],
    ["transposeCoalesced", turned],
    ["transposeNoBankConflicts", turned],
    ["transposeDiagonal", turned],
    ["copy", given],
  ] as const) {
    const y = device.zeros([width * height]);
    const tile = 16;
    await module
      .kernel(name)
      .launch({ grid: [width / tile, height / tile], block: [tile, 16] }, y, x, width, height);
    assert.deepEqual(await values(y), expected, name);
  }
});

test("convolutionSeparable: rows and columns with a radius of 8", { skip }, async () => {
  const [width, height, radius] = [256, 64, 8];
  const { device } = bench;
  const module = await bench.module(`${concepts}/convolutionSeparable/convolutionSeparable.cu`);
  const weights = Float32Array.from({ length: 17 }, (_, i) => Math.cos(i * 1.3) / 4);
  await (await module.symbol("c_Kernel")).write(weights);
  const x = device.randn([height, width], { seed: 5 });
  const given = await values(x);
  const y = device.zeros([height, width]);
  const convolve = (step: number, place: (i: number) => number, extent: number): number[] =>
    given.map((_, i) => {
      let sum = 0;
      for (let j = -radius; j <= radius; j++) {
        const at = place(i) + j;
        if (at >= 0 && at < extent) sum += weights[radius - j]! * given[i + j * step]!;
      }
      return sum;
    });
  const rows = module.kernel("convolutionRowsKernel");
  await rows.launch({ grid: [width / 128, height / 4], block: [16, 4] }, y, x, width, height, width);
  close(
    await values(y),
    convolve(1, (i) => i % width, width),
    1e-5,
  );
  const columns = module.kernel("convolutionColumnsKernel");
  await columns.launch({ grid: [width / 16, height / 64], block: [16, 8] }, y, x, width, height, width);
  close(
    await values(y),
    convolve(width, (i) => Math.floor(i / width), height),
    1e-5,
  );
});

test("fastWalshTransform: 8192 values in global and shared passes, and back", { skip }, async () => {
  const log = 13;
  const count = 1 << log;
  const { device } = bench;
  const module = await bench.module("5_Domain_Specific/fastWalshTransform/fastWalshTransform.cu");
  const x = device.randn([count], { seed: 6 });
  const given = await values(x);
  const global = module.kernel("fwtBatch2Kernel");
  const local = module.kernel("fwtBatch1Kernel");
  const transform = async (): Promise<void> => {
    await global.launch({ grid: [count / 1024, 1], block: 256 }, x, x, count / 4);
    const part = count / 4;
    await local.launch({ grid: 4, block: part / 4, shared: part * 4 }, x, x, log - 2);
  };
  await transform();
  const expected = Float64Array.from(given);
  for (let stride = 1; stride < count; stride *= 2) {
    for (let i = 0; i < count; i++) {
      if (i & stride) continue;
      const [a, b] = [expected[i]!, expected[i + stride]!];
      expected[i] = a + b;
      expected[i + stride] = a - b;
    }
  }
  close(await values(x), expected, 1e-4);
  await transform();
  await module.kernel("modulateKernel").launch({ grid: 3, block: 256 }, x, device.full([count], 1), count);
  close(await values(x), given, 1e-4);
});

test("simpleCooperativeGroups: sums over a block and its tiles of 16", { skip }, async () => {
  const kernel = await bench.kernel(
    "0_Introduction/simpleCooperativeGroups/simpleCooperativeGroups.cu",
    "cgkernel",
  );
  await kernel.launch({ grid: 1, block: 64, shared: 256 });
  await bench.device.sync();
  const { printed } = bench;
  assert.match(printed, /ranks 0\.\.63 in threadBlockGroup is 2016 \(expected 2016\)/);
  assert.equal([...printed.matchAll(/tiledPartition16 group is 120 \(expected 120\)/g)].length, 4);
});

test("reduction: its nine kernels and the one of several warps", { skip }, async () => {
  const count = 10007;
  const [blocks, threads] = [9, 256];
  const names = [
    ...["reduce0", "reduce1", "reduce2", "reduce3"].map((name) => `${name}<float>`),
    ...["reduce4", "reduce5"].map((name) => `${name}<float, 256>`),
    ...["reduce6", "reduce7"].map((name) => `${name}<float, 256, false>`),
    "cg_reduce<float>",
    "multi_warp_cg_reduce<float, 256, 64>",
  ];
  const module = await bench.module(`${concepts}/reduction/reduction_kernel.cu`, { names });
  const { device } = bench;
  const x = device.randn([count], { seed: 8 });
  const sum = (await values(x)).reduce((a, b) => a + b, 0);
  for (const name of names) {
    // The first four take one or two values a thread, the others any number.
    const grid = /[0-2]</.test(name)
      ? Math.ceil(count / threads)
      : /[3-5]</.test(name)
        ? Math.ceil(count / threads / 2)
        : blocks;
    const parts = device.zeros([grid]);
    await module.kernel(name).launch({ grid, block: threads, shared: 2048 }, x, parts, count);
    const total = (await values(parts)).reduce((a, b) => a + b, 0);
    close([total], [sum], 1e-3);
  }
});

test("threadFenceReduction and reductionMultiBlockCG: one launch for the whole sum", { skip }, async () => {
  const count = 5003;
  const { device } = bench;
  const x = device.randn([count], { seed: 9 });
  const sum = (await values(x)).reduce((a, b) => a + b, 0);
  const single = await bench.kernel(
    `${concepts}/threadFenceReduction/threadFenceReduction.cu`,
    "reduceSinglePass<128, false>",
  );
  const y = device.zeros([7]);
  await single.launch({ grid: 7, block: 128, shared: 1024 }, x, y, count);
  close((await values(y)).slice(0, 1), [sum], 1e-4);
  const whole = await bench.kernel(
    `${concepts}/reductionMultiBlockCG/reductionMultiBlockCG.cu`,
    "reduceSinglePassMultiBlockCG",
  );
  const z = device.zeros([4]);
  await whole.launch({ grid: 4, block: 128, shared: 1024, cooperative: true }, x, z, count);
  close((await values(z)).slice(0, 1), [sum], 1e-4);
});

test("scalarProd and fp16ScalarProduct", { skip }, async () => {
  const [vectors, length] = [5, 1003];
  const { device } = bench;
  const a = device.randn([vectors, length], { seed: 10 });
  const b = device.randn([vectors, length], { seed: 11 });
  const c = device.zeros([vectors]);
  const product = await bench.kernel(`${concepts}/scalarProd/scalarProd.cu`, "scalarProdGPU");
  await product.launch({ grid: 3, block: 256 }, c, a, b, vectors, length);
  const [va, vb] = [await values(a), await values(b)];
  const dot = (from: number, count: number, x = va, y = vb): number => {
    let sum = 0;
    for (let i = from; i < from + count; i++) sum += x[i]! * y[i]!;
    return sum;
  };
  close(
    await values(c),
    Array.from({ length: vectors }, (_, v) => dot(v * length, length)),
    1e-4,
  );
  // This sample's threads begin at their block's number behind the first block's width, and leave the pairs before out.
  const [ha, hb] = [
    device.randn([2048], { seed: 12, dtype: "f16" }),
    device.randn([2048], { seed: 13, dtype: "f16" }),
  ];
  const [xa, xb] = [await values(ha), await values(hb)];
  const parts = [0, 1].map((block) => {
    let sum = 0;
    for (let thread = 0; thread < 128; thread++) {
      for (let pair = thread + 128 + block; pair < 1024; pair += 256) sum += dot(2 * pair, 2, xa, xb);
    }
    return sum;
  });
  for (const name of ["scalarProductKernel_intrinsics", "scalarProductKernel_native"]) {
    const kernel = await bench.kernel("0_Introduction/fp16ScalarProduct/fp16ScalarProduct.cu", name);
    const results = device.zeros([2]);
    await kernel.launch({ grid: 2, block: 128 }, ha, hb, results, 1024);
    close(await values(results), parts, 2e-2);
  }
});

test("BlackScholes: calls and puts by the cumulative normal distribution", { skip }, async () => {
  const count = 1002;
  const { device } = bench;
  const [price, strike, years] = [
    [5, 30],
    [1, 100],
    [0.25, 10],
  ].map(([low, high], seed) => device.rand([count], { seed, low, high })) as ReturnType<typeof device.rand>[];
  const [call, put] = [device.zeros([count]), device.zeros([count])];
  const kernel = await bench.kernel("5_Domain_Specific/BlackScholes/BlackScholes.cu", "BlackScholesGPU");
  await kernel.launch({ grid: 5, block: 128 }, call, put, price!, strike!, years!, 0.02, 0.3, count);
  const [s, x, t] = await Promise.all([price!, strike!, years!].map(values));
  const normal = (d: number): number => {
    // Abramowitz and Stegun 26.2.17, as the sample has it.
    const k = 1 / (1 + 0.2316419 * Math.abs(d));
    const tail =
      k * (0.31938153 + k * (-0.356563782 + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))));
    const below = (Math.exp(-0.5 * d * d) / Math.sqrt(2 * Math.PI)) * tail;
    return d > 0 ? 1 - below : below;
  };
  const expected = s!.map((spot, i) => {
    const root = 0.3 * Math.sqrt(t![i]!);
    const d1 = (Math.log(spot / x![i]!) + (0.02 + 0.045) * t![i]!) / root;
    const discounted = x![i]! * Math.exp(-0.02 * t![i]!);
    return {
      call: spot * normal(d1) - discounted * normal(d1 - root),
      put: discounted * (1 - normal(d1 - root)) - spot * (1 - normal(d1)),
    };
  });
  close(
    await values(call),
    expected.map((one) => one.call),
    2e-4,
  );
  close(
    await values(put),
    expected.map((one) => one.put),
    2e-4,
  );
});
