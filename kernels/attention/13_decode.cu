// Attention, rung 13: decoding, a few queries against a long cache.
//
// Idea: with one to sixteen queries a head nothing is computed to speak of: each key and value is read once, and the
//   memory's bandwidth is the bound. All queries of all heads that share a key head become rows of one tile, so that the
//   cache is read once for all of them; the keys are split over blocks, because batch x key heads alone do not fill a
//   GPU; each warp runs a ring of STAGES pairs of 16 keys and 16 values of its own through cp.async, with no barrier but
//   its own. A second kernel joins the splits: sums of exponentials join in any grouping.
// Traffic: keys and values once, 2 * batch * key heads * keys * D elements; partial outputs of D floats a row and split.
//   In flight a block: WARPS * (STAGES - 1) * 64 * D bytes (96 KiB at 4, 4, 128), enough for 85% of the copy bandwidth.
// Launch: attention_13_decode with grid (splits * row tiles, key heads, batch), a row tile being 16 * MT rows of
//   queries * group, block 32 * WARPS, dynamic shared memory (MT + 2 * WARPS * STAGES) * 16 * D * 2 bytes; then, where
//   splits > 1, attention_13_decode_combine with grid ceil(batch * heads * queries / 4), block 128. partialOut holds
//   batch * heads * queries * splits * D floats and partialState two floats for each D of them. All rows 16-byte aligned.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention.cuh"
#include "cp_async.cuh"
#include "dependent_launch.cuh"
#include "fast_math.cuh"
#include "mma.cuh"
#include "pack.cuh"
#include "reduce.cuh"

namespace {

constexpr float kLog2e = 1.4426950408889634f, kLn2 = 0.6931471805599453f;

template <int D>
__device__ __forceinline__ int swizzle(int row) {
  return D % 64 == 0 ? row % 8 : row / 2 % 4;
}

}  // namespace

template <typename T, int D, bool CAUSAL, int WARPS, int MT, int STAGES>
__global__ void __launch_bounds__(32 * WARPS)
    attention_13_decode(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v, T* __restrict__ out,
                        float* __restrict__ lse, float* __restrict__ partialOut, float2* __restrict__ partialState,
                        const AttentionShape shape, int splits) {
  constexpr int kThreads = 32 * WARPS, kRows = 16 * MT, kChunks = D / 8, kTile = 16 * D;
  constexpr int kPitch = D + 8;  // floats; 8 more: the accumulators' rows fall on different banks
  static_assert(D % 32 == 0 && MT * kPitch <= STAGES * D, "the warps' outputs take the place of their rings");

  extern __shared__ float4 sharedBase[];
  T* const queryTile = reinterpret_cast<T*>(sharedBase);
  T* const rings = queryTile + kRows * D;
  __shared__ float2 states[WARPS][kRows];

  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int rows = shape.queries * shape.group, rowTiles = (rows + kRows - 1) / kRows;
  const int split = blockIdx.x / rowTiles, firstRow = blockIdx.x % rowTiles * kRows;
  const int keyHead = blockIdx.y, batch = blockIdx.z;
  k += batch * shape.keyBatch + keyHead * shape.keyHead;
  v += batch * shape.valueBatch + keyHead * shape.valueHead;

  // A row is a query of one of the group's heads; neighbours are the heads of one query.
  for (int i = threadIdx.x; i < kRows * kChunks; i += kThreads) {
    const int local = i / kChunks, chunk = i % kChunks, row = min(firstRow + local, rows - 1);
    const T* const from = q + batch * shape.queryBatch + (keyHead * shape.group + row % shape.group) * shape.queryHead +
                          row / shape.group * shape.queryRow;
    *reinterpret_cast<int4*>(queryTile + local * D + (chunk ^ swizzle<D>(local)) * 8) =
        *reinterpret_cast<const int4*>(from + chunk * 8);
  }
  __syncthreads();

  // The split's tiles of 16 keys, dealt to the warps in turn so that they read side by side.
  const int lastQuery = (min(firstRow + kRows, rows) - 1) / shape.group;
  const int allTiles = (shape.keys + 15) / 16, perSplit = (allTiles + splits - 1) / splits;
  const int seenTiles = (lab::visibleKeys<CAUSAL>(shape, lastQuery) + 15) / 16;
  const int endTile = min((split + 1) * perSplit, seenTiles);
  T* const ring = rings + warp * STAGES * 2 * kTile;
  auto copyPair = [&](int tile, int stage) {
    T* const keyTile = ring + stage * 2 * kTile;
    const int row = lane / kChunks, chunk = lane % kChunks, left = shape.keys - tile * 16;
    const T* fromKey = k + (tile * 16 + row) * shape.keyRow + chunk * 8;
    const T* fromValue = v + (tile * 16 + row) * shape.valueRow + chunk * 8;
    if constexpr (32 % kChunks == 0) {
      // A lane keeps its column; rows go up by a power of two, so that row + r is row ^ r for the swizzle too.
      constexpr int kStep = 32 / kChunks;
      T* const to = keyTile + row * D;
#pragma unroll
      for (int r = 0; r < 16; r += kStep) {
        const int at = r * D + (chunk ^ row ^ r % 8) * 8;
        lab::copyAsync16(to + at, fromKey, row + r < left);
        lab::copyAsync16(to + at + kTile, fromValue, row + r < left);
        fromKey += kStep * shape.keyRow;
        fromValue += kStep * shape.valueRow;
      }
    } else {
      for (int i = lane; i < 16 * kChunks; i += 32) {
        const int r = i / kChunks - row, c = i % kChunks - chunk;
        const int at = (row + r) * D + ((chunk + c) ^ swizzle<D>(row + r)) * 8;
        lab::copyAsync16(keyTile + at, fromKey + r * shape.keyRow + c * 8, row + r < left);
        lab::copyAsync16(keyTile + at + kTile, fromValue + r * shape.valueRow + c * 8, row + r < left);
      }
    }
  };
  int ahead = split * perSplit + warp;
#pragma unroll
  for (int s = 0; s < STAGES - 1; ++s, ahead += WARPS) {
    if (ahead < endTile) copyPair(ahead, s);
    lab::copyAsyncCommit();  // also an empty one: the waits below count commits
  }

  const float scale = shape.scale * kLog2e;
  float o[MT][D / 8][4] = {}, maximum[MT][2], sum[MT][2] = {};
  int seen[MT][2];
#pragma unroll
  for (int m = 0; m < MT; ++m)
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = firstRow + m * 16 + lane / 4 + 8 * half;
      seen[m][half] = row < rows ? lab::visibleKeys<CAUSAL>(shape, row / shape.group) : 0;
      maximum[m][half] = -INFINITY;  // in powers of two
    }
  const int rowA = lane % 16, halfA = lane / 16, swizzleA = swizzle<D>(rowA);
  const int rowB = lane / 16 * 8 + lane % 8, halfB = lane / 8 % 2, swizzleB = swizzle<D>(rowB);

  for (int tile = split * perSplit + warp, stage = 0; tile < endTile; tile += WARPS, ahead += WARPS) {
    lab::copyAsyncWait<STAGES - 2>();
    __syncwarp();  // this pair is here, and no lane reads the last one any more
    if (ahead < endTile) copyPair(ahead, stage == 0 ? STAGES - 1 : stage - 1);
    lab::copyAsyncCommit();

    const T* const keyTile = ring + stage * 2 * kTile;
    float s[MT][2][4] = {};
#pragma unroll
    for (int d = 0; d < D / 16; ++d) {
      unsigned b[4];
      lab::ldmatrix(b, keyTile + rowB * D + ((2 * d + halfB) ^ swizzleB) * 8);
      const unsigned low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
#pragma unroll
      for (int m = 0; m < MT; ++m) {
        unsigned a[4];
        lab::ldmatrix(a, queryTile + (m * 16 + rowA) * D + ((2 * d + halfA) ^ swizzleA) * 8);
        lab::mma16816<T>(s[m][0], a, low);
        lab::mma16816<T>(s[m][1], a, high);
      }
    }

    unsigned p[MT][4];
#pragma unroll
    for (int m = 0; m < MT; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float highest = maximum[m][half];
#pragma unroll
        for (int n = 0; n < 2; ++n)
#pragma unroll
          for (int c = 0; c < 2; ++c) {
            float& score = s[m][n][2 * half + c];
            score = tile * 16 + 8 * n + 2 * (lane % 4) + c < seen[m][half] ? score * scale : -INFINITY;
            highest = fmaxf(highest, score);
          }
        highest = lab::warpMax<4>(highest);
        const float base = highest == -INFINITY ? 0.0f : highest, keep = lab::exp2Approx(maximum[m][half] - base);
        maximum[m][half] = highest;
        float weight[2][2];
#pragma unroll
        for (int n = 0; n < 2; ++n)
#pragma unroll
          for (int c = 0; c < 2; ++c) weight[n][c] = lab::exp2Approx(s[m][n][2 * half + c] - base);
        sum[m][half] = sum[m][half] * keep + weight[0][0] + weight[0][1] + weight[1][0] + weight[1][1];
        p[m][half] = lab::packFloats<T>(weight[0][0], weight[0][1]);
        p[m][2 + half] = lab::packFloats<T>(weight[1][0], weight[1][1]);
#pragma unroll
        for (int n = 0; n < D / 8; ++n) {
          o[m][n][2 * half] *= keep;
          o[m][n][2 * half + 1] *= keep;
        }
      }
    }
#pragma unroll
    for (int d = 0; d < D / 16; ++d) {
      unsigned b[4];
      lab::ldmatrixTrans(b, keyTile + kTile + rowA * D + ((2 * d + halfA) ^ swizzleA) * 8);
      const unsigned low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
#pragma unroll
      for (int m = 0; m < MT; ++m) {
        lab::mma16816<T>(o[m][2 * d], p[m], low);
        lab::mma16816<T>(o[m][2 * d + 1], p[m], high);
      }
    }
    stage = stage + 1 == STAGES ? 0 : stage + 1;
  }
  lab::copyAsyncWait<0>();
  __syncthreads();
  lab::allowNextKernel();  // the combine kernel's launch hides behind the last splits

  // The warps' outputs meet in shared memory.
  float* const parts = reinterpret_cast<float*>(rings);
#pragma unroll
  for (int m = 0; m < MT; ++m)
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int local = m * 16 + lane / 4 + 8 * half;
      const float total = lab::warpSum<4>(sum[m][half]);
      if (lane % 4 == 0) states[warp][local] = make_float2(maximum[m][half], total);
      float* const to = parts + (warp * kRows + local) * kPitch + 2 * (lane % 4);
#pragma unroll
      for (int n = 0; n < D / 8; ++n)
        *reinterpret_cast<float2*>(to + 8 * n) = make_float2(o[m][n][2 * half], o[m][n][2 * half + 1]);
    }
  __syncthreads();

  const int count = min(kRows, rows - firstRow);
  for (int i = threadIdx.x; i < count * D; i += kThreads) {
    const int local = i / D, column = i % D, row = firstRow + local;
    float highest = -INFINITY;
    for (int w = 0; w < WARPS; ++w) highest = fmaxf(highest, states[w][local].x);
    const float base = highest == -INFINITY ? 0.0f : highest;
    float total = 0.0f, value = 0.0f;
    for (int w = 0; w < WARPS; ++w) {
      const float keep = lab::exp2Approx(states[w][local].x - base);
      total += states[w][local].y * keep;
      value += parts[(w * kRows + local) * kPitch + column] * keep;
    }
    const int head = keyHead * shape.group + row % shape.group, query = row / shape.group;
    const long long at = (static_cast<long long>(batch) * shape.heads + head) * shape.queries + query;
    if (splits == 1) {
      out[batch * shape.outBatch + head * shape.outHead + query * shape.outRow + column] =
          lab::fromFloat<T>(total > 0.0f ? value / total : 0.0f);
      if (column == 0) lse[at] = total > 0.0f ? (highest + log2f(total)) * kLn2 : -INFINITY;
    } else {
      partialOut[(at * splits + split) * D + column] = value;
      if (column == 0) partialState[at * splits + split] = make_float2(highest, total);
    }
  }
}

// Joins the splits of a row: a warp a row, in the order of the splits.
template <typename T, int D>
__global__ void __launch_bounds__(128)
    attention_13_decode_combine(const float* __restrict__ partialOut, const float2* __restrict__ partialState,
                                T* __restrict__ out, float* __restrict__ lse, const AttentionShape shape, int splits) {
  const int row = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= shape.batch * shape.heads * shape.queries) return;
  const int query = row % shape.queries, head = row / shape.queries % shape.heads;
  const int batch = row / shape.queries / shape.heads;
  partialOut += static_cast<long long>(row) * splits * D;
  partialState += static_cast<long long>(row) * splits;
  lab::waitForPreviousKernel();

  float highest = -INFINITY;
  for (int s = lane; s < splits; s += 32) highest = fmaxf(highest, partialState[s].x);
  highest = lab::warpMax(highest);
  const float base = highest == -INFINITY ? 0.0f : highest;
  float total = 0.0f, value[D / 32] = {};
#pragma unroll 4
  for (int s = 0; s < splits; ++s) {
    const float2 state = partialState[s];
    const float keep = lab::exp2Approx(state.x - base);
    total += state.y * keep;
#pragma unroll
    for (int c = 0; c < D / 32; ++c) value[c] += partialOut[s * D + lane + 32 * c] * keep;
  }
  const float factor = total > 0.0f ? 1.0f / total : 0.0f;
  out += batch * shape.outBatch + head * shape.outHead + query * shape.outRow;
#pragma unroll
  for (int c = 0; c < D / 32; ++c) out[lane + 32 * c] = lab::fromFloat<T>(value[c] * factor);
  if (lane == 0) lse[row] = total > 0.0f ? (highest + log2f(total)) * kLn2 : -INFINITY;
}
