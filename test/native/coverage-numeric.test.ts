import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHalf, encodeHalf } from "kernel-lab/dist/core/float";
import { assertNear, compiled, cpu, noise, numbers, product } from "./coverage-support";

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

test("products by tiles of any size and by patches of float4", async () => {
  const dev = await cpu();
  const plans = [
    ["Interleaved<32, 64, 8, 4>", 32, 64, 128],
    ["Interleaved<64, 64, 16, 8>", 64, 64, 128],
    ["WarpBlocked<64, 64, 8, 8>", 64, 64, 128],
  ] as const;
  const tiles = [8, 16];
  const names = [
    ...tiles.map((edge) => `productByTiles<${edge}>`),
    ...plans.map(([plan]) => `productByPatches<${plan}>`),
  ];
  const module = await compiled("products.cu", ...names);
  const finish = { low: -4, high: 5 };
  const check = async (name: string, grid: number[], block: number[], m: number, n: number, k: number) => {
    const [a, b, out] = [noise(m * k, 5), noise(k * n, 6), dev.zeros([m, n])];
    const config = { grid, block };
    module.kernel(name).enqueue(config, dev.tensor(a), dev.tensor(b), out, { x: m, y: n, z: k }, finish);
    const expected = product(a, b, m, n, k).map((v) => Math.min(Math.max(v, finish.low), finish.high));
    assertNear(await numbers(out), expected, 1e-4, name);
  };
  for (const e of tiles)
    await check(`productByTiles<${e}>`, [Math.ceil(45 / e), Math.ceil(37 / e)], [e, e], 37, 45, 61);
  for (const [plan, rows, columns, threads] of plans)
    await check(`productByPatches<${plan}>`, [128 / columns, 128 / rows], [threads], 128, 128, 48);
});

test("smoothing reads its weights from constant memory", async () => {
  const dev = await cpu();
  const module = await compiled("smooth.cu");
  const [w, h, reach] = [75, 29, 3];
  const profile = noise(2 * (2 * reach + 1), 8);
  await (await module.symbol("profile")).write(profile);
  const picture = noise(w * h, 9);
  for (const mirrored of [0, 1]) {
    await (await module.symbol("mirrored", "i32")).write([mirrored]);
    const out = dev.zeros([h, w]);
    module.kernel().enqueue({ grid: [3, 4], block: [32, 8] }, dev.tensor(picture), out, w, h);
    const fold = (at: number, size: number) => (at < 0 ? -1 - at : at >= size ? 2 * size - 1 - at : at);
    const at = (x: number, y: number) => {
      if (mirrored) return picture[fold(y, h) * w + fold(x, w)]!;
      return x >= 0 && x < w && y >= 0 && y < h ? picture[y * w + x]! : 0;
    };
    const expected = Array.from({ length: w * h }, (_, i) => {
      let sum = 0;
      for (let dy = 0; dy <= 2 * reach; dy++)
        for (let dx = 0; dx <= 2 * reach; dx++)
          sum += profile[dx]! * profile[7 + dy]! * at((i % w) + dx - reach, Math.floor(i / w) + dy - reach);
      return sum;
    });
    assertNear(await numbers(out), expected, 1e-4, `mirrored ${mirrored}`);
  }
});

test("the field of charges in float and double", async () => {
  const dev = await cpu();
  const module = await compiled("field.cu", "fieldOfCharges<float>", "fieldOfCharges<double>");
  const [charges, count, core] = [150, 100, 0.01];
  const [sources, probes] = [noise(4 * charges, 10), noise(3 * count, 11)];
  await (await module.symbol("coreFloat")).write([core]);
  await (await module.symbol("coreDouble", "f64")).write([core]);
  const expected = new Float64Array(4 * count);
  for (let p = 0; p < count; p++) {
    for (let s = 0; s < charges; s++) {
      const away = [0, 1, 2].map((d) => probes[3 * p + d]! - sources[4 * s + d]!);
      const distance = Math.sqrt(away.reduce((sum, v) => sum + v * v, core));
      const q = sources[4 * s + 3]!;
      for (let d = 0; d < 3; d++) expected[4 * p + d]! += (q * away[d]!) / distance ** 3;
      expected[4 * p + 3]! += q / distance;
    }
  }
  for (const [type, dtype, bytes, tolerance] of [
    ["float", "f32", 4, 1e-2],
    ["double", "f64", 8, 1e-9],
  ] as const) {
    const out = dev.zeros([count, 4], { dtype });
    const from = dev.tensor(sources, undefined, dtype);
    const at = dev.tensor(probes, undefined, dtype);
    const config = { grid: 2, block: 64, shared: 64 * 4 * bytes };
    module.kernel(`fieldOfCharges<${type}>`).enqueue(config, from, charges, at, out, count);
    assertNear(await numbers(out), expected, tolerance, type);
  }
});

test("a sparse matrix times a vector, a team of lanes a row", async () => {
  const dev = await cpu();
  const names = ["weighRows<float, 1>", "weighRows<double, 4>", "weighRows<float, 32>"];
  const module = await compiled("sparse_rows.cu", ...names);
  const rows = 301;
  const lengths = Array.from({ length: rows }, (_, r) => ((r * 7) % 19) + (r % 100 === 0 ? 80 : 0));
  const starts = Int32Array.from({ length: rows + 1 }, () => 0);
  for (const [r, length] of lengths.entries()) starts[r + 1] = starts[r]! + length;
  const columns = Int32Array.from({ length: starts[rows]! }, (_, e) => (e * 53) % rows);
  const [weights, vector] = [noise(columns.length, 12), noise(rows, 13)];
  const expected = lengths.map((length, r) => {
    let sum = 0;
    for (let e = starts[r]!; e < starts[r]! + length; e++) sum += weights[e]! * vector[columns[e]!]!;
    return sum;
  });
  for (const name of names) {
    const dtype = name.includes("double") ? "f64" : "f32";
    const out = dev.zeros([rows], { dtype });
    const inputs = [dev.tensor(starts), dev.tensor(columns)];
    const [w, v] = [dev.tensor(weights, undefined, dtype), dev.tensor(vector, undefined, dtype)];
    module.kernel(name).enqueue({ grid: 5, block: 64 }, ...inputs, w, v, out, rows);
    assertNear(await numbers(out), expected, 1e-4, name);
  }
});

test("a warp a row: standardised rows and log-sum-exp; float4 and packs of bfloat16", async () => {
  const dev = await cpu();
  const module = await compiled("rows.cu");
  const [n, columns] = [13, 100];
  const x = noise(n * columns, 14).map((v, i) => (i % 97 === 0 ? 30 * v : v));
  const config = { grid: Math.ceil(n / 4), block: 128 };
  const rows = Array.from({ length: n }, (_, r) => Array.from(x.subarray(r * columns, (r + 1) * columns)));
  const [out, scale, sums] = [dev.zeros([n, columns]), dev.zeros([n]), dev.zeros([n])];
  module.kernel("standardise").enqueue(config, dev.tensor(x), out, scale, n, columns);
  const stats = rows.map((row) => {
    const mean = row.reduce((s, v) => s + v, 0) / columns;
    return { mean, inverse: 1 / Math.sqrt(row.reduce((s, v) => s + (v - mean) ** 2, 0) / columns) };
  });
  const inverses = stats.map((s) => s.inverse);
  assertNear(await numbers(scale), inverses, 1e-4, "scale");
  const standard = rows.flatMap((row, r) => row.map((v) => (v - stats[r]!.mean) * inverses[r]!));
  assertNear(await numbers(out), standard, 1e-4, "standardised");

  const mask = Uint8Array.from(x, (_, i) => (i % 7 < 4 ? 1 : 0));
  module.kernel("logSumExp").enqueue(config, dev.tensor(x), dev.tensor(mask), sums, n, columns);
  const logs = rows.map((row, r) =>
    Math.log(row.reduce((s, v, c) => s + (mask[r * columns + c] ? Math.exp(v) : 0), 0)),
  );
  assertNear(await numbers(sums), logs, 1e-5, "log-sum-exp");

  module.kernel("squash").enqueue({ grid: 3, block: 128 }, dev.tensor(x), out, (n * columns) / 4);
  const angles = Array.from(x, (v) => Math.atan(v) / (Math.PI / 2));
  assertNear(await numbers(out), angles, 1e-6, "squash");

  const [u, v] = [noise(1024, 18), noise(1024, 19)].map((t) => dev.tensor(t, undefined, "bf16"));
  const mixed = dev.zeros([1024], { dtype: "bf16" });
  module.kernel("blend").enqueue({ grid: 1, block: 128 }, u!, v!, mixed, 0.25);
  const [us, vs] = [await numbers(u!), await numbers(v!)];
  const between = us.map((a, i) => a + 0.25 * (vs[i]! - a));
  assertNear(await numbers(mixed), between, 2 ** -8, "blend");
});

test("Gram matrices of half, bytes and tf32 by tensor cores", async () => {
  const dev = await cpu();
  const names = ["gramTiles<half>", "gramTiles<signed char>", "gramTiles<float>"];
  const module = await compiled("gram_tiles.cu", ...names);
  const [n, width] = [48, 64];
  const unit = noise(n * width, 20);
  for (const [name, dtype, total, values, factor, tolerance] of [
    [names[0]!, "f16", "f32", unit.map((v) => decodeHalf(encodeHalf(v))), 2, 1e-4],
    [names[1]!, "i8", "i32", unit.map((v) => Math.trunc(127 * v)), 3, 0],
    [names[2]!, "f32", "f32", unit, 1, width * 2 ** -10],
  ] as const) {
    const gram = dev.zeros([n, n], { dtype: total });
    const config = { grid: [n / 16, n / 16], block: 32 };
    module.kernel(name).enqueue(config, dev.tensor(values, undefined, dtype), gram, n, width, factor);
    const turned = values.map((_, i) => values[(i % n) * width + Math.floor(i / n)]!);
    const exact = product(values, turned, n, n, width).map((v) => factor * v);
    const got = await numbers(gram);
    assertNear(got, exact, tolerance, name);
    if (dtype !== "f32") continue;
    const off = got.filter((v, i) => Math.abs(v - exact[i]!) > 1e-5).length;
    assert.ok(off > 0.8 * n * n, "tf32 keeps 10 bits of mantissa, so most sums differ from float's");
  }
});
