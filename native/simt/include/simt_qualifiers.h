/// CUDA's qualifiers, as the host compiler can say them.
///
/// A block runs on one host thread, so its static shared memory is that thread's own: __shared__ is thread_local.
/// What a macro cannot express (extern __shared__ arrays, __device__ before a variable, __launch_bounds__) is
/// rewritten by the lab's translator before the compiler sees the source.
#pragma once

#define __global__ __attribute__((noinline))
#define __device__
#define __host__
#define __shared__ thread_local
// Reachable by name from the host, which may write it: the compiler must not fold it.
#define __constant__ __attribute__((used))
#define __managed__ __attribute__((used))
#define __lab_device_variable__ __attribute__((used))
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __maxnreg__(...)
#define __cluster_dims__(...)
#define __block_size__(...)
#define __builtin_align__(n) __attribute__((aligned(n)))
#define __CUDA_ALIGN__(n) __attribute__((aligned(n)))
#define __device_builtin__
#define __cudart_builtin__
#define CUDART_CB

/// The first statement of a kernel with launch bounds or a cluster: answers the runtime's question for them. Each
/// argument is what stood in the qualifier's brackets, brackets included.
#define LAB_SIMT_BOUNDS(BOUNDS, CLUSTER)                    \
  if (__builtin_expect(lab_simt::self()->query, 0)) {       \
    lab_simt::answer_bounds BOUNDS;                         \
    lab_simt::answer_cluster CLUSTER;                       \
    return;                                                 \
  }
namespace lab_simt {
inline void answer_bounds(uint32_t threads = 0, uint32_t blocks = 0, uint32_t = 0) {
  self()->boundThreads = threads;
  self()->boundBlocks = blocks;
}
}  // namespace lab_simt
