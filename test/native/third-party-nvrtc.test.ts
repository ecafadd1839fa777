import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { thirdParty } from "./third-party-support";

/** Instances of the files that are all templates, as their CPU tests use them. */
const names: Record<string, string[]> = {
  "last_block.cu": ["reduceSinglePass<128>"],
  "mandelbrot.cu": ["Mandelbrot0<double>"],
  "matrix_mul.cu": ["MatrixMulCUDA<16>"],
  "nbody.cu": ["accelerations<float>"],
  "reduction.cu": ["reduce0<int>", "reduce6<float, 128, false>"],
  "spmv.cu": ["spmv_vector<double, 4>"],
  "async_gemm.cu": ["gemmPrimitives<16, 2, false>", "gemmPipeline<16, 3>", "producerConsumer", "barrierCopy"],
  "sgemm_ladder.cu": ["sgemmWarptiling<64, 64, 16, 32, 32, 2, 4, 4, 128>", "sgemmVectorize<64, 64, 8, 4, 8>"],
};

const folder = join(__dirname, "..", "..", "native", "third_party");

for (const file of readdirSync(folder)) {
  test(`${file} is CUDA that NVRTC takes too`, async (t) => {
    try {
      const compiled = await lab.compileCuda(thirdParty(file), {
        arch: "sm_90a",
        names: names[file],
        fileName: file,
      });
      assert.ok(Object.keys(compiled.kernels).length > 0);
    } catch (error) {
      if (lab.LabError.is(error, "no-compiler")) return t.skip(error.message);
      throw error;
    }
  });
}
