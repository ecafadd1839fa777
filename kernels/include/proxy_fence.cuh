// Fences between ordinary accesses and the asynchronous proxy, through which TMA and wgmma reach memory (sm_90).
//
// Shared memory written by ordinary stores (stmatrix too) and then read by wgmma or a TMA store: each writing thread
// calls fenceProxyAsync(), then a barrier, then the reader issues. The CPU device has one memory: nothing to do.
#pragma once

namespace lab {

__device__ __forceinline__ void fenceProxyAsync() {
#ifndef __KERNEL_LAB_CPU__
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

// For global memory written by this kernel's ordinary stores and then read through a tensor map.
__device__ __forceinline__ void fenceProxyAsyncGlobal() {
#ifndef __KERNEL_LAB_CPU__
  asm volatile("fence.proxy.async.global;" ::: "memory");
#endif
}

}  // namespace lab
