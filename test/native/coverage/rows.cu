// Covers: cg::reduce with cg::plus, cg::greater and a functor over a struct, whole warps that leave early,
// __ldcs and __stcs, INFINITY, FLT_MAX and M_PI, indexing from a vector's first member, 16-byte packs of bf16 by
// memcpy.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cuda_bf16.h>
#include <float.h>
#include <math.h>
namespace cg = cooperative_groups;
using Warp = cg::thread_block_tile<32>;

/** Count, mean and sum of squared distances of a part of a row; parts merge exactly. */
struct __align__(16) Moments {
  float count, mean, spread;
};

struct MergeMoments {
  __device__ Moments operator()(const Moments &a, const Moments &b) const {
    const float count = a.count + b.count;
    if (count == 0) return a;
    const float gap = b.mean - a.mean, share = b.count / count;
    return {count, a.mean + gap * share, a.spread + b.spread + gap * gap * a.count * share};
  }
};

/** Number of this warp in the grid, a warp a row. */
__device__ int rowOf(const Warp &warp) { return blockIdx.x * warp.meta_group_size() + warp.meta_group_rank(); }

/** y = (x - mean) / deviation along each row; `scale`, which may be null, keeps 1 / deviation. */
__global__ void standardise(const float *__restrict__ x, float *__restrict__ y, float *scale, int rows, int columns) {
  const Warp warp = cg::tiled_partition<32>(cg::this_thread_block());
  const int row = rowOf(warp);
  if (row >= rows) return;
  Moments part = {0, 0, 0};
  for (int c = warp.thread_rank(); c < columns; c += 32)
    part = MergeMoments()(part, {1.0f, __ldcs(&x[row * columns + c]), 0.0f});
  const Moments all = cg::reduce(warp, part, MergeMoments());
  const float inverse = rsqrtf(all.spread / all.count);
  if (scale != nullptr && warp.thread_rank() == 0) __stcs(&scale[row], inverse);
  for (int c = warp.thread_rank(); c < columns; c += 32)
    __stcs(&y[row * columns + c], (x[row * columns + c] - all.mean) * inverse);
}

/** Logarithm of the sum of a row's exponentials; entries whose mask is zero count as minus infinity. */
__global__ void logSumExp(const float *x, const unsigned char *mask, float *out, int rows, int columns) {
  const Warp warp = cg::tiled_partition<32>(cg::this_thread_block());
  const int row = rowOf(warp);
  if (row >= rows) return;
  auto entry = [=](int c) { return mask[row * columns + c] ? x[row * columns + c] : -INFINITY; };
  float top = -FLT_MAX, sum = 0;
  for (int c = warp.thread_rank(); c < columns; c += warp.num_threads()) top = fmaxf(top, entry(c));
  top = cg::reduce(warp, top, cg::greater<float>());
  for (int c = warp.thread_rank(); c < columns; c += warp.num_threads()) sum += expf(entry(c) - top);
  sum = cg::reduce(warp, sum, cg::plus<float>());
  if (warp.thread_rank() == 0) out[row] = top + logf(sum);
}

#define QUARTER_TURN (M_PI / 2)

/** Angles squashed into (-1, 1), four at a time. */
__global__ void squash(const float4 *x, float4 *y, int quads) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= quads) return;
  float4 quad = __ldcs(x + i);
  float *member = &quad.x;
#pragma unroll
  for (int k = 0; k < 4; ++k) member[k] = atanf(member[k]) / QUARTER_TURN;
  y[i] = quad;
}

/** As many elements as sixteen bytes hold. */
template <class T>
struct alignas(16) Pack {
  static constexpr const int length = 16 / sizeof(T);
  T element[length];
  __device__ static Pack from(const T *address) {
    const int4 raw = __ldcs(reinterpret_cast<const int4 *>(address));
    Pack pack;
    memcpy(&pack, &raw, sizeof raw);
    return pack;
  }
  __device__ void to(T *address) const {
    int4 raw;
    memcpy(&raw, element, sizeof raw);
    *reinterpret_cast<int4 *>(address) = raw;
  }
};

/** out = x + t (y - x), a pack a thread. */
__global__ void blend(const __nv_bfloat16 *x, const __nv_bfloat16 *y, __nv_bfloat16 *out, float t) {
  using P = Pack<__nv_bfloat16>;
  const int at = (blockIdx.x * blockDim.x + threadIdx.x) * P::length;
  P from = P::from(x + at);
  const P toward = P::from(y + at);
  for (__nv_bfloat16 &e : from.element) {
    const float v = e, w = toward.element[&e - from.element];
    e = (__nv_bfloat16)(v + t * (w - v));
  }
  from.to(out + at);
}
