import { test } from "node:test";
import { assertNear, cpu, noise, numbers, product } from "./coverage-support";

/** One warp's D = A B + C with wmma: shapes, element types, layouts of memory. */
interface Case {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly element: string;
  readonly input: "f16" | "bf16" | "i8" | "u8" | "f64";
  readonly accumulator: string;
  readonly output: "f32" | "f16" | "i32" | "f64";
  readonly layoutA: "row" | "col";
  readonly layoutB: "row" | "col";
  /** Largest error of one result of at most 16 products of numbers below 1. */
  readonly tolerance: number;
}

const half = {
  element: "__half",
  input: "f16",
  accumulator: "float",
  output: "f32",
  tolerance: 1e-6,
} as const;
const cases: Case[] = [
  { m: 16, n: 16, k: 16, ...half, layoutA: "row", layoutB: "col" },
  { m: 16, n: 16, k: 16, ...half, layoutA: "col", layoutB: "row" },
  { m: 32, n: 8, k: 16, ...half, layoutA: "row", layoutB: "row" },
  { m: 8, n: 32, k: 16, ...half, layoutA: "col", layoutB: "col" },
  {
    m: 16,
    n: 16,
    k: 16,
    ...half,
    accumulator: "__half",
    output: "f16",
    tolerance: 2e-3,
    layoutA: "row",
    layoutB: "row",
  },
  { m: 16, n: 16, k: 16, ...half, element: "__nv_bfloat16", input: "bf16", layoutA: "row", layoutB: "row" },
  {
    m: 16,
    n: 16,
    k: 16,
    ...half,
    element: "signed char",
    input: "i8",
    accumulator: "int",
    output: "i32",
    tolerance: 0,
    layoutA: "row",
    layoutB: "col",
  },
  {
    m: 8,
    n: 32,
    k: 16,
    ...half,
    element: "unsigned char",
    input: "u8",
    accumulator: "int",
    output: "i32",
    tolerance: 0,
    layoutA: "col",
    layoutB: "row",
  },
  {
    m: 8,
    n: 8,
    k: 4,
    ...half,
    element: "double",
    input: "f64",
    accumulator: "double",
    output: "f64",
    tolerance: 1e-15,
    layoutA: "row",
    layoutB: "col",
  },
];

/** The same matrix with its rows and columns exchanged in memory. */
function turned(values: ArrayLike<number>, rows: number, columns: number): number[] {
  return Array.from(
    { length: rows * columns },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!,
  );
}

for (const c of cases) {
  const { m, n, k, layoutA, layoutB } = c;
  test(`wmma ${m}x${n}x${k} of ${c.input} into ${c.output}, A by ${layoutA}, B by ${layoutB}`, async () => {
    const dev = await cpu();
    const kernel = await dev.compile(`#include <mma.h>
      #include <cuda_bf16.h>
      using namespace nvcuda;
      __global__ void multiply(const ${c.element}* a, const ${c.element}* b, ${c.accumulator}* d) {
        wmma::fragment<wmma::matrix_a, ${m}, ${n}, ${k}, ${c.element}, wmma::${layoutA}_major> fa;
        wmma::fragment<wmma::matrix_b, ${m}, ${n}, ${k}, ${c.element}, wmma::${layoutB}_major> fb;
        wmma::fragment<wmma::accumulator, ${m}, ${n}, ${k}, ${c.accumulator}> fc;
        wmma::load_matrix_sync(fa, a, ${layoutA === "row" ? k : m});
        wmma::load_matrix_sync(fb, b, ${layoutB === "row" ? n : k});
        wmma::load_matrix_sync(fc, d, ${m}, wmma::mem_col_major);
        wmma::mma_sync(fc, fa, fb, fc);
        for (int i = 0; i < fc.num_elements; ++i) fc.x[i] = fc.x[i] + fc.x[i];
        wmma::store_matrix_sync(d, fc, ${n}, wmma::mem_row_major);
      }`);
    const whole = c.output === "i32";
    const values = (count: number, seed: number) =>
      Array.from(noise(count, seed), (v) =>
        whole ? Math.trunc(100 * (c.input === "u8" ? Math.abs(v) : v)) : v,
      );
    const a = dev.tensor(values(m * k, 1), undefined, c.input);
    const b = dev.tensor(values(k * n, 2), undefined, c.input);
    const start = dev.tensor(values(m * n, 3), undefined, c.output);
    // What the device holds, after the inputs were rounded to their type.
    const [ha, hb, hc] = [await numbers(a), await numbers(b), await numbers(start)];
    kernel.enqueue(
      { grid: 1, block: 32 },
      layoutA === "row" ? a : dev.tensor(turned(ha, m, k), undefined, c.input),
      layoutB === "row" ? b : dev.tensor(turned(hb, k, n), undefined, c.input),
      start,
    );
    const sums = product(ha, hb, m, n, k);
    const expected = sums.map((v, i) => 2 * (v + hc[(i % n) * m + Math.floor(i / n)]!));
    assertNear(await numbers(start), expected, 4 * c.tolerance, "D");
  });
}
