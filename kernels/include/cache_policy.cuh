// L2 cache policies for TMA loads: what stays in L2 and what leaves first (sm_80 on).
//
// A policy is a register made once a thread: const lab::CachePolicy keep = lab::evictLast();
// The CPU device has no L2; there a policy is nothing.
#pragma once

namespace lab {

struct CachePolicy {
  unsigned long long bits;
};

#ifdef __KERNEL_LAB_CPU__

inline CachePolicy evictFirst() { return {0}; }
inline CachePolicy evictLast() { return {0}; }

#else

// For what is read once: its lines are the first to leave.
__device__ __forceinline__ CachePolicy evictFirst() {
  CachePolicy policy;
  asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy.bits));
  return policy;
}
// For what other blocks will read again: its lines are the last to leave.
__device__ __forceinline__ CachePolicy evictLast() {
  CachePolicy policy;
  asm("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy.bits));
  return policy;
}

#endif

}  // namespace lab
