// Memory access patterns, step 05: a block's sum, neighbours added first.
//
// Idea: a tree in shared memory that adds neighbours, then neighbours of neighbours. The threads at work stay the first
//   ones; their addresses move apart by a factor of 2 a level.
// Cost: one read of x, log2(block) barriers. At a distance of 2 s floats, lanes 16 / s apart share a bank: 2-way
//   conflicts at the first level, up to 8-way in blocks of 256, 32-way in blocks of 1024.
// Launch: grid ceil(n / block), block a power of two. Dynamic shared memory: 4 x block bytes.
extern "C" __global__ void patterns_05_reduce_interleaved(const float* x, float* sums, int n) {
  extern __shared__ float part[];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  part[threadIdx.x] = i < n ? x[i] : 0.0f;
  __syncthreads();
  for (int distance = 1; distance < blockDim.x; distance *= 2) {
    const int at = 2 * distance * threadIdx.x;
    if (at < blockDim.x) part[at] += part[at + distance];
    __syncthreads();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = part[0];
}
