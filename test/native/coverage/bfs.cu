// Breadth-first search over a CSR graph: a frontier queue filled through atomics, with a queue a block in between.
#define BLOCK_QUEUE_SIZE 128

__global__ void bfs_kernel(const int *rowOffsets, const int *columns, int *distance, const int *frontier,
                           int frontierSize, int *nextFrontier, int *nextSize, int level) {
  __shared__ int blockQueue[BLOCK_QUEUE_SIZE];
  __shared__ int blockCount, globalStart;
  if (threadIdx.x == 0) blockCount = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < frontierSize; i += gridDim.x * blockDim.x) {
    const int v = frontier[i];
    for (int e = rowOffsets[v]; e < rowOffsets[v + 1]; ++e) {
      const int u = columns[e];
      if (atomicCAS(&distance[u], -1, level + 1) == -1) {
        const int slot = atomicAdd(&blockCount, 1);
        if (slot < BLOCK_QUEUE_SIZE)
          blockQueue[slot] = u;
        else
          nextFrontier[atomicAdd(nextSize, 1)] = u;
      }
    }
  }
  __syncthreads();
  const int count = min(blockCount, BLOCK_QUEUE_SIZE);
  if (threadIdx.x == 0) globalStart = atomicAdd(nextSize, count);
  __syncthreads();
  for (int i = threadIdx.x; i < count; i += blockDim.x) nextFrontier[globalStart + i] = blockQueue[i];
}
