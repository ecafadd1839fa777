import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNear, compiled, cpu, noise, numbers } from "./coverage-support";

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

test("arrays, a grid-stride loop and pixels of a 2D grid", async () => {
  const dev = await cpu();
  const m = await compiled("elementwise.cu");
  const n = 5003;
  const [x, y, out] = [noise(n, 1), noise(n, 2), dev.zeros([n])];
  const dx = dev.tensor(x);
  m.kernel("distances").enqueue({ grid: Math.ceil(n / 256), block: 256 }, dx, dev.tensor(y), out, n);
  assertNear(
    await numbers(out),
    x.map((v, i) => Math.hypot(v, y[i]!)),
    1e-6,
  );
  m.kernel("shrink").enqueue({ grid: 3, block: 64 }, dx, 0.25, n);
  const shrunk = Array.from(x, (v) => Math.sign(v) * Math.max(Math.abs(v) - 0.25, 0));
  assertNear(await numbers(dx), shrunk, 1e-6);

  const [width, height] = [61, 37];
  const pixels = Uint8Array.from({ length: width * height * 4 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  const colours = dev.zeros([height, width], { dtype: "u8" });
  const config = { grid: [4, 3], block: [16, 16] };
  m.kernel("colourfulness").enqueue(config, dev.tensor(pixels), colours, width, height);
  const expected = Array.from({ length: width * height }, (_, i) => {
    const [r, g, b, alpha] = pixels.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    return Math.floor(((Math.max(r, g, b) - Math.min(r, g, b)) * alpha) / 255);
  });
  assert.deepEqual(await numbers(colours), expected);
});

test("rows folded by sums and maxima, for blocks of 64 to 512", async () => {
  const dev = await cpu();
  const names = [
    "foldRows<int, Sum, 64>",
    "foldRows<float, Sum, 512>",
    "foldRows<double, Highest, 128>",
    "foldRows<int, Highest, 256>",
  ];
  const m = await compiled("fold.cu", ...names);
  for (const name of names) {
    const dtype = name.includes("int") ? "i32" : name.includes("float") ? "f32" : "f64";
    const block = Number(/\d+/.exec(name)![0]);
    for (const columns of [1, 63, 1500]) {
      const rows = 3;
      const x = Array.from({ length: rows * columns }, (_, i) => ((i * 7919) % 201) - 150);
      const out = dev.zeros([rows], { dtype });
      const input = dev.tensor(x, [rows, columns], dtype);
      m.kernel(name).enqueue({ grid: rows, block, shared: 8 * block }, input, out, columns);
      const expected = Array.from({ length: rows }, (_, r) => {
        const row = x.slice(r * columns, (r + 1) * columns);
        return name.includes("Sum") ? row.reduce((s, v) => s + v, 0) : Math.max(...row);
      });
      assert.deepEqual(await numbers(out), expected, `${name} of ${columns}`);
    }
  }
});

test("the last block finishes a vector's length, launch after launch", async () => {
  const dev = await cpu();
  const m = await compiled("fold.cu", "vectorLength<128>");
  const [n, grid] = [10_000, 13];
  const x = Float32Array.from({ length: n }, (_, i) => (i % 23) - 11);
  for (let launch = 0; launch < 3; launch++) {
    const [parts, length] = [dev.zeros([grid]), dev.zeros([1])];
    m.kernel().enqueue({ grid, block: 128, shared: 4 * 128 }, dev.tensor(x), n, parts, length);
    assertNear(await numbers(length), [Math.hypot(...x)], 1e-3, `launch ${launch}`);
  }
});

test("pictures turn clockwise through shared tiles of several types", async () => {
  const dev = await cpu();
  const names = [
    "turnDirectly",
    "turnClockwise<float, 0, AsLaunched>",
    "turnClockwise<uchar4, 1, Bishop>",
    "turnClockwise<double2, 1, AsLaunched>",
  ];
  const m = await compiled("quarter_turn.cu", ...names);
  const [w, h] = [90, 61];
  for (const name of names) {
    const [dtype, parts] = name.includes("uchar4")
      ? (["u8", 4] as const)
      : name.includes("double2")
        ? (["f64", 2] as const)
        : (["f32", 1] as const);
    const x = Array.from({ length: w * h * parts }, (_, i) => (i * 31) % 251);
    const out = dev.zeros([w, h, parts], { dtype });
    const config =
      name === "turnDirectly" ? { grid: [3, 8], block: [32, 8] } : { grid: [3, 2], block: [32, 8] };
    m.kernel(name).enqueue(config, dev.tensor(x, [h, w, parts], dtype), out, w, h);
    const expected = Array.from({ length: w * h * parts }, (_, i) => {
      const pixel = Math.floor(i / parts);
      const [column, line] = [pixel % h, Math.floor(pixel / h)];
      return x[((h - 1 - column) * w + line) * parts + (i % parts)]!;
    });
    assert.deepEqual(await numbers(out), expected, name);
  }
});

test("running maxima and running sums", async () => {
  const dev = await cpu();
  const m = await compiled("running.cu", "runningMax", "runningSum<3>", "runningSum<8>");
  const n = 200;
  const x = Int32Array.from({ length: n }, (_, i) => ((i * 37) % 101) + i - 60);
  const highest = dev.zeros([n], { dtype: "i32" });
  m.kernel("runningMax").enqueue({ grid: 1, block: n, shared: 8 * n }, dev.tensor(x), highest, n);
  const maxima = Array.from(x, (_, i) => Math.max(...x.subarray(0, i + 1)));
  assert.deepEqual(await numbers(highest), maxima);

  for (const [length, block] of [
    [3, 256],
    [8, 96],
  ] as const) {
    const chunk = length * block;
    const values = Array.from({ length: 2 * chunk }, (_, i) => (i % 13) - 3);
    const expected = values.slice();
    for (let i = 0; i < expected.length; i++) if (i % chunk !== 0) expected[i]! += expected[i - 1]!;
    const data = dev.tensor(values, [2 * chunk], "i32");
    const totals = dev.zeros([2], { dtype: "i32" });
    const config = { grid: 2, block, shared: 4 * (chunk + Math.ceil(chunk / 32)) };
    m.kernel(`runningSum<${length}>`).enqueue(config, data, totals);
    assert.deepEqual(await numbers(data), expected);
    assert.deepEqual(await numbers(totals), [expected[chunk - 1], expected[2 * chunk - 1]]);
  }
});

test("tallies by shared tables and by lanes that hold the same value", async () => {
  const dev = await cpu();
  const m = await compiled("tally.cu");
  const bytes = Uint8Array.from(
    { length: 10_000 },
    (_, i) => (Math.imul(i, 2654435761) >>> 24) & (i % 3 ? 255 : 7),
  );
  const expected = new Array<number>(256).fill(0);
  for (const b of bytes) expected[b]!++;
  const [data, counts] = [dev.tensor(bytes), dev.zeros([256], { dtype: "u32" })];
  m.kernel("tallyBytes").enqueue({ grid: 5, block: 192 }, data, bytes.length / 4, counts);
  assert.deepEqual(await numbers(counts), expected);
  for (const name of ["tallyLabelled", "tallyMatched"]) {
    counts.fill(0);
    m.kernel(name).enqueue({ grid: 40, block: 256 }, data, bytes.length, counts);
    assert.deepEqual(await numbers(counts), expected, name);
  }
});

test("sorted runs carry their places, merge, and a warp sorts bytes by ballots", async () => {
  const dev = await cpu();
  const names = ["sortRuns<64, false>", "sortRuns<64, true>", "mergeRuns", "sortWarp"];
  const m = await compiled("sort.cu", ...names);
  const [n, run] = [256, 128];
  const keys = Uint32Array.from({ length: n }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
  const [sorted, from, merged] = [0, 1, 2].map(() => dev.zeros([n], { dtype: "u32" }));
  for (const name of ["sortRuns<64, true>", "sortRuns<64, false>"]) {
    m.kernel(name).enqueue({ grid: n / run, block: run / 2 }, dev.tensor(keys), sorted!, from!);
    const order = (a: number, b: number) => (name.includes("true") ? b - a : a - b);
    const expected = [0, run].flatMap((s) => Array.from(keys.subarray(s, s + run)).sort(order));
    assert.deepEqual(await numbers(sorted!), expected, name);
    const places = await numbers(from!);
    assert.deepEqual(
      places.map((at) => keys[at]),
      expected,
    );
    assert.equal(new Set(places).size, n);
  }
  const [a, b] = [sorted!.slice(0, run), sorted!.slice(run, n - 28)];
  m.kernel("mergeRuns").enqueue({ grid: 3, block: 96 }, a, run, b, run - 28, merged!);
  const all = (await numbers(sorted!)).slice(0, n - 28).sort((p, q) => p - q);
  assert.deepEqual((await numbers(merged!)).slice(0, n - 28), all);
  const bytes = dev.tensor(Uint8Array.from(keys.subarray(0, 32)));
  m.kernel("sortWarp").enqueue({ grid: 1, block: 32 }, bytes);
  assert.deepEqual(
    await numbers(bytes),
    Array.from(keys.subarray(0, 32)).sort((p, q) => p - q),
  );
});

test("Collatz steps paint a picture in 32 and 64 bits", async () => {
  const dev = await cpu();
  const names = ["paintSteps<unsigned int>", "paintSteps<unsigned long long>"];
  const m = await compiled("collatz.cu", ...names);
  const [w, h] = [45, 21];
  for (const [name, first] of [
    [names[0]!, 1],
    [names[1]!, 159_000],
  ] as const) {
    const picture = dev.zeros([h, w, 4], { dtype: "u8" });
    const tint = { x: 0, y: 0, z: 3, w: 7 };
    m.kernel(name).enqueue({ grid: [3, 2], block: [16, 16] }, picture, w, h, first, tint);
    const expected = Array.from({ length: w * h }, (_, i) => {
      let steps = 0;
      for (let v = first + i; v !== 1; steps++) v = v % 2 === 0 ? v / 2 : 3 * v + 1;
      return [steps & 255, steps >> 8, (steps * 3 + 7) & 255, 255];
    });
    assert.deepEqual(await numbers(picture), expected.flat(), name);
  }
});
