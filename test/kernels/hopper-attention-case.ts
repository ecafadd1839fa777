import type { HopperCase } from "./hopper-cases";

const [queries, keys, width] = [256, 512, 64] as const;

/** All headers at work in one kernel: attention with a producer warpgroup, against float64. */
export const attentionCase: HopperCase = {
  name: `attention of ${queries} queries and ${keys} keys: TMA ring, wgmma twice, online softmax between`,
  file: "attention",
  kernel: "attention",
  async run({ lab, device, kernel }) {
    const random = (rows: number, seed: number) => device.randn([rows, width], { dtype: "f16", seed });
    const [q, k, v] = [random(queries, 5), random(keys, 6), random(keys, 7)];
    const map = (tensor: typeof q) => lab.tensorMap(tensor, { box: [128, width], swizzle: 128 });
    const out = device.full([queries, width], Number.NaN);
    const scale = Math.LOG2E / Math.sqrt(width);
    const config = { grid: queries / 128, block: 384, shared: 5 * 128 * width * 2 };
    await kernel.launch(config, map(q), map(k), map(v), out, keys, scale);
    const [a, b, c] = await Promise.all([q, k, v].map(async (t) => (await t.read()) as Float32Array));
    const expected = new Float64Array(queries * width);
    const weights = new Float64Array(keys);
    for (let i = 0; i < queries; i++) {
      let sum = 0;
      for (let j = 0; j < keys; j++) {
        let score = 0;
        for (let x = 0; x < width; x++) score += a![i * width + x]! * b![j * width + x]!;
        weights[j] = 2 ** (score * scale);
        sum += weights[j]!;
      }
      for (let j = 0; j < keys; j++)
        for (let x = 0; x < width; x++) expected[i * width + x]! += (weights[j]! / sum) * c![j * width + x]!;
    }
    return { got: (await out.read()) as Float32Array, expected, tolerance: 5e-4 };
  },
};
