import type { HopperCase } from "./hopper-cases";

/** 0, 1, 2, ... mapped. */
function series(count: number, f: (i: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => f(i));
}

const total = (count: number, f: (i: number) => number): number =>
  series(count, f).reduce((sum, value) => sum + value, 0);

const pieces = 50;

/** mbarriers, rings, named barriers, and what one warp does. */
export const waitCases: readonly HopperCase[] = [
  {
    name: "mbarrier: a producer warp and two consumer warps over a ring of three stages",
    file: "mbarrier",
    kernel: "ring",
    async run(use) {
      const x = use.device.arange([pieces * 64]);
      const sums = use.device.full([64], Number.NaN);
      await use.kernel.launch({ grid: 1, block: 96 }, x, sums, pieces);
      const expected = series(64, (i) => total(pieces, (p) => (p + 1) * (p * 64 + i)));
      return { got: (await sums.read()) as Float32Array, expected, tolerance: 1e-6 };
    },
  },
  {
    name: "mbarrier: arrivals that follow a thread's cp.async copies",
    file: "mbarrier",
    kernel: "ring_copies",
    async run(use) {
      const x = use.device.arange([pieces * 64]);
      const sums = use.device.full([32], Number.NaN);
      await use.kernel.launch({ grid: 1, block: 64 }, x, sums, pieces);
      const expected = series(32, (i) => total(pieces, (p) => (p + 1) * (2 * p * 64 + 2 * i + 32)));
      return { got: (await sums.read()) as Float32Array, expected, tolerance: 1e-6 };
    },
  },
  ...[0, 7].map(
    (extra) =>
      ({
        name: `mbarrier: parity over 301 phases, counts of ${extra + 1} at once`,
        file: "mbarrier",
        kernel: "phases",
        async run(use) {
          const out = use.device.full([96], -1, { dtype: "i32" });
          await use.kernel.launch({ grid: 1, block: 96 }, out, 301, extra);
          return {
            got: (await out.read()) as Int32Array,
            expected: series(96, () => (301 * 300) / 2),
            tolerance: 0,
          };
        },
      }) satisfies HopperCase,
  ),
  {
    name: "named barriers: two warpgroups take turns while registers move between three",
    file: "mbarrier",
    kernel: "turns",
    async run(use) {
      const order = use.device.full([40], -1, { dtype: "i32" });
      await use.kernel.launch({ grid: 1, block: 384 }, order, 20);
      return { got: (await order.read()) as Int32Array, expected: series(40, (i) => i % 2), tolerance: 0 };
    },
  },
  ...[1, 2, 4].flatMap((matrices) =>
    [false, true].map(
      (transposed) =>
        ({
          name: `stmatrix x${matrices}${transposed ? " transposed" : ""} puts each lane's elements where the manual says`,
          file: "warp",
          kernel: `store_matrices<${matrices}, ${transposed}>`,
          async run(use) {
            const out = use.device.full([32, 8], -1, { dtype: "i32" });
            await use.kernel.launch({ grid: 1, block: 32 }, out);
            const expected = series(256, (at) => {
              const matrix = at >> 6;
              const [row, column] = transposed ? [at & 7, (at >> 3) & 7] : [(at >> 3) & 7, at & 7];
              const lane = row * 4 + (column >> 1);
              return matrix < matrices ? lane * 8 + matrix + 4 * (column & 1) : 0xffff;
            });
            return { got: (await out.read()) as Int32Array, expected, tolerance: 0 };
          },
        }) satisfies HopperCase,
    ),
  ),
  {
    name: "exp2Approx over its whole range",
    file: "warp",
    kernel: "exponentials",
    async run(use) {
      const values = series(2000, (i) => (i - 1000) * 0.1257).map(Math.fround);
      values.push(-1e9, -200, 200, 0, 1, -1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 127.5, -126);
      const y = use.device.full([values.length], Number.NaN);
      const grid = Math.ceil(values.length / 128);
      await use.kernel.launch({ grid, block: 128 }, use.device.tensor(values), y, values.length);
      const got = Array.from((await y.read()) as Float32Array);
      const exact = values.map((x) => (x < -126 ? 0 : x >= 128 ? Number.POSITIVE_INFINITY : 2 ** x));
      // Relative, and infinity only where it belongs.
      const off = got.map((v, i) => (v === exact[i] ? 0 : Math.abs(v / exact[i]! - 1)));
      return { got: off, expected: off.map(() => 0), tolerance: 4e-7 };
    },
  },
  ...(["f16", "bf16"] as const).map(
    (type) =>
      ({
        name: `packFloats rounds two floats to ${type}`,
        file: "warp",
        kernel: `pack<${type === "f16" ? "__half" : "__nv_bfloat16"}>`,
        async run(use) {
          const values = [1, -2, 0.1, 65504, 1e-8, 2.7, 1.0009765625, 1.00048828125, -0, 1e30, 0.33333, 7];
          const packed = use.device.zeros([values.length / 2], { dtype: "u32" });
          await use.kernel.launch(
            { grid: 1, block: 32 },
            use.device.tensor(values),
            packed,
            values.length / 2,
          );
          const bits = Array.from((await packed.read()) as Uint32Array).flatMap((v) => [
            v & 0xffff,
            v >>> 16,
          ]);
          const raw = await use.device.tensor(values, [values.length], type).readRaw();
          return {
            got: bits,
            expected: new Uint16Array(raw.buffer, raw.byteOffset, values.length),
            tolerance: 0,
          };
        },
      }) satisfies HopperCase,
  ),
  {
    name: "electOne is true in one lane of each warp",
    file: "warp",
    kernel: "elected",
    async run(use) {
      const out = use.device.zeros([1], { dtype: "i32" });
      await use.kernel.launch({ grid: 3, block: 128 }, out);
      return { got: (await out.read()) as Int32Array, expected: [12], tolerance: 0 };
    },
  },
];
