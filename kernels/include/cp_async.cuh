// cp.async: copies from global to shared memory that run while the thread computes (sm_80 on).
//
// A thread's copies gather in groups: issue, commit, and wait until at most Keep groups are unfinished. A wait
// covers the calling thread's own copies only; a barrier must follow before others read them.
// On the CPU device a copy happens at the wait, so a kernel that forgets it fails there too.
//
//   lab::copyAsync16(&tile[i], x + i, i < n);   // zero-fills when the predicate is false
//   lab::copyAsyncCommit();
//   lab::copyAsyncWait<0>();
//   __syncthreads();
#pragma once

#include "shared_address.cuh"

#ifdef __KERNEL_LAB_CPU__
#include <cuda_pipeline.h>
#endif

namespace lab {

#ifdef __KERNEL_LAB_CPU__

template <int Bytes>
__device__ __forceinline__ void copyAsync(void* shared, const void* global, bool valid = true) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
  __pipeline_memcpy_async(shared, valid ? global : shared, Bytes, valid ? 0 : Bytes);
}
__device__ __forceinline__ void copyAsync16(void* shared, const void* global, bool valid = true) {
  copyAsync<16>(shared, global, valid);
}
__device__ __forceinline__ void copyAsyncCommit() { __pipeline_commit(); }
template <int Keep>
__device__ __forceinline__ void copyAsyncWait() { __pipeline_wait_prior(Keep); }

#else

// Through L1, 4, 8 or 16 bytes; a false predicate writes zeros and reads nothing.
template <int Bytes>
__device__ __forceinline__ void copyAsync(void* shared, const void* global, bool valid = true) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16, "cp.async copies 4, 8 or 16 bytes");
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(sharedAddress(shared)), "l"(global), "n"(Bytes),
               "r"(valid ? Bytes : 0)
               : "memory");
}
// Past L1, for data that only this block's shared memory will serve.
__device__ __forceinline__ void copyAsync16(void* shared, const void* global, bool valid = true) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(shared)), "l"(global),
               "r"(valid ? 16 : 0)
               : "memory");
}
__device__ __forceinline__ void copyAsyncCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int Keep>
__device__ __forceinline__ void copyAsyncWait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Keep) : "memory");
}

#endif

}  // namespace lab
