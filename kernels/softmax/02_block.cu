// Softmax, rung 02: a block a row, reductions through shared memory.
//
// Idea: the threads of a block stride over one row together, so that a warp reads 32 neighbouring elements;
//   each thread reduces its own, then a tree in shared memory halves the number of partial results a step.
// Changes from 01: the same 3 reads + 1 write, but every sector fetched is used whole, and a long row is
//   worked on by many threads. Worth about 10x. Cost: 2 trees of log2(block) steps with a barrier each.
// Launch: grid rows, block a power of two <= 1024, dynamic shared memory block x 4 bytes.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

template <typename T>
__global__ void softmax_02_block(const T* x, T* y, int rows, int cols) {
  extern __shared__ float partial[];
  const int thread = threadIdx.x;
  x += size_t(blockIdx.x) * cols;
  y += size_t(blockIdx.x) * cols;

  float maximum = -3.402823466e38f;
  for (int i = thread; i < cols; i += blockDim.x) maximum = fmaxf(maximum, float(x[i]));
  partial[thread] = maximum;
  __syncthreads();
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    if (thread < half) partial[thread] = fmaxf(partial[thread], partial[thread + half]);
    __syncthreads();
  }
  maximum = partial[0];
  __syncthreads();  // everyone has read the maximum before the sums overwrite it

  float sum = 0.0f;
  for (int i = thread; i < cols; i += blockDim.x) sum += expf(float(x[i]) - maximum);
  partial[thread] = sum;
  __syncthreads();
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    if (thread < half) partial[thread] += partial[thread + half];
    __syncthreads();
  }

  const float scale = 1.0f / partial[0];
  for (int i = thread; i < cols; i += blockDim.x) y[i] = T(expf(float(x[i]) - maximum) * scale);
}
