import type * as lab from "kernel-lab";
import type { HopperCase, Outcome, Use } from "./hopper-cases";

interface Load {
  readonly what: string;
  readonly dtype: "f32" | "f16" | "u8";
  readonly shape: readonly number[];
  readonly box: readonly number[];
  /** The first element, axes in the tensor's order. */
  readonly at: readonly number[];
  readonly swizzle?: 0 | 32 | 64 | 128;
  readonly outOfBounds?: "nan";
}

const loads: readonly Load[] = [
  { what: "rank 1", dtype: "f32", shape: [100], box: [32], at: [40] },
  { what: "rank 1 over the end", dtype: "f32", shape: [100], box: [64], at: [76] },
  { what: "rank 2", dtype: "f16", shape: [40, 72], box: [16, 64], at: [8, 8] },
  { what: "rank 2 over both ends", dtype: "f16", shape: [40, 72], box: [16, 64], at: [33, 40] },
  { what: "rank 2 before both starts", dtype: "f16", shape: [40, 72], box: [16, 64], at: [-5, -16] },
  { what: "rank 2 wholly outside", dtype: "f16", shape: [40, 72], box: [16, 64], at: [50, 0] },
  { what: "rank 2 of bytes", dtype: "u8", shape: [20, 64], box: [10, 48], at: [3, 32] },
  { what: "rank 3", dtype: "f32", shape: [5, 9, 20], box: [2, 4, 16], at: [3, 6, 8] },
  { what: "rank 4", dtype: "f32", shape: [3, 4, 5, 12], box: [2, 2, 3, 8], at: [1, 3, -1, 8] },
  { what: "rank 5", dtype: "f32", shape: [2, 3, 3, 4, 8], box: [1, 2, 2, 3, 4], at: [1, 2, -1, 2, 4] },
  ...([32, 64, 128] as const).map(
    (swizzle): Load => ({
      what: `swizzle of ${swizzle} bytes`,
      dtype: "f16",
      shape: [70, 130 - 2],
      box: [40, swizzle / 2],
      at: [37, 64],
      swizzle,
    }),
  ),
  {
    what: "rank 3 with a swizzle",
    dtype: "f16",
    shape: [3, 24, 64],
    box: [2, 20, 64],
    at: [1, 9, 8],
    swizzle: 128,
  },
  { what: "NaN outside", dtype: "f32", shape: [10, 16], box: [8, 8], at: [6, 12], outOfBounds: "nan" },
];

const bytesOf = { f32: 4, f16: 2, u8: 1 };

/** Bytes of the box as TMA must lay them out; null where the byte belongs to a NaN. */
function boxBytes(load: Load, raw: Uint8Array): (number | null)[] {
  const { shape, box, at, swizzle = 0 } = load;
  const width = bytesOf[load.dtype];
  const elements = box.reduce((product, n) => product * n, 1);
  const bytes: (number | null)[] = new Array(elements * width).fill(0);
  const mask = { 0: 0, 32: 1, 64: 3, 128: 7 }[swizzle];
  for (let e = 0; e < elements; e++) {
    let rest = e;
    let from = 0;
    let step = 1;
    let inside = true;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const place = at[axis]! + (rest % box[axis]!);
      rest = Math.floor(rest / box[axis]!);
      inside &&= place >= 0 && place < shape[axis]!;
      from += place * step;
      step *= shape[axis]!;
    }
    for (let byte = 0; byte < width; byte++) {
      const place = e * width + byte;
      const outside = load.outOfBounds ? null : 0;
      bytes[place ^ (((place >> 7) & mask) << 4)] = inside ? raw[from * width + byte]! : outside;
    }
  }
  return bytes;
}

async function runLoad(use: Use, load: Load): Promise<Outcome> {
  const { device } = use;
  const count = load.shape.reduce((product, n) => product * n, 1);
  const modulus = load.dtype === "u8" ? 251 : 2039;
  const tensor = device.tensor(
    Array.from({ length: count }, (_, i) => 1 + (i % modulus)),
    [...load.shape],
    load.dtype,
  );
  const expected = boxBytes(load, await tensor.readRaw());
  const map = use.lab.tensorMap(tensor, {
    box: load.box,
    swizzle: load.swizzle ?? 0,
    ...(load.outOfBounds ? { outOfBounds: load.outOfBounds } : {}),
  });
  const seen = device.zeros([expected.length], { dtype: "u8" });
  const at = [...load.at].reverse();
  while (at.length < 5) at.push(0);
  await use.kernel.launch({ grid: 1, block: 64, shared: expected.length }, map, seen, expected.length, ...at);
  const got = Array.from(await seen.readRaw());
  if (!load.outOfBounds) return { got, expected: expected as number[], tolerance: 0 };
  const floats = new Float32Array(Uint8Array.from(got).buffer);
  const wanted = new Float32Array(Uint8Array.from(expected, (v) => v ?? 0).buffer);
  return {
    got: floats,
    expected: wanted.map((v, i) => (expected[4 * i] === null ? Number.NaN : v)),
    tolerance: 0,
  };
}

async function runStore(use: Use, add: boolean, swizzle: 0 | 128): Promise<Outcome> {
  const [rows, columns, box] = [20, 48, [16, 32]] as const;
  const y = use.device.full([rows, columns], 5);
  const map = use.lab.tensorMap(y, { box, swizzle });
  // Over the lower right end, over each end alone, and wholly outside.
  const places = [
    [32, 9],
    [20, 0],
    [4, 12],
    [48, 3],
  ] as const;
  const expected = new Array(rows * columns).fill(5);
  for (const [x0, y0] of places) {
    await use.kernel.launch({ grid: 1, block: 64, shared: 2048 }, map, 512, x0, y0, swizzle);
    for (let i = 0; i < 512; i++) {
      const [row, column] = [y0 + (i >> 5), x0 + (i & 31)];
      if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
      expected[row * columns + column] = i + 1 + (add ? expected[row * columns + column] : 0);
    }
  }
  return { got: (await y.read()) as Float32Array, expected, tolerance: 0 };
}

/** Tensor maps and plain bulk copies. */
export const tmaCases: readonly HopperCase[] = [
  ...loads.map((load) => ({
    name: `TMA load: ${load.what}`,
    file: "tma",
    kernel: `tma_load<${load.shape.length}>`,
    run: (use: Use) => runLoad(use, load),
  })),
  ...[false, true].flatMap((add) =>
    ([0, 128] as const).map((swizzle) => ({
      name: `TMA ${add ? "add" : "store"} over the tensor's ends, swizzle ${swizzle}`,
      file: "tma",
      kernel: `tma_store<${add}>`,
      run: (use: Use) => runStore(use, add, swizzle),
    })),
  ),
  ...(["f16", "bf16"] as const).map((type) => ({
    name: `TMA adds ${type}, rounded once`,
    file: "tma",
    kernel: `tma_add<${type === "f16" ? "__half" : "__nv_bfloat16"}>`,
    async run(use: Use) {
      const start = [1, -1, 1000, 0.001, 33000, -7.5, 2048, 4096];
      const y: lab.Tensor = use.device.tensor(start, [1, 8], type);
      const before = (await y.read()) as Float32Array;
      await use.kernel.launch(
        { grid: 1, block: 32, shared: 128 },
        use.lab.tensorMap(y, { box: [1, 8] }),
        8,
        1.5,
      );
      const sums = use.device.tensor(
        Array.from(before, (v) => v + 1.5),
        [8],
        type,
      );
      return {
        got: (await y.read()) as Float32Array,
        expected: (await sums.read()) as Float32Array,
        tolerance: 0,
      };
    },
  })),
  {
    name: "bulk copies in and out, two stores on their way",
    file: "tma",
    kernel: "bulk_scale",
    async run(use) {
      const x = use.device.arange([256 * 9]);
      const y = use.device.full([256 * 9], Number.NaN);
      await use.kernel.launch({ grid: 1, block: 64 }, x, y, 9);
      const expected = Array.from({ length: 256 * 9 }, (_, i) => 2 * i);
      return { got: (await y.read()) as Float32Array, expected, tolerance: 0 };
    },
  },
];
