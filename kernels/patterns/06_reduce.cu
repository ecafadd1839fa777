// Memory access patterns, step 06: a block's sum, the far half added first.
//
// Idea: the same tree from its other end. The threads at work touch neighbouring floats at every level.
// Changes from 05: no bank conflicts, the same additions, loads and barriers.
// Launch: grid ceil(n / block), block a power of two. Dynamic shared memory: 4 x block bytes.
extern "C" __global__ void patterns_06_reduce(const float* x, float* sums, int n) {
  extern __shared__ float part[];
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  part[threadIdx.x] = i < n ? x[i] : 0.0f;
  __syncthreads();
  for (int distance = blockDim.x / 2; distance > 0; distance /= 2) {
    if (threadIdx.x < distance) part[threadIdx.x] += part[threadIdx.x + distance];
    __syncthreads();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = part[0];
}
