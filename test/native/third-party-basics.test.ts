import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNear, compiled, cpu, noise, numbers } from "./third-party-support";

test("vectorAdd, a grid-stride saxpy and a 2D image kernel", async () => {
  const dev = await cpu();
  const m = await compiled("vector_add.cu");
  const n = 50_003;
  const [a, b] = [noise(n, 1), noise(n, 2)];
  const [da, db, dc] = [dev.tensor(a), dev.tensor(b), dev.zeros([n])];
  m.kernel("vectorAdd").enqueue({ grid: Math.ceil(n / 256), block: 256 }, da, db, dc, n);
  assertNear(
    (await dc.read()) as Float32Array,
    a.map((v, i) => v + b[i]!),
    0,
    "C",
  );
  m.kernel("saxpyStride").enqueue({ grid: 3, block: 64 }, n, 2, da, db);
  assertNear(
    (await db.read()) as Float32Array,
    a.map((v, i) => 2 * v + b[i]!),
    1e-6,
    "y",
  );

  const [rows, cols] = [37, 61];
  const pixels = Uint8Array.from({ length: rows * cols * 4 }, (_, i) => (i * 37) % 256);
  const grey = dev.zeros([rows, cols], { dtype: "u8" });
  m.kernel("rgbaToGrey").enqueue({ grid: [4, 3], block: [16, 16] }, dev.tensor(pixels), grey, rows, cols);
  const expected = Float64Array.from({ length: rows * cols }, (_, i) =>
    Math.floor(0.299 * pixels[4 * i]! + 0.587 * pixels[4 * i + 1]! + 0.114 * pixels[4 * i + 2]!),
  );
  assertNear(await numbers(grey), expected, 1, "grey");
});

test("the seven reductions add up, for int and float and lengths that fill no block", async () => {
  const dev = await cpu();
  const names = ["int", "float"].flatMap((t) => [
    ...[0, 1, 2, 3].map((i) => `reduce${i}<${t}>`),
    `reduce4<${t}, 128>`,
    `reduce5<${t}, 128>`,
    `reduce6<${t}, 128, false>`,
  ]);
  const m = await compiled("reduction.cu", ...names, "reduce6<int, 256, true>");
  for (const [name, kernel] of Object.entries(m.kernels)) {
    const block = name.includes("256") ? 256 : 128;
    for (const n of name.includes("true") ? [4096] : [1, 1000, 4097]) {
      const dtype = name.includes("int") ? "i32" : "f32";
      const values = Float64Array.from({ length: n }, (_, i) => ((i * 7919) % 201) - 100);
      const perBlock = /reduce[012]</.test(name) ? block : 2 * block;
      const grid = name.startsWith("reduce6") ? 3 : Math.ceil(n / perBlock);
      const out = dev.zeros([grid], { dtype });
      kernel.enqueue({ grid, block, shared: 4 * block }, dev.tensor(values, [n], dtype), out, n);
      const sum = (await numbers(out)).reduce((s, v) => s + v, 0);
      assert.equal(
        sum,
        values.reduce((s, v) => s + v, 0),
        `${name} of ${n}`,
      );
    }
  }
});

test("the transposes agree with the definition", async () => {
  const dev = await cpu();
  const m = await compiled("transpose.cu");
  const [width, height] = [96, 64];
  const x = noise(width * height);
  const expected = Float64Array.from(x, (_, i) => x[(i % height) * width + Math.floor(i / height)]!);
  for (const [name, kernel] of Object.entries(m.kernels)) {
    const out = dev.zeros([width, height]);
    kernel.enqueue({ grid: [3, 2], block: [32, 8] }, out, dev.tensor(x), width, height);
    assertNear((await out.read()) as Float32Array, expected, 0, name);
  }
});

test("Hillis-Steele, Blelloch and the shuffled scan", async () => {
  const dev = await cpu();
  const m = await compiled("scan.cu");
  for (const n of [64, 512]) {
    const x = Float32Array.from({ length: n }, (_, i) => (i * 31) % 17);
    const exclusive = new Float64Array(n);
    for (let i = 1; i < n; i++) exclusive[i] = exclusive[i - 1]! + x[i - 1]!;
    const [a, b] = [dev.zeros([n]), dev.zeros([n])];
    m.kernel("scanNaive").enqueue({ grid: 1, block: n, shared: 8 * n }, a, dev.tensor(x), n);
    m.kernel("scanBlelloch").enqueue(
      { grid: 1, block: n / 2, shared: 4 * (n + n / 32) },
      b,
      dev.tensor(x),
      n,
    );
    assertNear(await numbers(a), exclusive, 0, "naive");
    assertNear(await numbers(b), exclusive, 0, "blelloch");
  }
  const data = dev.tensor(Int32Array.from({ length: 512 }, (_, i) => (i % 13) - 3));
  const totals = dev.zeros([2], { dtype: "i32" });
  const before = await numbers(data);
  m.kernel("shfl_scan_test").enqueue({ grid: 2, block: 256, shared: 32 * 4 }, data, 32, totals);
  const inclusive = before.slice();
  for (let i = 0; i < 512; i++) if (i % 256 !== 0) inclusive[i]! += inclusive[i - 1]!;
  assert.deepEqual(await numbers(data), inclusive);
  assert.deepEqual(await numbers(totals), [inclusive[255], inclusive[511]]);
});

test("histograms by warps and by aggregated atomics", async () => {
  const dev = await cpu();
  const m = await compiled("histogram.cu");
  const bytes = Uint8Array.from(
    { length: 40_000 },
    (_, i) => (Math.imul(i, 2654435761) >>> 24) & (i % 3 ? 255 : 7),
  );
  const expected = new Array<number>(256).fill(0);
  for (const b of bytes) expected[b]!++;
  const words = new Uint32Array(bytes.buffer);
  const partial = dev.zeros([5 * 256], { dtype: "u32" });
  const bins = dev.zeros([256], { dtype: "u32" });
  m.kernel("histogram256Kernel").enqueue({ grid: 5, block: 192 }, partial, dev.tensor(words), words.length);
  m.kernel("mergeHistogram256Kernel").enqueue({ grid: 256, block: 64 }, bins, partial, 5);
  assert.deepEqual(await numbers(bins), expected);
  bins.fill(0);
  m.kernel("histogramAggregated").enqueue({ grid: 157, block: 256 }, bins, dev.tensor(bytes), bytes.length);
  assert.deepEqual(await numbers(bins), expected);
});

test("bitonic sort carries its values and merge sort orders keys", async () => {
  const dev = await cpu();
  const m = await compiled("sort.cu");
  const n = 1024;
  const keys = Uint32Array.from({ length: n }, (_, i) => Math.imul(i + 1, 2654435761) >>> 22);
  const values = Uint32Array.from({ length: n }, (_, i) => i);
  const [k, v, merged] = [0, 0, 0].map(() => dev.zeros([n], { dtype: "u32" })) as [never, never, never];
  m.kernel("bitonicSortShared").enqueue(
    { grid: 2, block: 256 },
    k,
    v,
    dev.tensor(keys),
    dev.tensor(values),
    512,
    1,
  );
  m.kernel("mergeSortShared").enqueue({ grid: 2, block: 256 }, merged, dev.tensor(keys), 512);
  const expected = [0, 512].flatMap((s) => Array.from(keys.subarray(s, s + 512)).sort((a, b) => a - b));
  const [sortedKeys, sortedValues] = [await numbers(k), await numbers(v)];
  assert.deepEqual(sortedKeys, expected);
  assert.deepEqual(
    sortedValues.map((at) => keys[at]),
    expected,
  );
  assert.equal(new Set(sortedValues).size, n);
  assert.deepEqual(await numbers(merged), expected);
});

test("Monte Carlo counts the very hits that the same generator gives here", async () => {
  const dev = await cpu();
  const m = await compiled("monte_carlo.cu");
  const [grid, block, samples] = [3, 96, 50];
  const hits = dev.zeros([1], { dtype: "i64" });
  m.kernel("estimatePi").enqueue({ grid, block }, hits, samples);
  let expected = 0;
  for (let t = 0; t < grid * block; t++) {
    let state = t + 1;
    const uniform = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 8) / 2 ** 24;
    };
    for (let i = 0; i < samples; i++) {
      const [x, y] = [uniform(), uniform()];
      if (x * x + y * y <= 1) expected++;
    }
  }
  const [counted] = await numbers(hits);
  assert.ok(
    Math.abs(counted! - expected) <= 1,
    `${counted} and ${expected}: only a float rounding may differ`,
  );
});

test("Mandelbrot in float and double agrees with the recurrence", async () => {
  const dev = await cpu();
  const m = await compiled("mandelbrot.cu", "Mandelbrot0<double>", "Mandelbrot0<float>");
  const [w, h, crunch] = [61, 33, 60];
  const out = dev.zeros([h, w, 4], { dtype: "u8" });
  const colour = { x: 3, y: 5, z: 7, w: 0 };
  const config = { grid: [4, 3], block: [16, 16] };
  const expected = new Uint8Array(w * h * 4);
  for (let i = 0; i < w * h; i++) {
    const [px, py] = [(i % w) * 0.05 - 2, Math.floor(i / w) * 0.05 - 1];
    let [x, y, xx, yy, left] = [0, 0, 0, 0, crunch];
    while (--left && xx + yy < 4) {
      y = x * y * 2 + py;
      x = xx - yy + px;
      yy = y * y;
      xx = x * x;
    }
    const steps = left > 0 ? crunch - left : 0;
    expected.set([3 * steps, 5 * steps, 7 * steps, 0], 4 * i);
  }
  // Where an orbit runs along the set's border, the last bit of a fused product decides: few pixels may differ.
  for (const [name, share] of [
    ["Mandelbrot0<double>", 0.01],
    ["Mandelbrot0<float>", 0.03],
  ] as const) {
    m.kernel(name).enqueue(config, out, w, h, crunch, -2, -1, 0.05, colour);
    const wrong = (await numbers(out)).filter((v, i) => v !== expected[i]).length;
    assert.ok(wrong < share * expected.length, `${name}: ${wrong} of ${expected.length} bytes differ`);
  }
});

test("breadth-first search finds every distance", async () => {
  const dev = await cpu();
  const m = await compiled("bfs.cu");
  const vertices = 3000;
  const edges = Array.from({ length: vertices }, (_, v) => [
    (v * 7 + 1) % vertices,
    (v * 13 + 5) % vertices,
    ...(v % 50 === 0 ? Array.from({ length: 40 }, (_, j) => (v + j * 61) % vertices) : []),
  ]);
  const offsets = Int32Array.from({ length: vertices + 1 }, () => 0);
  for (const [v, out] of edges.entries()) offsets[v + 1] = offsets[v]! + out.length;
  const expected = new Array<number>(vertices).fill(-1);
  expected[0] = 0;
  const queue = [0];
  for (const v of queue) {
    for (const u of edges[v]!) {
      if (expected[u] === -1) {
        expected[u] = expected[v]! + 1;
        queue.push(u);
      }
    }
  }
  const distance = dev.full([vertices], -1, { dtype: "i32" });
  await distance.slice(0, 1).write([0]);
  let frontier = dev.zeros([vertices], { dtype: "i32" });
  let next = dev.zeros([vertices], { dtype: "i32" });
  const size = dev.zeros([1], { dtype: "i32" });
  const [o, c] = [dev.tensor(offsets), dev.tensor(Int32Array.from(edges.flat()))];
  for (let level = 0, count = 1; count > 0; level++) {
    size.fill(0);
    m.kernel("bfs_kernel").enqueue(
      { grid: 4, block: 64 },
      o,
      c,
      distance,
      frontier,
      count,
      next,
      size,
      level,
    );
    count = Number((await size.read())[0]);
    [frontier, next] = [next, frontier];
  }
  assert.deepEqual(await numbers(distance), expected);
});

test("Life on a torus, and its packed words and count", async () => {
  const dev = await cpu();
  const m = await compiled("life.cu");
  const [w, h] = [96, 40];
  const cells = Uint8Array.from({ length: w * h }, (_, i) =>
    Math.imul(i + 7, 2654435761) >>> 30 === 0 ? 1 : 0,
  );
  const expected = cells.map((self, i) => {
    const [x, y] = [i % w, Math.floor(i / w)];
    let n = -self;
    for (const dy of [-1, 0, 1])
      for (const dx of [-1, 0, 1]) n += cells[((y + dy + h) % h) * w + ((x + dx + w) % w)]!;
    return n === 3 || (self && n === 2) ? 1 : 0;
  });
  const out = dev.zeros([h, w], { dtype: "u8" });
  m.kernel("lifeShared").enqueue({ grid: [3, 5], block: [32, 8] }, dev.tensor(cells), out, w, h);
  assert.deepEqual(await numbers(out), Array.from(expected));
  const words = dev.zeros([(w * h) / 32], { dtype: "u32" });
  const alive = dev.zeros([1], { dtype: "i32" });
  m.kernel("packAndCount").enqueue({ grid: 15, block: 256 }, out, words, alive, w * h);
  assert.deepEqual(await numbers(alive), [expected.reduce((s, v) => s + v, 0)]);
  const bits = (await numbers(words)).flatMap((word) =>
    Array.from({ length: 32 }, (_, b) => (word >>> b) & 1),
  );
  assert.deepEqual(bits, Array.from(expected));
});
