import { test } from "node:test";
import type * as lab from "kernel-lab";
import { Bench, close, gemm, values } from "./support";

// Rungs 1 to 12 of the SGEMM ladder by S. Boehm (MIT), from its own files. Rungs from 3 on take sizes that their tiles divide.

const bench = new Bench("sgemm");

interface Rung {
  readonly file: string;
  readonly kernel: string;
  readonly size: readonly [number, number, number];
  readonly grid: readonly number[];
  readonly block: number | readonly number[];
  /** Rung 11 takes the warp's size from the file of rung 10. */
  readonly defines?: lab.CompileOptions["defines"];
}

const tiled = (file: string, kernel: string, block: number, tile = 128, defines?: Rung["defines"]): Rung => ({
  file,
  kernel,
  size: [2 * tile, tile, 48],
  grid: [1, 2],
  block,
  defines,
});
const WARPSIZE = 32;

const rungs: readonly Rung[] = [
  { file: "1_naive.cuh", kernel: "sgemm_naive", size: [77, 53, 41], grid: [3, 2], block: [32, 32] },
  {
    file: "2_kernel_global_mem_coalesce.cuh",
    kernel: "sgemm_global_mem_coalesce<32>",
    size: [77, 53, 41],
    grid: [3, 2],
    block: 1024,
  },
  {
    file: "3_kernel_shared_mem_blocking.cuh",
    kernel: "sgemm_shared_mem_block<32>",
    size: [96, 64, 32],
    grid: [3, 2],
    block: 1024,
  },
  tiled("4_kernel_1D_blocktiling.cuh", "sgemm1DBlocktiling<64, 64, 8, 8>", 512, 64),
  tiled("5_kernel_2D_blocktiling.cuh", "sgemm2DBlocktiling<128, 128, 8, 8, 8>", 256),
  tiled("6_kernel_vectorize.cuh", "sgemmVectorize<128, 128, 8, 8, 8>", 256),
  tiled("7_kernel_resolve_bank_conflicts.cuh", "sgemmResolveBankConflicts<128, 128, 8, 8, 8>", 256),
  tiled("8_kernel_bank_extra_col.cuh", "sgemmResolveBankExtraCol<128, 128, 8, 8, 8>", 256),
  tiled("9_kernel_autotuned.cuh", "sgemmAutotuned<128, 128, 16, 8, 8>", 256),
  tiled("10_kernel_warptiling.cuh", "sgemmWarptiling<128, 128, 16, 64, 64, 4, 8, 4, 128>", 128),
  tiled(
    "11_kernel_double_buffering.cuh",
    "sgemmDoubleBuffering<128, 128, 16, 64, 32, 2, 8, 4, 256>",
    256,
    128,
    {
      WARPSIZE,
    },
  ),
  tiled(
    "12_kernel_double_buffering.cuh",
    "runSgemmDoubleBuffering2<128, 128, 16, 64, 64, 4, 8, 4, 128>",
    128,
    128,
    { WARPSIZE },
  ),
];

for (const { file, kernel, size, grid, block, defines } of rungs) {
  test(`SGEMM_CUDA ${file} agrees with float64`, { skip: bench.skip }, async () => {
    const [m, n, k] = size;
    const { device } = bench;
    const a = device.randn([m, k], { seed: 1 });
    const b = device.randn([k, n], { seed: 2 });
    const c = device.randn([m, n], { seed: 3 });
    const expected = gemm(size, await values(a), await values(b), await values(c), 0.5, 3);
    const rung = await bench.kernel(file, kernel, defines);
    await rung.launch(
      { grid: [...grid], block: typeof block === "number" ? block : [...block] },
      m,
      n,
      k,
      0.5,
      a,
      b,
      3,
      c,
    );
    close(await values(c), expected, 1e-4);
  });
}
