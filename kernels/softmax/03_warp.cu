// Softmax, rung 03: reductions by warp shuffles.
//
// Idea: the lanes of a warp can read each other's registers. Five shuffles reduce 32 values with no shared
//   memory and no barrier; only one value a warp then goes through shared memory.
// Changes from 02: the same 3 reads + 1 write. Barriers a reduction fall from 1 + log2(block) to 2: at 256
//   threads from 18 to 4 a row. Shows where rows are short, for there the barriers were the time.
// Launch: grid rows, block a multiple of 32, <= 1024. No dynamic shared memory.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

struct Maximum {
  static __device__ float identity() { return -3.402823466e38f; }
  static __device__ float join(float a, float b) { return fmaxf(a, b); }
};
struct Sum {
  static __device__ float identity() { return 0.0f; }
  static __device__ float join(float a, float b) { return a + b; }
};

// Every thread of the block gets the reduction of all `value`s.
template <typename Op>
__device__ float blockReduce(float value, float* shared) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  for (int offset = 16; offset > 0; offset /= 2)
    value = Op::join(value, __shfl_xor_sync(0xffffffffu, value, offset));
  if (lane == 0) shared[warp] = value;
  __syncthreads();
  value = lane < warps ? shared[lane] : Op::identity();
  for (int offset = 16; offset > 0; offset /= 2)
    value = Op::join(value, __shfl_xor_sync(0xffffffffu, value, offset));
  __syncthreads();  // `shared` may be used again at once
  return value;
}

template <typename T>
__global__ void softmax_03_warp(const T* x, T* y, int rows, int cols) {
  __shared__ float shared[32];
  x += size_t(blockIdx.x) * cols;
  y += size_t(blockIdx.x) * cols;

  float maximum = Maximum::identity();
  for (int i = threadIdx.x; i < cols; i += blockDim.x) maximum = fmaxf(maximum, float(x[i]));
  maximum = blockReduce<Maximum>(maximum, shared);

  float sum = 0.0f;
  for (int i = threadIdx.x; i < cols; i += blockDim.x) sum += expf(float(x[i]) - maximum);
  const float scale = 1.0f / blockReduce<Sum>(sum, shared);

  for (int i = threadIdx.x; i < cols; i += blockDim.x) y[i] = T(expf(float(x[i]) - maximum) * scale);
}
