// Softmax, rung 04: the online softmax, a running maximum with a running sum.
//
// Idea: keep (m, s), the maximum so far and the sum of exp(x - m) so far. When a larger x comes, the old sum is
//   worth exp(m_old - m_new) of itself in the new scale. Two such pairs join the same way, in any order, so that
//   one pass and one reduction give both numbers.
// Changes from 03: 2 reads + 1 write instead of 3 + 1: 3/4 of the traffic, at best 1.33x. One reduction of pairs
//   instead of two of numbers. Pays one more exponential where the maximum moves, which soon is rare.
// Launch: grid rows, block a multiple of 32, <= 1024. No dynamic shared memory.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

struct MaxSum {
  float maximum, sum;
};

// A finite start: (-inf) - (-inf) would be NaN where a thread has seen nothing.
__device__ MaxSum nothing() { return {-3.402823466e38f, 0.0f}; }

__device__ MaxSum join(MaxSum a, MaxSum b) {
  const float maximum = fmaxf(a.maximum, b.maximum);
  return {maximum, a.sum * expf(a.maximum - maximum) + b.sum * expf(b.maximum - maximum)};
}

__device__ MaxSum warpJoin(MaxSum value) {
  for (int offset = 16; offset > 0; offset /= 2) {
    const MaxSum other = {__shfl_xor_sync(0xffffffffu, value.maximum, offset),
                          __shfl_xor_sync(0xffffffffu, value.sum, offset)};
    value = join(value, other);
  }
  return value;
}

template <typename T>
__global__ void softmax_04_online(const T* x, T* y, int rows, int cols) {
  __shared__ MaxSum shared[32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  x += size_t(blockIdx.x) * cols;
  y += size_t(blockIdx.x) * cols;

  MaxSum mine = nothing();
  for (int i = threadIdx.x; i < cols; i += blockDim.x) {
    const float value = float(x[i]);
    if (value > mine.maximum) {
      mine.sum = mine.sum * expf(mine.maximum - value) + 1.0f;
      mine.maximum = value;
    } else {
      mine.sum += expf(value - mine.maximum);
    }
  }
  mine = warpJoin(mine);
  if (lane == 0) shared[warp] = mine;
  __syncthreads();
  const MaxSum row = warpJoin(lane < warps ? shared[lane] : nothing());

  const float scale = 1.0f / row.sum;
  for (int i = threadIdx.x; i < cols; i += blockDim.x) y[i] = T(expf(float(x[i]) - row.maximum) * scale);
}
