import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { coverageSource } from "./coverage-support";

/** Instances of the files that are all templates, as their CPU tests use them. */
const names: Record<string, string[]> = {
  "async_gemm.cu": ["gemmPrimitives<16, 2, false>", "gemmPipeline<16, 3>", "producerConsumer", "barrierCopy"],
  "collatz.cu": ["paintSteps<unsigned long long>"],
  "field.cu": ["fieldOfCharges<float>", "fieldOfCharges<double>"],
  "fold.cu": ["foldRows<int, Sum, 64>", "foldRows<double, Highest, 128>", "vectorLength<128>"],
  "gram_tiles.cu": ["gramTiles<half>", "gramTiles<signed char>", "gramTiles<float>"],
  "products.cu": ["productByTiles<16>", "productByPatches<WarpBlocked<64, 64, 8, 8>>"],
  "quarter_turn.cu": ["turnDirectly", "turnClockwise<uchar4, 1, Bishop>"],
  "running.cu": ["runningMax", "runningSum<3>"],
  "sort.cu": ["sortRuns<64, true>", "mergeRuns", "sortWarp"],
  "sparse_rows.cu": ["weighRows<double, 4>"],
};

const folder = join(__dirname, "..", "..", "native", "coverage");

for (const file of readdirSync(folder)) {
  test(`${file} is CUDA that NVRTC takes too`, async (t) => {
    try {
      const compiled = await lab.compileCuda(coverageSource(file), {
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
