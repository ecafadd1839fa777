import assert from "node:assert/strict";
import { test } from "node:test";
import * as lab from "kernel-lab";

// What is wrong on a GPU, by chance or always, is wrong on the CPU device always: a forgotten wait, a tile changed too
// early, operations that the hardware leaves undefined.

let device: Promise<lab.Device> | undefined;
const cpu = (): Promise<lab.Device> => {
  device ??= lab.open("cpu");
  return device;
};
test.after(async () => (await device)?.close());

const names = ["unawaited", "awaited", "unfinished", "overwritten", "product", "stuck", "wrong"];

let compiled: Promise<lab.Module> | undefined;
const kernelOf = async (name: string): Promise<lab.Kernel> => {
  compiled ??= (await cpu()).compileModule(
    `#include "tma.cuh"
    #include "wgmma.cuh"
    __device__ void setUp(lab::Mbarrier& full, int count = 1) {
      if (threadIdx.x == 0) {
        lab::mbarrierInit(full, count);
        lab::mbarrierInitFence();
      }
      __syncthreads();
    }
    template <bool Wait> __device__ void load(const CUtensorMap& map, float* out) {
      extern __shared__ __align__(1024) float tile[];
      __shared__ lab::Mbarrier full;
      tile[threadIdx.x] = -1;
      setUp(full);
      if (threadIdx.x == 0) {
        lab::mbarrierArriveExpect(full, 128);
        lab::tmaLoad(tile, map, full, 0);
      }
      if (Wait) lab::mbarrierWait(full, 0);
      out[threadIdx.x] = tile[threadIdx.x];
    }
    __global__ void unawaited(const __grid_constant__ CUtensorMap map, float* out) { load<false>(map, out); }
    __global__ void awaited(const __grid_constant__ CUtensorMap map, float* out) { load<true>(map, out); }

    // Stores that nobody waits for, and stores whose source changes before the wait.
    __global__ void unfinished(float* y) {
      __shared__ alignas(16) float tile[32];
      tile[threadIdx.x] = 3;
      lab::fenceProxyAsync();
      __syncthreads();
      if (threadIdx.x == 0) {
        lab::bulkStore(y, tile, 128);
        lab::bulkCommit();
      }
    }
    __global__ void overwritten(float* y) {
      __shared__ alignas(16) float tile[32];
      tile[threadIdx.x] = 3;
      lab::fenceProxyAsync();
      __syncthreads();
      if (threadIdx.x == 0) {
        lab::bulkStore(y, tile, 128);
        lab::bulkCommit();
        tile[5] = 4;
        lab::bulkWaitRead<0>();
        tile[6] = 4;
        lab::bulkWait<0>();
      }
    }

    // Ones times ones, 64 x 64 x 16: 16 everywhere. mistake 1: no wait; 2: a tile changed before it; 3: one warp stays
    // away; 4: warps name different tiles; 5: a tile outside shared memory.
    __global__ void __launch_bounds__(128, 1) product(float* out, int mistake) {
      extern __shared__ __align__(1024) __half tile[];
      for (int i = threadIdx.x; i < 8192; i += 128) tile[i] = __half(1.0f);
      lab::fenceProxyAsync();
      __syncthreads();
      if (mistake == 3 && threadIdx.x >= 96) return;
      float d[32];
      for (int r = 0; r < 32; ++r) d[r] = -5;
      auto b = lab::kMajor(tile + 4096);
      if (mistake == 4 && threadIdx.x >= 64) b = lab::advance(b, 32);
      if (mistake == 5) b = lab::advance(b, 4096);
      lab::wgmmaFence();
      lab::wgmma<__half>(d, lab::kMajor(tile), b, false);
      lab::wgmmaCommit();
      if (mistake == 2) {
        tile[threadIdx.x * 32] = __half(3.0f);
        __syncthreads();
      }
      if (mistake != 1) lab::wgmmaWait<0>(d);
      float sum = 0;
      for (int r = 0; r < 32; ++r) sum += d[r];
      out[threadIdx.x] = sum;
    }

    __global__ void stuck(const __grid_constant__ CUtensorMap map, int bytes) {
      extern __shared__ __align__(1024) float tile[];
      __shared__ lab::Mbarrier full;
      setUp(full);
      if (threadIdx.x == 0) {
        lab::mbarrierArriveExpect(full, bytes);
        lab::tmaLoad(tile, map, full, 0);
      }
      lab::mbarrierWait(full, 0);
    }

    __global__ void wrong(const __grid_constant__ CUtensorMap map, float* x, int mistake) {
      extern __shared__ __align__(1024) float tile[];
      __shared__ lab::Mbarrier full;
      if (mistake == 1) lab::mbarrierInvalidate(full);
      setUp(full);
      if (mistake == 2) lab::mbarrierArrive(full, 2);
      if (mistake == 3) lab::tmaLoad(tile + 4, map, full, 0);
      if (mistake == 4) lab::tmaLoad(tile, map, full, 0, 0);
      if (mistake == 12) lab::tmaLoad(tile, map, full, 6);
      if (mistake == 13) {
        lab::tmaStore(map, tile, 1);
        lab::bulkCommit();
        lab::bulkWait<0>();
      }
      if (mistake == 14) {
        lab::tmaStore(map, tile, -4);
        lab::bulkCommit();
        lab::bulkWait<0>();
      }
      if (mistake == 5) lab::bulkLoad(tile, x, 100, full);
      if (mistake == 6) lab::bulkLoad(tile, x, 4096, full);
      if (mistake == 7) lab::mbarrierArriveRemote(full, 3);
      if (mistake == 8) lab::mbarrierExpect(full, 1 << 20);
      if (mistake == 9) x[0] = lab::sharedAddress(x);
      if (mistake == 10 && lab::clusterRank() == 0) {
        lab::clusterArrive();
        lab::mbarrierWait(full, 0);
      }
      if (mistake == 11) {
        lab::clusterSync();
        if (lab::clusterRank() == 0) return;
        for (int i = 0; i < 3; ++i) lab::clusterSync();
        x[0] = *lab::peerShared(tile, 0);
      }
    }`,
    { names, fileName: "mistakes.cu" },
  );
  return (await compiled).kernel(name);
};

const floats = async (tensor: lab.Tensor): Promise<number[]> =>
  Array.from((await tensor.read()) as Float32Array);

test("a tile is there after the wait for its mbarrier, and not before", async () => {
  const dev = await cpu();
  const map = lab.tensorMap(dev.arange([32]), { box: [32] });
  for (const [name, expected] of [
    ["awaited", Array.from({ length: 32 }, (_, i) => i)],
    ["unawaited", new Array(32).fill(-1)],
  ] as const) {
    const out = dev.full([32], Number.NaN);
    await (await kernelOf(name)).launch({ grid: 1, block: 32, shared: 128 }, map, out);
    assert.deepEqual(await floats(out), expected, name);
  }
});

test("a bulk store that nobody waits for writes nothing; its source is read as late as at the wait", async () => {
  const dev = await cpu();
  const y = dev.full([32], 7);
  await (await kernelOf("unfinished")).launch({ grid: 1, block: 32 }, y);
  assert.deepEqual(await floats(y), new Array(32).fill(7));
  await (await kernelOf("overwritten")).launch({ grid: 1, block: 32 }, y);
  assert.deepEqual(
    await floats(y),
    Array.from({ length: 32 }, (_, i) => (i === 5 ? 4 : 3)),
  );
});

test("a product is there after the wait for its group, from the tiles as they are then", async () => {
  const dev = await cpu();
  const kernel = await kernelOf("product");
  const sums = async (mistake: number): Promise<number[]> => {
    const out = dev.full([128], Number.NaN);
    await kernel.launch({ grid: 1, block: 128, shared: 16384 }, out, mistake);
    return floats(out);
  };
  assert.deepEqual(await sums(0), new Array(128).fill(16 * 32));
  assert.deepEqual(await sums(1), new Array(128).fill(-5 * 32));
  assert.notDeepEqual(await sums(2), new Array(128).fill(16 * 32));
});

/** The fault that a launch ends in; the device comes back at its next use. */
async function fault(
  name: string,
  config: lab.LaunchConfig,
  args: (dev: lab.Device) => lab.KernelArg[],
): Promise<lab.LabError> {
  const dev = await cpu();
  const kernel = await kernelOf(name);
  try {
    await kernel.launch(config, ...args(dev));
    await dev.sync();
  } catch (error) {
    assert.ok(error instanceof lab.LabError, String(error));
    return error;
  }
  return assert.fail("no fault");
}

test("bytes that never come are a deadlock, which says how many were expected and how many are on their way", async () => {
  for (const [bytes, says] of [
    [
      256,
      /mbarrier .* parity 0 with 0 of 1 arrivals to come, and 256 bytes expected while 128 are on their way/,
    ],
    [64, /-64 bytes expected while 0 are on their way/],
  ] as const) {
    const error = await fault("stuck", { grid: 1, block: 64, shared: 128 }, (dev) => [
      lab.tensorMap(dev.arange([32]), { box: [32] }),
      bytes,
    ]);
    assert.equal(error.code, "deadlock");
    assert.match(error.message, says);
    assert.match(error.message, /64 of 64 threads/);
  }
});

const products: [mistake: number, code: string, says: RegExp][] = [
  [3, "deadlock", /96 of 128 threads wait for all four warps of its warpgroup/],
  [4, "wgmma-mismatch", /different products/],
  [5, "illegal-address", /descriptor/],
];
for (const [mistake, code, says] of products) {
  test(`wgmma, mistake ${mistake}, ends in ${code}`, async () => {
    const error = await fault("product", { grid: 1, block: 128, shared: 16384 }, (dev) => [
      dev.zeros([128]),
      mistake,
    ]);
    assert.equal(error.code, code);
    assert.match(error.message, says);
  });
}

const wrongs: [mistake: number, cluster: number, code: string, says: RegExp][] = [
  [1, 1, "mbarrier", /mbarrierInit/],
  [2, 1, "mbarrier", /more arrivals/],
  [3, 1, "misaligned-address", /128 bytes/],
  [4, 1, "invalid-tensor-map", /coordinates/],
  [5, 1, "misaligned-address", /multiples of 16/],
  [6, 1, "illegal-address", /outside the block's shared memory/],
  [7, 2, "illegal-address", /does not have/],
  [8, 1, "mbarrier", /2\^20/],
  [9, 1, "illegal-address", /not into shared memory/],
  [10, 2, "deadlock", /mbarrier .* 1 of 1 arrivals to come/],
  [11, 2, "illegal-address", /after that block had exited/],
  [12, 1, "illegal-instruction", /innermost coordinate must be a multiple of 4 elements, and it is 6/],
  [13, 1, "illegal-instruction", /innermost coordinate must be a multiple of 4 elements, and it is 1/],
  [14, 1, "illegal-instruction", /begin inside a tensor or past its end.* a coordinate is -4/],
];
for (const [mistake, cluster, code, says] of wrongs) {
  test(`mistake ${mistake} ends in ${code}`, async () => {
    const error = await fault("wrong", { grid: 2, block: 1, shared: 256, cluster }, (dev) => [
      lab.tensorMap(dev.arange([32]), { box: [32] }),
      dev.arange([2048]),
      mistake,
    ]);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, says);
  });
}
