import assert from "node:assert/strict";
import { test } from "node:test";
import { cpu, numbers } from "./coverage-support";

const header = `#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <cooperative_groups/memcpy_async.h>
namespace cg = cooperative_groups;
`;

/** Runs a body whose every thread stores `width` ints at out[width * t] in one block. */
async function perThread(body: string, block: number[], width: number, extra = ""): Promise<number[][]> {
  const dev = await cpu();
  const kernel = await dev.compile(`${header}${extra}
    __global__ void f(int* all) {
      auto block = cg::this_thread_block();
      int t = block.thread_rank();
      int* out = all + ${width} * t;
      ${body}
    }`);
  const threads = block.reduce((n, extent) => n * extent, 1);
  const out = dev.full([threads, width], -99, { dtype: "i32" });
  kernel.enqueue({ grid: 1, block }, out);
  const flat = await numbers(out);
  return Array.from({ length: threads }, (_, t) => flat.slice(t * width, (t + 1) * width));
}

test("a block's ranks run x fastest over three dimensions", async () => {
  const rows = await perThread(
    `out[0] = block.thread_index().x; out[1] = block.thread_index().y; out[2] = block.thread_index().z;
     out[3] = block.size(); out[4] = block.group_dim().y; out[5] = cg::this_grid().num_blocks();`,
    [4, 3, 5],
    6,
  );
  for (const [t, row] of rows.entries()) {
    assert.deepEqual(row, [t % 4, Math.floor(t / 4) % 3, Math.floor(t / 12), 60, 3, 1]);
  }
});

test("tiles of 1 to 32: ranks, shuffles, votes, matches", async () => {
  for (const size of [1, 2, 4, 8, 16, 32]) {
    const rows = await perThread(
      `auto tile = cg::tiled_partition<${size}>(block);
       int r = tile.thread_rank();
       out[0] = r; out[1] = tile.size(); out[2] = tile.meta_group_rank(); out[3] = tile.meta_group_size();
       out[4] = tile.shfl(t, 1); out[5] = tile.shfl_up(t, 1); out[6] = tile.shfl_down(t, 1); out[7] = tile.shfl_xor(t, 1);
       out[8] = tile.ballot(r % 3 == 0); out[9] = tile.any(t == 5); out[10] = tile.all(r < 31);
       out[11] = tile.match_any(r / 2); int same; out[12] = tile.match_all(t / 32, same); out[13] = same;`,
      [64],
      14,
    );
    for (const [t, row] of rows.entries()) {
      const r = t % size;
      const first = t - r;
      const ranks = Array.from({ length: size }, (_, i) => i);
      const mask = (f: (i: number) => boolean) => ranks.reduce((m, i) => (f(i) ? m | (1 << i) : m), 0);
      const everyone = size === 32 ? -1 : 2 ** size - 1;
      assert.deepEqual(
        row,
        [
          r,
          size,
          Math.floor(t / size),
          64 / size,
          first + (1 % size),
          r > 0 ? t - 1 : t,
          r + 1 < size ? t + 1 : t,
          (r ^ 1) < size ? t ^ 1 : t,
          mask((i) => i % 3 === 0),
          first <= 5 && 5 < first + size ? 1 : 0,
          size < 32 ? 1 : 0,
          mask((i) => i >> 1 === r >> 1),
          everyone,
          1,
        ],
        `tile of ${size}, thread ${t}`,
      );
    }
  }
});

test("tiles of tiles, tiles whose size is known at run time, and groups as thread_group", async () => {
  const rows = await perThread(
    `auto warp = cg::tiled_partition<32>(block);
     auto four = cg::tiled_partition<4>(warp);
     out[0] = four.thread_rank(); out[1] = four.meta_group_rank(); out[2] = four.meta_group_size();
     cg::thread_group dynamic = cg::tiled_partition(block, 8);
     out[3] = dynamic.thread_rank(); out[4] = dynamic.size(); dynamic.sync();
     out[5] = sumUp(block, scratch, t); out[6] = sumUp(dynamic, scratch + t / 8 * 8, 1);`,
    [64],
    7,
    `__device__ int sumUp(cg::thread_group g, int* scratch, int value) {
       int rank = g.thread_rank();
       for (int i = g.size() / 2; i > 0; i /= 2) {
         scratch[rank] = value;
         g.sync();
         if (rank < i) value += scratch[rank + i];
         g.sync();
       }
       if (rank == 0) scratch[0] = value;
       g.sync();
       int total = scratch[0];
       g.sync();
       return total;
     }
     __shared__ int scratch[64];`,
  );
  for (const [t, row] of rows.entries()) {
    assert.deepEqual(row, [t % 4, Math.floor((t % 32) / 4), 8, t % 8, 8, 2016, 8]);
  }
});

test("reduce and scans over tiles and coalesced threads, with every operator", async () => {
  const rows = await perThread(
    `auto tile = cg::tiled_partition<8>(block);
     int v = (t * 37) % 11;
     out[0] = cg::reduce(tile, v, cg::plus<int>()); out[1] = cg::reduce(tile, v, cg::less<int>());
     out[2] = cg::reduce(tile, v, cg::greater<int>()); out[3] = cg::reduce(tile, v, cg::bit_xor<int>());
     out[4] = cg::reduce(tile, v, cg::bit_or<int>()); out[5] = cg::reduce(tile, v, cg::bit_and<int>());
     out[6] = cg::inclusive_scan(tile, v); out[7] = cg::exclusive_scan(tile, v, cg::plus<int>());
     out[8] = cg::inclusive_scan(tile, v, cg::greater<int>());
     if (t % 3 == 0) {
       auto active = cg::coalesced_threads();
       out[9] = active.size(); out[10] = active.thread_rank(); out[11] = cg::reduce(active, v, cg::plus<int>());
       out[12] = cg::exclusive_scan(active, 1); out[13] = active.shfl(t, 2); out[14] = active.shfl_down(t, 1);
     }
     auto labelled = cg::labeled_partition(cg::tiled_partition<32>(block), v);
     out[15] = labelled.size(); out[16] = labelled.thread_rank(); out[17] = labelled.meta_group_size();
     auto odd = cg::binary_partition(cg::tiled_partition<32>(block), t % 2);
     out[18] = cg::reduce(odd, t, cg::plus<int>()); out[19] = cg::invoke_one_broadcast(odd, [&] { return t; });`,
    [64],
    20,
  );
  const v = rows.map((_, t) => (t * 37) % 11);
  for (const [t, row] of rows.entries()) {
    const tile = v.slice(t - (t % 8), t - (t % 8) + 8);
    const upTo = tile.slice(0, (t % 8) + 1);
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    const fold = (f: (a: number, b: number) => number) => tile.reduce(f);
    const warp = Array.from({ length: 32 }, (_, i) => t - (t % 32) + i);
    const active = warp.filter((u) => u % 3 === 0);
    const rank = active.indexOf(t);
    const same = warp.filter((u) => v[u] === v[t]);
    const parity = warp.filter((u) => u % 2 === t % 2);
    assert.deepEqual(row.slice(0, 9), [
      sum(tile),
      Math.min(...tile),
      Math.max(...tile),
      fold((a, b) => a ^ b),
      fold((a, b) => a | b),
      fold((a, b) => a & b),
      sum(upTo),
      sum(upTo) - v[t]!,
      Math.max(...upTo),
    ]);
    const coalesced = [
      active.length,
      rank,
      sum(active.map((u) => v[u]!)),
      rank,
      active[2],
      active[rank + 1] ?? t,
    ];
    assert.deepEqual(row.slice(9, 15), t % 3 === 0 ? coalesced : Array(6).fill(-99));
    assert.deepEqual(row.slice(15), [
      same.length,
      same.indexOf(t),
      new Set(warp.map((u) => v[u])).size,
      sum(parity),
      parity[0],
    ]);
  }
});

test("cg::memcpy_async: wait and wait_prior, in stages", async () => {
  const rows = await perThread(
    `shared[t] = source[t] = 1000 + t; shared[64 + t] = source[64 + t] = 2000 + t;
     block.sync();
     shared[t] = shared[64 + t] = 0;
     block.sync();
     cg::memcpy_async(block, shared, source, 64 * sizeof(int));
     cg::memcpy_async(block, shared + 64, source + 64, 64 * sizeof(int));
     cg::wait_prior<1>(block);
     out[0] = shared[63 - t]; out[1] = shared[64 + t];
     block.sync();
     cg::wait(block);
     out[2] = shared[127 - t];
     cg::memcpy_async(cg::tiled_partition<16>(block), shared + t / 16 * 16, 16, source + 64 + t / 16 * 16, 8);
     cg::wait(cg::tiled_partition<16>(block));
     out[3] = shared[t];`,
    [64],
    4,
    "__shared__ int shared[128]; __device__ int source[128];",
  );
  for (const [t, row] of rows.entries()) {
    assert.deepEqual(row, [1063 - t, 0, 2063 - t, t % 16 < 8 ? 2000 + t : 1000 + t]);
  }
});

test("grid.sync in an ordinary launch is a clear error", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`${header}__global__ void f() { cg::this_grid().sync(); }`);
  kernel.enqueue({ grid: 2, block: 32 });
  await assert.rejects(dev.sync(), /cooperative/);
});

test("cuda::atomic, cuda::atomic_ref and numeric limits", async () => {
  const dev = await cpu();
  const kernel = await dev.compile(`#include <cuda/atomic>
    #include <cuda/std/limits>
    __global__ void f(int* counter, float* sum, unsigned* flags, float* limits) {
      __shared__ cuda::atomic<int, cuda::thread_scope_block> turn;
      if (threadIdx.x == 0) turn.store(0, cuda::std::memory_order_relaxed);
      __syncthreads();
      cuda::atomic_ref<int, cuda::thread_scope_device> c(*counter);
      c.fetch_add(2, cuda::memory_order_relaxed);
      cuda::atomic_ref<float, cuda::thread_scope_device>(*sum).fetch_add(0.5f);
      cuda::atomic_ref<unsigned>(*flags).fetch_or(1u << (threadIdx.x % 32));
      // Threads take turns, each spinning until its own.
      while (turn.load(cuda::memory_order_acquire) != (int)threadIdx.x) {}
      turn.fetch_add(1, cuda::memory_order_release);
      if (blockIdx.x == 0 && threadIdx.x == 0) {
        limits[0] = cuda::std::numeric_limits<float>::max();
        limits[1] = cuda::std::numeric_limits<int>::lowest();
      }
    }`);
  const [counter, sum] = [dev.zeros([1], { dtype: "i32" }), dev.zeros([1])];
  const [flags, limits] = [dev.zeros([1], { dtype: "u32" }), dev.zeros([2])];
  kernel.enqueue({ grid: 6, block: 64 }, counter, sum, flags, limits);
  assert.deepEqual(await numbers(counter), [768]);
  assert.deepEqual(await numbers(sum), [192]);
  assert.deepEqual(await numbers(flags), [0xffffffff]);
  assert.deepEqual(await numbers(limits), [Math.fround(3.402823466e38), -(2 ** 31)]);
});

test("what the device lacks is named", async () => {
  const dev = await cpu();
  for (const [include, message] of [
    ["curand_kernel.h", /cuRAND/],
    ["texture_indirect_functions.h", /texture/],
  ] as const) {
    await assert.rejects(dev.compile(`#include <${include}>\n__global__ void f() {}`), message);
  }
  const textured = "\n__global__ void f(float* y, cudaTextureObject_t t) { *y = tex2D<float>(t, 0.f, 0.f); }";
  await assert.rejects(
    dev.compile(textured, { fileName: "image.cu" }),
    /^LabError: image\.cu:2: cudaTextureObject_t .* no textures/,
  );
});

test("tiles of several warps: ranks, barriers of their own, votes, broadcasts, reductions", async () => {
  for (const size of [64, 128, 256]) {
    const rows = await perThread(
      `__shared__ cg::block_tile_memory<256> scratch;
       auto tile = cg::tiled_partition<${size}>(cg::this_thread_block(scratch));
       int r = tile.thread_rank(), first = t - r;
       out[0] = r; out[1] = tile.size(); out[2] = tile.meta_group_rank(); out[3] = tile.meta_group_size();
       out[4] = cg::reduce(tile, t, cg::plus<int>()); out[5] = cg::reduce(tile, (t * 37) % 101, cg::greater<int>());
       out[6] = tile.any(t == 5); out[7] = tile.all(t < ${size}); out[8] = tile.shfl(t, 40);
       // Only the first tile meets here, so its barrier cannot be the block's.
       __shared__ int left[256];
       if (tile.meta_group_rank() == 0)
         for (int round = 0; round < 3; ++round) {
           left[t] = round + t;
           tile.sync();
           out[9] = left[first + (r + 33) % ${size}];
           cg::sync(tile);
         }`,
      [256],
      10,
    );
    for (const [t, row] of rows.entries()) {
      const [r, tile] = [t % size, Math.floor(t / size)];
      const members = Array.from({ length: size }, (_, i) => tile * size + i);
      const sum = members.reduce((total, v) => total + v, 0);
      const max = Math.max(...members.map((v) => (v * 37) % 101));
      const first = tile === 0;
      const seen = first ? 2 + ((r + 33) % size) : -99;
      const expected = [
        r,
        size,
        tile,
        256 / size,
        sum,
        max,
        Number(first),
        Number(first),
        tile * size + 40,
        seen,
      ];
      assert.deepEqual(row, expected, `tile of ${size}, thread ${t}`);
    }
  }
  const block = "auto tile = cg::tiled_partition<64>(block); out[0] = tile.size();";
  await assert.rejects(perThread(block, [96], 1), /multiple of its size/);
});

test("tiles of several warps by CUDA 11's experimental names, beside the host's types", async () => {
  const rows = await perThread(
    `__shared__ cg::experimental::block_tile_memory<sizeof(int), 256> scratch;
     auto cta = cg::experimental::this_thread_block(scratch);
     auto tile = cg::experimental::tiled_partition<128>(cta);
     Task task{1, nullptr, nullptr, cudaSuccess};
     out[0] = tile.thread_rank(); out[1] = tile.meta_group_rank();
     cudaGridDependencySynchronize();
     out[2] = tile.shfl(t * task.scale, 3);
     cudaTriggerProgrammaticLaunchCompletion();`,
    [256],
    3,
    "#include <cuda_runtime.h>\nstruct Task { int scale; cudaStream_t stream; cudaEvent_t done; cudaError_t status; };",
  );
  for (const [t, row] of rows.entries()) {
    assert.deepEqual(row, [t % 128, Math.floor(t / 128), 128 * Math.floor(t / 128) + 3]);
  }
});
