// Memory access patterns, step 07: counts of a block's values, by atomics in shared memory.
//
// Idea: atomics where they are near. Lanes that count the same bin, or another one of the same bank, wait for each
//   other: how long depends on the data.
// Traffic: one read of the values, one write of `bins` counts a block.
// Launch: grid ceil(n / block), any block. Dynamic shared memory: 4 x bins bytes.
extern "C" __global__ void patterns_07_histogram(const int* values, int* counts, int n, int bins) {
  extern __shared__ int local[];
  for (int bin = threadIdx.x; bin < bins; bin += blockDim.x) local[bin] = 0;
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) atomicAdd(&local[values[i]], 1);
  __syncthreads();
  for (int bin = threadIdx.x; bin < bins; bin += blockDim.x) counts[blockIdx.x * bins + bin] = local[bin];
}
