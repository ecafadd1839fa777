// Reductions of a warp and of a block: sum, maximum, minimum, or any operator.
//
// Every thread gets the result. A warp reduction takes five shuffles; a block reduction one warp reduction,
// one value a warp through shared memory, and a second warp reduction. Blocks: multiples of 32 threads, at
// most 1024, of any shape (threads count x fastest).
//
//   __shared__ float scratch[lab::kBlockScratch];
//   float total = lab::blockSum(value, scratch);
#pragma once

namespace lab {

// Elements of shared memory that a block reduction needs: one a warp.
constexpr int kBlockScratch = 32;

struct Add {
  template <typename T>
  __device__ T operator()(T a, T b) const { return a + b; }
};
struct Maximum {
  template <typename T>
  __device__ T operator()(T a, T b) const { return a < b ? b : a; }
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct Minimum {
  template <typename T>
  __device__ T operator()(T a, T b) const { return b < a ? b : a; }
  __device__ float operator()(float a, float b) const { return fminf(a, b); }
};

// Joins the values of each aligned group of Lanes lanes (a power of two); all 32 lanes must call.
template <int Lanes = 32, typename T, typename Operator>
__device__ __forceinline__ T warpReduce(T value, Operator join) {
  static_assert(Lanes > 0 && Lanes <= 32 && (Lanes & (Lanes - 1)) == 0, "a power of two up to 32 lanes");
#pragma unroll
  for (int offset = Lanes / 2; offset > 0; offset /= 2) {
    value = join(value, __shfl_xor_sync(0xffffffffu, value, offset));
  }
  return value;
}
template <int Lanes = 32, typename T>
__device__ __forceinline__ T warpSum(T value) { return warpReduce<Lanes>(value, Add()); }
template <int Lanes = 32, typename T>
__device__ __forceinline__ T warpMax(T value) { return warpReduce<Lanes>(value, Maximum()); }
template <int Lanes = 32, typename T>
__device__ __forceinline__ T warpMin(T value) { return warpReduce<Lanes>(value, Minimum()); }

// Joins the values of the whole block; `scratch` is shared memory of kBlockScratch elements, free again at return.
template <typename T, typename Operator>
__device__ __forceinline__ T blockReduce(T value, Operator join, T* scratch) {
  const int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const int warps = blockDim.x * blockDim.y * blockDim.z / 32;
  const int lane = thread % 32, warp = thread / 32;
  value = warpReduce(value, join);
  if (lane == 0) scratch[warp] = value;
  __syncthreads();
  // A lane beyond the last warp reads the first value's place but must not count it: it joins only from below.
  T result = scratch[lane < warps ? lane : 0];
  for (int offset = 16; offset > 0; offset /= 2) {
    const T other = __shfl_down_sync(0xffffffffu, result, offset);
    if (lane + offset < warps) result = join(result, other);
  }
  result = __shfl_sync(0xffffffffu, result, 0);
  __syncthreads();  // `scratch` may be used again at once
  return result;
}
template <typename T>
__device__ __forceinline__ T blockSum(T value, T* scratch) { return blockReduce(value, Add(), scratch); }
template <typename T>
__device__ __forceinline__ T blockMax(T value, T* scratch) { return blockReduce(value, Maximum(), scratch); }
template <typename T>
__device__ __forceinline__ T blockMin(T value, T* scratch) { return blockReduce(value, Minimum(), scratch); }

}  // namespace lab
