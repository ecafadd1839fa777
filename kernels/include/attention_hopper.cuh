// Attention on wgmma: what a warpgroup does with its 64 rows of scores and output, in every rung from 08 on.
//
// Tiles lie in shared memory as panels of 64 head dims, rows of 128 bytes, in the 128-byte swizzle (TMA's box
// [1, 1, D / 64, rows, 64]). Registers of lane l of warp w: s[r] belongs to row 16w + l/4 + 8((r/2)%2) and key
// 8(r/4) + 2(l%4) + r%2; o likewise by head dim. So a thread holds parts of two rows, 8 apart, and four lanes share a row.
//
//   lab::wgmmaFence();
//   lab::issueScores<T, D, BM>(s, queryTile, keyTile);            // S = Q K^T
//   lab::wgmmaCommit();
//   lab::wgmmaWait<0>(s);
//   lab::maskScores<CAUSAL>(s, shape, row, firstKey);             // row: the thread's first
//   const lab::RowFactors keep = lab::softmaxTile(s, rows, shape.scale * lab::kLog2e);
//   lab::packWeights<T>(p, s);
//   lab::scaleRows(o, keep);
//   ... fence, lab::issueOutput<T>(o, p, valueTile), commit, wait // O += P V
//   lab::finishRows(o, rows, lse, shape, tile, row);              // after the last tile of keys
#pragma once

#include "attention.cuh"
#include "fast_math.cuh"
#include "stmatrix.cuh"
#include "wgmma.cuh"

namespace lab {

constexpr float kLog2e = 1.4426950408889634f, kLn2 = 0.6931471805599453f;
constexpr int kPanelRowBytes = 128;

// A tile of queries: where it lies, and how many tiles of keys its rows see.
struct QueryTile {
  int batch, head, row, keyTiles;
};

// Tile `rowTile` of the `head`th head of all batches. A tile that sees no key takes one that is masked.
template <bool CAUSAL, int BM, int BN>
__device__ __forceinline__ QueryTile queryTile(const AttentionShape& shape, int rowTile, int head) {
  QueryTile tile;
  tile.batch = head / shape.heads;
  tile.head = head - tile.batch * shape.heads;
  tile.row = rowTile * BM;
  const int last = min(tile.row + BM, shape.queries) - 1;
  tile.keyTiles = max(1, (visibleKeys<CAUSAL>(shape, last) + BN - 1) / BN);
  return tile;
}

// Tiles in the order in which persistent blocks begin them. Causal: within a section of heads whose keys and values fit
// the L2 cache, the longest tiles first; else head by head.
template <bool CAUSAL, int BM, int BN>
__device__ __forceinline__ QueryTile queryTileAt(const AttentionShape& shape, int index, int section) {
  const int rowTiles = (shape.queries + BM - 1) / BM, heads = shape.batch * shape.heads;
  if (!CAUSAL) return queryTile<CAUSAL, BM, BN>(shape, index % rowTiles, index / rowTiles);
  const int first = index / (rowTiles * section) * section;
  const int width = min(section, heads - first), inside = index - first * rowTiles;
  return queryTile<CAUSAL, BM, BN>(shape, rowTiles - 1 - inside / width, first + inside % width);
}

// Issues S = Q K^T for 64 queries of a tile of QUERY_ROWS and 2R keys.
template <typename T, int D, int QUERY_ROWS, int R>
__device__ __forceinline__ void issueScores(float (&s)[R], const unsigned char* queries, const unsigned char* keys) {
  constexpr int kQueryPanel = QUERY_ROWS * kPanelRowBytes, kKeyPanel = 2 * R * kPanelRowBytes;
  const MatrixDescriptor a = kMajor(queries), b = kMajor(keys);
#pragma unroll
  for (int k = 0; k < D / 16; ++k) {
    wgmma<T>(s, advance(a, k / 4 * kQueryPanel + k % 4 * 32), advance(b, k / 4 * kKeyPanel + k % 4 * 32), k > 0);
  }
}

// Issues O += P V for 64 queries and 16 STEPS keys, P from registers.
template <typename T, int R, int STEPS>
__device__ __forceinline__ void issueOutput(float (&o)[R], const unsigned (&p)[STEPS][4], const unsigned char* values) {
  const MatrixDescriptor b = mnMajor(values, 16 * STEPS * kPanelRowBytes);
#pragma unroll
  for (int k = 0; k < STEPS; ++k) wgmma<T, Major::mn>(o, p[k], advance(b, k * 16 * kPanelRowBytes));
}

// The accumulators of S are, packed, the registers of P.
template <typename T, int R, int STEPS>
__device__ __forceinline__ void packWeights(unsigned (&p)[STEPS][4], const float (&s)[R]) {
#pragma unroll
  for (int k = 0; k < STEPS; ++k) {
#pragma unroll
    for (int i = 0; i < 4; ++i) p[k][i] = packFloats<T>(s[8 * k + 2 * i], s[8 * k + 2 * i + 1]);
  }
}

// Scores that do not count become minus infinity. `row`: the thread's first; `firstKey`: the tile's.
template <bool CAUSAL, int R>
__device__ __forceinline__ void maskScores(float (&s)[R], const AttentionShape& shape, int row, int firstKey) {
  const int lane = threadIdx.x % 32;
  const int seen0 = visibleKeys<CAUSAL>(shape, row) - firstKey;
  const int seen1 = visibleKeys<CAUSAL>(shape, row + 8) - firstKey;
#pragma unroll
  for (int r = 0; r < R; ++r) {
    const int column = 8 * (r / 4) + 2 * (lane % 4) + r % 2;
    if (column >= (r / 2 % 2 ? seen1 : seen0)) s[r] = -INFINITY;
  }
}

// Running maximum and sum of a thread's two rows; the sum is of the thread's own columns until the end.
struct SoftmaxRows {
  float max0 = -INFINITY, max1 = -INFINITY, sum0 = 0.0f, sum1 = 0.0f;
};

// A factor for each of the two rows.
struct RowFactors {
  float row0, row1;
};

// Turns scores into exp2((s - maximum) * scale), and answers what earlier sums and outputs must be multiplied by.
template <int R>
__device__ __forceinline__ RowFactors softmaxTile(float (&s)[R], SoftmaxRows& rows, float scale) {
  float max0 = rows.max0, max1 = rows.max1;
#pragma unroll
  for (int r = 0; r < R; r += 4) {
    max0 = fmaxf(max0, fmaxf(s[r], s[r + 1]));
    max1 = fmaxf(max1, fmaxf(s[r + 2], s[r + 3]));
  }
#pragma unroll
  for (int step = 1; step < 4; step *= 2) {
    max0 = fmaxf(max0, __shfl_xor_sync(0xffffffffu, max0, step));
    max1 = fmaxf(max1, __shfl_xor_sync(0xffffffffu, max1, step));
  }
  // A row that has seen no key yet keeps a maximum of minus infinity; its differences are taken from zero.
  const float base0 = max0 == -INFINITY ? 0.0f : max0 * scale, base1 = max1 == -INFINITY ? 0.0f : max1 * scale;
  const RowFactors keep = {exp2Approx(rows.max0 * scale - base0), exp2Approx(rows.max1 * scale - base1)};
  rows.max0 = max0;
  rows.max1 = max1;
  float sum0 = 0.0f, sum1 = 0.0f;
#pragma unroll
  for (int r = 0; r < R; r += 4) {
    s[r] = exp2Approx(s[r] * scale - base0);
    s[r + 1] = exp2Approx(s[r + 1] * scale - base0);
    s[r + 2] = exp2Approx(s[r + 2] * scale - base1);
    s[r + 3] = exp2Approx(s[r + 3] * scale - base1);
    sum0 += s[r] + s[r + 1];
    sum1 += s[r + 2] + s[r + 3];
  }
  rows.sum0 = rows.sum0 * keep.row0 + sum0;
  rows.sum1 = rows.sum1 * keep.row1 + sum1;
  return keep;
}

// The same with exponents that may exceed 0 by up to kSlack: the maximum is raised only when a row of the warp has grown by
// more. Answers whether one has; then earlier outputs must be multiplied by `keep`. Sums and outputs share the base, so
// that the quotient is the same; weights up to 2^kSlack fit half and bfloat16 as well as those up to 1. Only a row's largest
// weight is rounded now, where it was exactly 1: the error grows by some 5% to 15% (kernels/NOTES.md).
// slack = kSlack / scale.
constexpr float kSlack = 8.0f;
template <int R>
__device__ __forceinline__ bool lazySoftmaxTile(float (&s)[R], SoftmaxRows& rows, float scale, float slack,
                                                RowFactors& keep) {
  float max0 = s[0], max1 = s[2];
#pragma unroll
  for (int r = 0; r < R; r += 4) {
    max0 = fmaxf(max0, fmaxf(s[r], s[r + 1]));
    max1 = fmaxf(max1, fmaxf(s[r + 2], s[r + 3]));
  }
  // Each lane compares its own columns: the row's maximum, four lanes' shuffles, is only needed where one has grown.
  const bool grown = __any_sync(0xffffffffu, max0 > rows.max0 + slack || max1 > rows.max1 + slack);
  if (grown) {
#pragma unroll
    for (int step = 1; step < 4; step *= 2) {
      max0 = fmaxf(max0, __shfl_xor_sync(0xffffffffu, max0, step));
      max1 = fmaxf(max1, __shfl_xor_sync(0xffffffffu, max1, step));
    }
    max0 = fmaxf(max0, rows.max0);
    max1 = fmaxf(max1, rows.max1);
    keep = {exp2Approx((rows.max0 - (max0 == -INFINITY ? 0.0f : max0)) * scale),
            exp2Approx((rows.max1 - (max1 == -INFINITY ? 0.0f : max1)) * scale)};
    rows.max0 = max0;
    rows.max1 = max1;
    rows.sum0 *= keep.row0;
    rows.sum1 *= keep.row1;
  }
  const float base0 = rows.max0 == -INFINITY ? 0.0f : rows.max0 * scale;
  const float base1 = rows.max1 == -INFINITY ? 0.0f : rows.max1 * scale;
  float sum0 = 0.0f, sum1 = 0.0f;
#pragma unroll
  for (int r = 0; r < R; r += 4) {
    s[r] = exp2Approx(s[r] * scale - base0);
    s[r + 1] = exp2Approx(s[r + 1] * scale - base0);
    s[r + 2] = exp2Approx(s[r + 2] * scale - base1);
    s[r + 3] = exp2Approx(s[r + 3] * scale - base1);
    sum0 += s[r] + s[r + 1];
    sum1 += s[r + 2] + s[r + 3];
  }
  rows.sum0 += sum0;
  rows.sum1 += sum1;
  return grown;
}

template <int R>
__device__ __forceinline__ void scaleRows(float (&o)[R], RowFactors factors) {
#pragma unroll
  for (int r = 0; r < R; r += 4) {
    o[r] *= factors.row0;
    o[r + 1] *= factors.row0;
    o[r + 2] *= factors.row1;
    o[r + 3] *= factors.row1;
  }
}

template <int R>
__device__ __forceinline__ void clearRows(float (&o)[R]) {
#pragma unroll
  for (int r = 0; r < R; ++r) o[r] = 0.0f;
}

// After the last tile of keys: sums over the row's four lanes, the output divided by them. A row that saw no key is zero.
template <int R>
__device__ __forceinline__ void divideRows(float (&o)[R], SoftmaxRows& rows) {
#pragma unroll
  for (int step = 1; step < 4; step *= 2) {
    rows.sum0 += __shfl_xor_sync(0xffffffffu, rows.sum0, step);
    rows.sum1 += __shfl_xor_sync(0xffffffffu, rows.sum1, step);
  }
  // No comparison that a NaN would pass as a row without keys.
  scaleRows(o, {rows.sum0 == 0.0f ? 0.0f : reciprocalApprox(rows.sum0),
                rows.sum1 == 0.0f ? 0.0f : reciprocalApprox(rows.sum1)});
}

// Stores the log-sum-exp of the thread's two rows, after divideRows.
__device__ __forceinline__ void storeLogSums(const SoftmaxRows& rows, float* __restrict__ lse,
                                             const AttentionShape& shape, const QueryTile& tile, int row) {
  if (threadIdx.x % 4 != 0) return;
  float* const to = lse + (static_cast<long long>(tile.batch) * shape.heads + tile.head) * shape.queries;
  const float lse0 = rows.sum0 == 0.0f ? -INFINITY : rows.max0 * shape.scale + log2Approx(rows.sum0) * kLn2;
  const float lse1 = rows.sum1 == 0.0f ? -INFINITY : rows.max1 * shape.scale + log2Approx(rows.sum1) * kLn2;
  if (row < shape.queries) to[row] = lse0;
  if (row + 8 < shape.queries) to[row + 8] = lse1;
}

// Both.
template <int R>
__device__ __forceinline__ void finishRows(float (&o)[R], SoftmaxRows rows, float* __restrict__ lse,
                                           const AttentionShape& shape, const QueryTile& tile, int row) {
  divideRows(o, rows);
  storeLogSums(rows, lse, shape, tile, row);
}

// Lays the output into a tile of TILE_ROWS rows, `firstRow` the warp's first, in the swizzle that TMA undoes.
template <typename T, int TILE_ROWS, int R>
__device__ __forceinline__ void layOutput(unsigned char* tile, int firstRow, const float (&o)[R]) {
  const int lane = threadIdx.x % 32, row = firstRow + lane % 16;
#pragma unroll
  for (int c = 0; c < R / 8; ++c) {
    unsigned pairs[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) pairs[i] = packFloats<T>(o[8 * c + 2 * i], o[8 * c + 2 * i + 1]);
    const int chunk = c % 4 * 2 + lane / 16;
    stmatrix(tile + c / 4 * TILE_ROWS * kPanelRowBytes + row * kPanelRowBytes + (chunk ^ row % 8) * 16, pairs);
  }
}

}  // namespace lab
