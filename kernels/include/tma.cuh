// TMA: whole tiles between global and shared memory by one thread's instruction, through a tensor map (sm_90).
//
// The map comes from lab.tensorMap(tensor, { box, swizzle }) and is a parameter `const __grid_constant__ CUtensorMap m`.
// Coordinates are elements, the innermost axis first: x the column, y the row of a matrix. Past the tensor's end loads give
// zeros (or NaN, as the map says) and stores leave out; in front of its start only loads may begin. The innermost coordinate
// must be a multiple of 16 bytes. Against either rule an H200 ends the kernel with an illegal instruction. One elected thread
// issues.
// Shared tiles lie without gaps, the box's innermost axis fastest, and are aligned to 128 bytes; swizzled ones, which
// permute 16-byte chunks by bits of the shared address, to 1024 where wgmma reads them. A load signals an mbarrier with
// the whole box's bytes, cut-off elements included.
//
//   lab::mbarrierArriveExpect(full, 64 * 128 * sizeof(__half));
//   lab::tmaLoad(tile, map, full, 64 * step, 128 * blockIdx.x);       // also (..., x, y, lab::evictLast())
//
//   ...ordinary stores to `tile`; lab::fenceProxyAsync(); __syncthreads(); then one thread:
//   lab::tmaStore(map, tile, x, y);
//   lab::bulkCommit();
//   lab::bulkWait<0>();       // or bulkWaitRead<0>(): `tile` may be written again
// On the CPU device a load happens when somebody waits for its mbarrier, a store when its group is waited for, so that a
// forgotten wait, and a tile changed too early, give wrong results there too.
#pragma once

#include <cuda.h>

#include "cache_policy.cuh"
#include "mbarrier.cuh"
#include "proxy_fence.cuh"

#ifdef __KERNEL_LAB_CPU__
#include "cpu/tma_cpu.cuh"
#else

namespace lab {

// Fetches the map itself, early in a kernel.
__device__ __forceinline__ void tmaPrefetchMap(const CUtensorMap& map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(&map) : "memory");
}

// For each rank: tmaLoad, tmaLoadMulticast (the tile lands at the same offset in every block of the 16-bit mask, and
// signals that block's barrier), both with and without a cache policy, tmaPrefetch (into L2), tmaStore, tmaReduceAdd.
#define LAB_TMA_LIST(...) __VA_ARGS__
#define LAB_TMA_RANK(RANK, AT, PARAMETERS, OPERANDS, A, B, C, D, E)                                                    \
  __device__ __forceinline__ void tmaLoad(void* tile, const CUtensorMap& map, Mbarrier& full, LAB_TMA_LIST PARAMETERS) { \
    asm volatile("cp.async.bulk.tensor." RANK ".shared::cluster.global.tile.mbarrier::complete_tx::bytes [%" #A "], [%" #B \
                 ", " AT "], [%" #C "];" ::LAB_TMA_LIST OPERANDS,                                                       \
                 "r"(sharedAddress(tile)), "l"(&map), "r"(sharedAddress(&full))                                         \
                 : "memory");                                                                                           \
  }                                                                                                                     \
  __device__ __forceinline__ void tmaLoad(void* tile, const CUtensorMap& map, Mbarrier& full, LAB_TMA_LIST PARAMETERS, \
                                          CachePolicy policy) {                                                         \
    asm volatile("cp.async.bulk.tensor." RANK                                                                           \
                 ".shared::cluster.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint [%" #A "], [%" #B ", " AT    \
                 "], [%" #C "], %" #D ";" ::LAB_TMA_LIST OPERANDS,                                                      \
                 "r"(sharedAddress(tile)), "l"(&map), "r"(sharedAddress(&full)), "l"(policy.bits)                       \
                 : "memory");                                                                                           \
  }                                                                                                                     \
  __device__ __forceinline__ void tmaLoadMulticast(void* tile, const CUtensorMap& map, Mbarrier& full, unsigned blocks, \
                                                   LAB_TMA_LIST PARAMETERS) {                                           \
    asm volatile("cp.async.bulk.tensor." RANK                                                                           \
                 ".shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%" #A "], [%" #B        \
                 ", " AT "], [%" #C "], %" #D ";" ::LAB_TMA_LIST OPERANDS,                                              \
                 "r"(sharedAddress(tile)), "l"(&map), "r"(sharedAddress(&full)), "h"(static_cast<unsigned short>(blocks)) \
                 : "memory");                                                                                           \
  }                                                                                                                     \
  __device__ __forceinline__ void tmaLoadMulticast(void* tile, const CUtensorMap& map, Mbarrier& full, unsigned blocks, \
                                                   LAB_TMA_LIST PARAMETERS, CachePolicy policy) {                       \
    asm volatile("cp.async.bulk.tensor." RANK                                                                           \
                 ".shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster.L2::cache_hint [%" #A    \
                 "], [%" #B ", " AT "], [%" #C "], %" #D ", %" #E ";" ::LAB_TMA_LIST OPERANDS,                          \
                 "r"(sharedAddress(tile)), "l"(&map), "r"(sharedAddress(&full)),                                        \
                 "h"(static_cast<unsigned short>(blocks)), "l"(policy.bits)                                             \
                 : "memory");                                                                                           \
  }                                                                                                                     \
  __device__ __forceinline__ void tmaPrefetch(const CUtensorMap& map, LAB_TMA_LIST PARAMETERS) {                        \
    asm volatile("cp.async.bulk.prefetch.tensor." RANK ".L2.global.tile [%" #A ", " AT "];" ::LAB_TMA_LIST OPERANDS,    \
                 "l"(&map)                                                                                              \
                 : "memory");                                                                                           \
  }                                                                                                                     \
  __device__ __forceinline__ void tmaStore(const CUtensorMap& map, const void* tile, LAB_TMA_LIST PARAMETERS) {         \
    asm volatile("cp.async.bulk.tensor." RANK ".global.shared::cta.tile.bulk_group [%" #A ", " AT                       \
                 "], [%" #B "];" ::LAB_TMA_LIST OPERANDS,                                                               \
                 "l"(&map), "r"(sharedAddress(tile))                                                                    \
                 : "memory");                                                                                           \
  }                                                                                                                     \
  __device__ __forceinline__ void tmaReduceAdd(const CUtensorMap& map, const void* tile, LAB_TMA_LIST PARAMETERS) {     \
    asm volatile("cp.reduce.async.bulk.tensor." RANK ".global.shared::cta.add.tile.bulk_group [%" #A ", " AT            \
                 "], [%" #B "];" ::LAB_TMA_LIST OPERANDS,                                                               \
                 "l"(&map), "r"(sharedAddress(tile))                                                                    \
                 : "memory");                                                                                           \
  }

LAB_TMA_RANK("1d", "{%0}", (int x), ("r"(x)), 1, 2, 3, 4, 5)
LAB_TMA_RANK("2d", "{%0, %1}", (int x, int y), ("r"(x), "r"(y)), 2, 3, 4, 5, 6)
LAB_TMA_RANK("3d", "{%0, %1, %2}", (int x, int y, int z), ("r"(x), "r"(y), "r"(z)), 3, 4, 5, 6, 7)
LAB_TMA_RANK("4d", "{%0, %1, %2, %3}", (int x, int y, int z, int w), ("r"(x), "r"(y), "r"(z), "r"(w)), 4, 5, 6, 7, 8)
LAB_TMA_RANK("5d", "{%0, %1, %2, %3, %4}", (int x, int y, int z, int w, int v),
             ("r"(x), "r"(y), "r"(z), "r"(w), "r"(v)), 5, 6, 7, 8, 9)
#undef LAB_TMA_RANK
#undef LAB_TMA_LIST

// Plain bytes with no map: addresses aligned to 16, a multiple of 16 bytes.
__device__ __forceinline__ void bulkLoad(void* shared, const void* global, unsigned bytes, Mbarrier& full) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   sharedAddress(shared)),
               "l"(global), "r"(bytes), "r"(sharedAddress(&full))
               : "memory");
}
__device__ __forceinline__ void bulkLoad(void* shared, const void* global, unsigned bytes, Mbarrier& full,
                                         CachePolicy policy) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], %4;" ::"r"(
          sharedAddress(shared)),
      "l"(global), "r"(bytes), "r"(sharedAddress(&full)), "l"(policy.bits)
      : "memory");
}
__device__ __forceinline__ void bulkStore(void* global, const void* shared, unsigned bytes) {
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(global), "r"(sharedAddress(shared)),
               "r"(bytes)
               : "memory");
}

// Stores of one thread gather in groups, as cp.async's: waits cover the calling thread's own.
__device__ __forceinline__ void bulkCommit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
// Until at most Keep groups are unfinished: their writes are visible to this thread.
template <int Keep>
__device__ __forceinline__ void bulkWait() {
  asm volatile("cp.async.bulk.wait_group %0;" ::"n"(Keep) : "memory");
}
// Until at most Keep groups have still to read their shared memory, which may then be written again.
template <int Keep>
__device__ __forceinline__ void bulkWaitRead() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(Keep) : "memory");
}

}  // namespace lab

#endif
