// Tiles through tensor maps of every rank, in and out of shared memory, and plain bytes.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "tma.cuh"

// One block loads one box and shows its shared memory byte for byte.
template <int Rank>
__global__ void tma_load(const __grid_constant__ CUtensorMap map, unsigned char* seen, int bytes, int x, int y, int z, int w,
                         int v) {
  extern __shared__ __align__(1024) unsigned char tile[];
  __shared__ lab::Mbarrier full;
  for (int i = threadIdx.x; i < bytes; i += blockDim.x) tile[i] = 0xee;
  lab::fenceProxyAsync();
  if (threadIdx.x == 0) {
    lab::tmaPrefetchMap(map);
    lab::mbarrierInit(full, 1);
    lab::mbarrierInitFence();
  }
  __syncthreads();
  if (threadIdx.x < 32 && threadIdx.x == 0) {
    lab::mbarrierArriveExpect(full, bytes);
    if constexpr (Rank == 1) lab::tmaLoad(tile, map, full, x, lab::evictFirst());
    if constexpr (Rank == 2) lab::tmaLoad(tile, map, full, x, y);
    if constexpr (Rank == 3) lab::tmaLoad(tile, map, full, x, y, z, lab::evictLast());
    if constexpr (Rank == 4) lab::tmaLoad(tile, map, full, x, y, z, w);
    if constexpr (Rank == 5) lab::tmaLoad(tile, map, full, x, y, z, w, v);
  }
  lab::mbarrierWait(full, 0);
  for (int i = threadIdx.x; i < bytes; i += blockDim.x) seen[i] = tile[i];
}

// Stores (or adds) a box of floats that holds 1, 2, 3, ... in the order of its elements.
template <bool Add>
__global__ void tma_store(const __grid_constant__ CUtensorMap map, int elements, int x, int y, int swizzled) {
  extern __shared__ __align__(1024) unsigned char tile[];
  for (int i = threadIdx.x; i < elements; i += blockDim.x) {
    unsigned at = 4 * i;
    if (swizzled) at ^= (at >> 7 & 7) << 4;
    *reinterpret_cast<float*>(tile + at) = i + 1;
  }
  lab::fenceProxyAsync();
  __syncthreads();
  if (threadIdx.x == 0) {
    if (Add) {
      lab::tmaReduceAdd(map, tile, x, y);
    } else {
      lab::tmaStore(map, tile, x, y);
    }
    lab::bulkCommit();
    lab::bulkWait<0>();
  }
}

// Adds a box of 16-bit floats, all `value`.
template <typename T>
__global__ void tma_add(const __grid_constant__ CUtensorMap map, int elements, float value) {
  extern __shared__ __align__(1024) unsigned char bytes[];
  T* tile = reinterpret_cast<T*>(bytes);
  for (int i = threadIdx.x; i < elements; i += blockDim.x) tile[i] = T(value);
  lab::fenceProxyAsync();
  __syncthreads();
  if (threadIdx.x == 0) {
    lab::tmaReduceAdd(map, tile, 0, 0);
    lab::bulkCommit();
    lab::bulkWait<0>();
  }
}

// y = 2 x by plain bulk copies, a block 256 floats at a time; two stores may be on their way.
__global__ void bulk_scale(const float* x, float* y, int rounds) {
  __shared__ alignas(128) float in[256], out[2][256];
  __shared__ lab::Mbarrier full;
  if (threadIdx.x == 0) {
    lab::mbarrierInit(full, 1);
    lab::mbarrierInitFence();
  }
  __syncthreads();
  for (int round = 0; round < rounds; ++round) {
    if (threadIdx.x == 0) {
      lab::mbarrierArriveExpect(full, sizeof in);
      lab::bulkLoad(in, x + 256 * round, sizeof in, full);
      lab::bulkWaitRead<1>();  // the buffer of two rounds ago has been read
    }
    lab::mbarrierWait(full, round & 1);
    __syncthreads();
    for (int i = threadIdx.x; i < 256; i += blockDim.x) out[round % 2][i] = 2 * in[i];
    lab::fenceProxyAsync();
    __syncthreads();
    if (threadIdx.x == 0) {
      lab::bulkStore(y + 256 * round, out[round % 2], sizeof out[0]);
      lab::bulkCommit();
    }
  }
  if (threadIdx.x == 0) lab::bulkWait<0>();
}
