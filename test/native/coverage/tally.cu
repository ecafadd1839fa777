// Covers: atomics on shared tables, uint and uchar typedefs that repeat the headers', function-like macros, bytes
// by uchar4, coalesced_threads with labeled_partition, __match_any_sync with __ffs and __popc.
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
typedef unsigned int uint;
typedef unsigned char uchar;

#define COPIES 4
#define CELL(value, copy) ((value) * COPIES + (copy) % COPIES)

/** Counts every byte value; neighbouring lanes count in different copies of the block's table. */
__global__ void tallyBytes(const uchar4 *data, uint quads, uint *counts) {
  __shared__ uint table[256 * COPIES];
  for (uint cell = threadIdx.x; cell < 256 * COPIES; cell += blockDim.x) table[cell] = 0u;
  __syncthreads();
  for (uint q = blockIdx.x * blockDim.x + threadIdx.x; q < quads; q += gridDim.x * blockDim.x) {
    const uchar4 four = data[q];
    atomicAdd(&table[CELL(four.x, threadIdx.x)], 1);
    atomicAdd(&table[CELL(four.y, threadIdx.x)], 1);
    atomicAdd(&table[CELL(four.z, threadIdx.x)], 1);
    atomicAdd(&table[CELL(four.w, threadIdx.x)], 1);
  }
  __syncthreads();
  for (uint value = threadIdx.x; value < 256; value += blockDim.x) {
    uint seen = 0;
#pragma unroll
    for (uint copy = 0; copy < COPIES; ++copy) seen += table[CELL(value, copy)];
    if (seen) atomicAdd(counts + value, seen);
  }
}

/** One atomic for all the lanes that hold the same value, found by cooperative groups. */
__global__ void tallyLabelled(const uchar *data, int n, uint *counts) {
  const int i = threadIdx.x + blockIdx.x * blockDim.x;
  if (i < n) {
    const auto alike = cg::labeled_partition(cg::coalesced_threads(), int(data[i]));
    if (alike.thread_rank() == 0) atomicAdd(&counts[data[i]], alike.size());
  }
}

/** The same by the intrinsics: the lowest lane of each set of equals speaks for it. */
__global__ void tallyMatched(const uchar *data, int n, uint *counts) {
  const int i = threadIdx.x + blockIdx.x * blockDim.x;
  const uint present = __ballot_sync(~0u, i < n);
  if (i >= n) return;
  const uint alike = __match_any_sync(present, data[i]);
  if (__ffs(alike) - 1 == threadIdx.x % warpSize) atomicAdd(&counts[data[i]], __popc(alike));
}
