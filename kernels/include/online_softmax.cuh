// The online softmax's pair: the maximum so far, and the sum of exp(x - maximum) so far.
//
// Pairs join in any order and grouping, so one pass and one reduction give both numbers. A thread that has seen
// nothing holds a finite lowest maximum and sum 0: (-inf) - (-inf) would be NaN.
//
//   lab::MaxSum state = lab::MaxSum::nothing();
//   for (...) state.add(x);
//   __shared__ lab::MaxSum scratch[32];
//   state = lab::blockJoin(state, scratch);
//   y = expf(x - state.maximum) / state.sum;
#pragma once

namespace lab {

struct MaxSum {
  float maximum, sum;

  static __device__ __forceinline__ MaxSum nothing() { return {-3.402823466e38f, 0.0f}; }
  // Takes one more value; the old sum is rescaled only when the maximum moves.
  __device__ __forceinline__ void add(float x) {
    if (x > maximum) {
      sum = sum * expf(maximum - x) + 1.0f;
      maximum = x;
    } else {
      sum += expf(x - maximum);
    }
  }
};

__device__ __forceinline__ MaxSum join(MaxSum a, MaxSum b) {
  MaxSum r;
  r.maximum = fmaxf(a.maximum, b.maximum);
  r.sum = a.sum * expf(a.maximum - r.maximum) + b.sum * expf(b.maximum - r.maximum);
  return r;
}

// A shuffle moves registers, so a pair goes as two.
__device__ __forceinline__ MaxSum warpJoin(MaxSum value) {
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) {
    MaxSum other;
    other.maximum = __shfl_xor_sync(0xffffffffu, value.maximum, offset);
    other.sum = __shfl_xor_sync(0xffffffffu, value.sum, offset);
    value = join(value, other);
  }
  return value;
}

// The pair of the whole block, in every thread. `scratch`: 32 pairs of shared memory, free
// at return. Blocks are multiples of 32 threads.
__device__ __forceinline__ MaxSum blockJoin(MaxSum value, MaxSum* scratch) {
  const int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const int warps = blockDim.x * blockDim.y * blockDim.z / 32;
  value = warpJoin(value);
  if (thread % 32 == 0) scratch[thread / 32] = value;
  __syncthreads();
  value = thread % 32 < warps ? scratch[thread % 32] : MaxSum::nothing();
  value = warpJoin(value);
  __syncthreads();
  return value;
}

}  // namespace lab
