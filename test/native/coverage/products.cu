// Covers: a plan type as template argument with constexpr members and a static device function, a struct in
// shared memory, float4 loads through reinterpret_cast, register arrays under #pragma unroll,
// __launch_bounds__ of template expressions, uint from the headers, assert, an epilogue functor by value.
#include <cassert>

#define PARTS(whole, part) (((whole) + (part) - 1) / (part))

struct Clamped {
  float low, high;
  __device__ float operator()(float v) const { return fminf(fmaxf(v, low), high); }
};

/** out = clamp(a b): a square tile a block, any sizes, zeros beyond the edges. */
template <const uint EDGE>
__global__ void productByTiles(const float *a, const float *b, float *out, int3 size, Clamped finish) {
  __shared__ float left[EDGE][EDGE], right[EDGE][EDGE + 1];
  assert(blockDim.x == EDGE && blockDim.y == EDGE);
  const int row = blockIdx.y * EDGE + threadIdx.y, column = blockIdx.x * EDGE + threadIdx.x;
  float dot = 0;
  for (uint step = 0; step < PARTS(size.z, EDGE); ++step) {
    const int depthA = step * EDGE + threadIdx.x, depthB = step * EDGE + threadIdx.y;
    left[threadIdx.y][threadIdx.x] = row < size.x && depthA < size.z ? a[row * size.z + depthA] : 0;
    right[threadIdx.y][threadIdx.x] = column < size.y && depthB < size.z ? b[depthB * size.y + column] : 0;
    __syncthreads();
#pragma unroll
    for (uint d = 0; d < EDGE; ++d) dot += left[threadIdx.y][d] * right[d][threadIdx.x];
    __syncthreads();
  }
  if (row < size.x && column < size.y) out[row * size.y + column] = finish(dot);
}

/** How a block shares its tile out: every thread owns HEIGHT rows of four columns, a fixed stride apart. */
template <uint ROWS, uint COLUMNS, uint DEPTH, uint HEIGHT>
struct Interleaved {
  static constexpr uint rows = ROWS, columns = COLUMNS, depth = DEPTH, height = HEIGHT;
  static constexpr uint quads = COLUMNS / 4, stride = ROWS / HEIGHT, threads = quads * stride;
  static __device__ uint2 place(uint thread) { return make_uint2(thread % quads, thread / quads); }
};

/** The same patches, but a warp's 32 of them form a rectangle eight quads wide. */
template <uint ROWS, uint COLUMNS, uint DEPTH, uint HEIGHT>
struct WarpBlocked : Interleaved<ROWS, COLUMNS, DEPTH, HEIGHT> {
  static __device__ uint2 place(uint thread) {
    constexpr uint across = COLUMNS / 32;
    const uint warp = thread / warpSize, lane = thread % warpSize;
    return make_uint2(warp % across * 8 + lane % 8, warp / across * 4 + lane / 8);
  }
};

template <class Plan>
struct Stage {
  float a[Plan::depth][Plan::rows];
  float4 b[Plan::depth][Plan::quads];
};

namespace staging {
template <class Plan>
__device__ void fill(Stage<Plan> &stage, const float *a, const float *b, int columns, int depth) {
  for (uint i = threadIdx.x; i < Plan::rows * Plan::depth / 4; i += Plan::threads) {
    const uint r = i / (Plan::depth / 4), d = i % (Plan::depth / 4) * 4;
    const float4 four = *reinterpret_cast<const float4 *>(a + r * depth + d);
    stage.a[d][r] = four.x, stage.a[d + 1][r] = four.y, stage.a[d + 2][r] = four.z, stage.a[d + 3][r] = four.w;
  }
  for (uint i = threadIdx.x; i < Plan::depth * Plan::quads; i += Plan::threads)
    (&stage.b[0][0])[i] = reinterpret_cast<const float4 *>(b + i / Plan::quads * columns)[i % Plan::quads];
}
}  // namespace staging

__device__ __forceinline__ void addScaled(float4 &sum, float s, const float4 &v) {
  sum.x += s * v.x, sum.y += s * v.y, sum.z += s * v.z, sum.w += s * v.w;
}

/** out = clamp(a b) for sizes that the plan divides. */
template <class Plan>
__global__ void __launch_bounds__(Plan::threads, 1)
    productByPatches(const float *a, const float *b, float *out, int3 size, Clamped finish) {
  __shared__ Stage<Plan> stage;
  const uint2 at = Plan::place(threadIdx.x);
  const uint top = blockIdx.y * Plan::rows, left = blockIdx.x * Plan::columns;
  float4 patch[Plan::height] = {};
  for (uint depth = 0; depth < size.z; depth += Plan::depth) {
    staging::fill(stage, a + top * size.z + depth, b + depth * size.y + left, size.y, size.z);
    __syncthreads();
    for (uint d = 0; d < Plan::depth; ++d) {
      const float4 across = stage.b[d][at.x];
#pragma unroll
      for (uint h = 0; h < Plan::height; ++h) addScaled(patch[h], stage.a[d][at.y + h * Plan::stride], across);
    }
    __syncthreads();
  }
#pragma unroll
  for (uint h = 0; h < Plan::height; ++h) {
    const float4 p = patch[h];
    float *to = out + (top + at.y + h * Plan::stride) * size.y + left + 4 * at.x;
    reinterpret_cast<float4 *>(to)[0] = {finish(p.x), finish(p.y), finish(p.z), finish(p.w)};
  }
}
