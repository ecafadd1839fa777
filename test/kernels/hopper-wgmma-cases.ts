import type { HopperCase, Outcome, Use } from "./hopper-cases";

/** One instance of the kernel `wgmma`. */
export interface Shape {
  readonly n: number;
  readonly type: "f16" | "bf16";
  readonly swizzle: 0 | 32 | 64 | 128;
  readonly a: "k" | "mn";
  readonly b: "k" | "mn";
  /** A from registers. */
  readonly registers: boolean;
}

/** Small integers, so that every product and sum is exact in float. */
function integers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 24) % 9) - 4;
  });
}

export function instanceOf({ n, type, swizzle, a, b, registers }: Shape): string {
  const element = type === "f16" ? "__half" : "__nv_bfloat16";
  const layout = swizzle === 0 ? "none" : `bytes${swizzle}`;
  return `wgmma<${element}, ${n}, lab::Swizzle::${layout}, lab::Major::${a}, lab::Major::${b}, ${registers}>`;
}

/** All 32 widths with the layouts by turns, then every layout and form at one width. */
export const shapes: readonly Shape[] = [
  ...Array.from(
    { length: 32 },
    (_, i): Shape => ({
      n: 8 * i + 8,
      type: i % 2 ? "f16" : "bf16",
      swizzle: ([128, 64, 32, 0] as const)[(i >> 1) % 4]!,
      a: i % 3 === 1 ? "mn" : "k",
      b: i % 5 > 2 ? "mn" : "k",
      registers: i % 7 === 3,
    }),
  ),
  ...([0, 32, 64, 128] as const).flatMap((swizzle) =>
    (["k", "mn"] as const).flatMap((b) => [
      ...(["k", "mn"] as const).map((a): Shape => ({ n: 72, type: "f16", swizzle, a, b, registers: false })),
      { n: 72, type: "f16", swizzle, a: "k", b, registers: true } satisfies Shape,
    ]),
  ),
];

async function multiply(use: Use, shape: Shape): Promise<Outcome> {
  const { lab, device } = use;
  const { n, type, swizzle } = shape;
  const k = 64;
  const a = integers(64 * k, 1);
  const b = integers(k * n, 2);
  const width = (swizzle || 16) / 2;
  const transposed = (values: number[], rows: number, columns: number): number[] =>
    Array.from({ length: rows * columns }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
  // `a` is 64 x k and `b` is k x n, both by rows; a map's tensor has its operand's contiguous axis last.
  const rowsA = device.tensor(a, [64, k], type);
  const tensorA = shape.a === "k" ? rowsA : device.tensor(transposed(a, 64, k), [k, 64], type);
  const tensorB =
    shape.b === "mn" ? device.tensor(b, [k, n], type) : device.tensor(transposed(b, k, n), [n, k], type);
  const mapA = lab.tensorMap(tensorA, { box: [64, width], swizzle });
  const mapB = lab.tensorMap(tensorB, { box: [shape.b === "mn" ? k : n, width], swizzle });
  const d = device.full([64, n], Number.NaN);
  await use.kernel.launch(
    { grid: 1, block: 128, shared: 8192 + 128 * Math.ceil(n / 64) * 64 },
    mapA,
    mapB,
    rowsA,
    d,
  );
  const expected = new Float64Array(64 * n);
  for (let i = 0; i < 64; i++)
    for (let x = 0; x < k; x++)
      for (let j = 0; j < n; j++) expected[i * n + j]! += a[i * k + x]! * b[x * n + j]!;
  return { got: (await d.read()) as Float32Array, expected, tolerance: 0 };
}

export const wgmmaCases: readonly HopperCase[] = [
  ...shapes.map((shape) => ({
    name: `wgmma n ${shape.n} ${shape.type}, swizzle ${shape.swizzle}, ${shape.registers ? "A in registers" : `A ${shape.a}-major`}, B ${shape.b}-major`,
    file: "wgmma",
    kernel: instanceOf(shape),
    run: (use: Use) => multiply(use, shape),
  })),
  {
    name: "wgmma: two groups in flight, twenty rounds, random values",
    file: "wgmma",
    kernel: "wgmma_groups",
    async run(use) {
      const { lab, device } = use;
      const a = device.randn([64, 64], { dtype: "f16", seed: 3 });
      const b = device.randn([64, 64], { dtype: "f16", seed: 4 });
      const d = device.full([64, 64], Number.NaN);
      const map = (t: typeof a) => lab.tensorMap(t, { box: [64, 64], swizzle: 128 });
      await use.kernel.launch({ grid: 1, block: 128, shared: 16384 }, map(a), map(b), d, 20);
      const [x, y] = [(await a.read()) as Float32Array, (await b.read()) as Float32Array];
      const expected = Array.from({ length: 64 * 64 }, (_, i) => {
        let sum = 0;
        for (let k = 0; k < 64; k++) sum += x[(i >> 6) * 64 + k]! * y[(i & 63) * 64 + k]!;
        return 20 * sum;
      });
      return { got: (await d.read()) as Float32Array, expected, tolerance: 1e-4 };
    },
  },
];
