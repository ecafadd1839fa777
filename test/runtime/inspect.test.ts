import assert from "node:assert/strict";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { findCudaTool } from "kernel-lab/dist/backend/cuda/tools";

/** NVRTC is not part of every machine: without it these tests say so and step aside. */
async function whyNoCompiler(): Promise<string | false> {
  try {
    await lab.compileCuda('extern "C" __global__ void probe() {}');
    return false;
  } catch (error) {
    if (lab.LabError.is(error, "no-compiler")) return error.message;
    throw error;
  }
}

const source = `__device__ float twice(float v) {
  return v * 3.0f;
}
extern "C" __global__ void scale(const float* x, float* y, int n) {
  __shared__ float tile[64];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  tile[threadIdx.x] = i < n ? x[i] : 0.0f;
  __syncthreads();
  if (i < n) y[i] = twice(tile[63 - threadIdx.x]);
}
`;

test("inspect() joins PTX and SASS to the source's lines, inlined functions to both of theirs", async (t) => {
  const missing = await whyNoCompiler();
  if (missing) return t.skip(missing);
  const device = await lab.open("cpu", { workers: 1 });
  try {
    const kernel = await device.compile(source, { fileName: "scale.cu" });
    const seen = await kernel.inspect({ arch: "sm_80", block: 64 });
    assert.equal(seen.arch, "sm_80");
    assert.equal(seen.resources.staticShared, 256);
    assert.equal(seen.resources.spillStores, 0);
    const multiply = seen.ptx.find((line) => /\bmul\.f32\b/.test(line.text));
    assert.deepEqual(multiply?.lines, [2, 9]);
    const load = seen.ptx.find((line) => /\bld\.global/.test(line.text));
    assert.deepEqual(load?.lines, [7]);
    assert.equal(seen.occupancy?.blocks, 32);
    assert.deepEqual(
      seen.occupancy?.limits,
      ["threads", "blocks"].slice(seen.occupancy.threads === 64 ? 0 : 1),
    );
    if (!findCudaTool("nvdisasm")) {
      assert.equal(seen.sass, null);
      assert.match(seen.whyNoSass, /pip install nvidia-cuda-nvdisasm/);
      return;
    }
    const line = (pattern: RegExp) => seen.sass?.find((item) => pattern.test(item.text))?.lines;
    assert.deepEqual(line(/\bFMUL\b/), [2, 9]);
    assert.deepEqual(line(/\bLDG\b/), [7]);
    assert.deepEqual(line(/\bSTG\b/), [9]);
    assert.deepEqual(line(/\bBAR\.SYNC/), [8]);
    assert.equal(seen.whyNoSass, "");
  } finally {
    await device.close();
  }
});

/** 128 values live at once in a block of 1024 threads, which has 64 registers a thread. */
const hungry = `extern "C" __global__ void __launch_bounds__(1024) hungry(const float* x, float* y) {
  float v[128];
#pragma unroll
  for (int i = 0; i < 128; i++) v[i] = x[i * 1024 + threadIdx.x];
#pragma unroll
  for (int i = 0; i < 128; i++) y[i * 1024 + threadIdx.x] = v[i] * v[127 - i] + v[(i * 7) % 128];
}
`;

test("inspect() tells spilled registers and refuses a block that does not fit", async (t) => {
  const missing = await whyNoCompiler();
  if (missing) return t.skip(missing);
  const device = await lab.open("cpu", { workers: 1 });
  try {
    const kernel = await device.compile(hungry);
    const { resources, occupancy } = await kernel.inspect({ arch: "sm_80", block: [32, 32] });
    assert.equal(resources.registers, 64);
    assert.ok(resources.spillStores >= 4 * 32, `${resources.spillStores} bytes stored`);
    assert.ok(resources.spillLoads >= resources.spillStores, `${resources.spillLoads} bytes loaded`);
    assert.deepEqual([occupancy?.blocks, occupancy?.limits], [1, ["registers"]]);
    await assert.rejects(kernel.inspect({ arch: "sm_80", block: 1025 }), { code: "invalid-launch" });
    await assert.rejects(kernel.inspect({ arch: "sm_80", block: 64, shared: 200_000 }), {
      code: "invalid-launch",
    });
  } finally {
    await device.close();
  }
});
