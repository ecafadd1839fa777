// Named barriers: meetings of some of a block's warps (bar.sync and bar.arrive with an id and a count).
//
// Ids 1 to 15 (0 is __syncthreads'); `threads` is how many take part, a multiple of 32, those that only arrive
// included. Who syncs waits until all have come; who arrives goes on at once, so that a producer can hand over
// without waiting. Shared memory written before arriving is seen after the sync.
//
//   lab::namedBarrierSync(1 + warpgroup, 256);        // wait for my turn
//   ...
//   lab::namedBarrierArrive(2 - warpgroup, 256);      // the other warpgroup's turn
#pragma once

namespace lab {

#ifdef __KERNEL_LAB_CPU__

inline void namedBarrierSync(int id, int threads) {
  lab_simt::barrier(static_cast<uint32_t>(id), static_cast<uint32_t>(threads));
}
inline void namedBarrierArrive(int id, int threads) {
  lab_simt::barrier_arrive(static_cast<uint32_t>(id), static_cast<uint32_t>(threads));
}

#else

__device__ __forceinline__ void namedBarrierSync(int id, int threads) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
__device__ __forceinline__ void namedBarrierArrive(int id, int threads) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

#endif

}  // namespace lab
