// Attention, rung 07: what FlashAttention-2 does, for every card from sm_80 on.
//
// Idea: keep the tensor cores fed and the registers' contents in registers. cp.async brings tiles in while products run;
//   tiles lie swizzled, so that ldmatrix meets no bank conflict; the accumulators of Q K^T are, once rounded, already the
//   fragments that P V wants, so that the weights never visit shared memory; and the softmax works in powers of two,
//   one multiply-add and one ex2 a score, with masks only where a tile needs one.
// Changes from 06: no waiting for loads, no trip of the weights through shared memory (a third of its traffic), and
//   MT * 16 rows a warp instead of 16: each fragment of K and V serves MT products. Expect 1.5 to 2 times of 06, about
//   60% of what mma.sync can do on Hopper, which is 62% of what wgmma can.
// Launch: grid (ceil(queries / BM), heads, batch) with BM = 16 * MT * WARPS, block 32 * WARPS, dynamic shared memory of
//   (BM + 2 * STAGES * BN) * D * 2 bytes; D a multiple of 32, BN of 16; all rows 16-byte aligned. STAGES 1 loads keys
//   under the second product and values under the first; more keep STAGES - 1 pairs in flight.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention.cuh"
#include "cp_async.cuh"
#include "fast_math.cuh"
#include "mma.cuh"

namespace {

constexpr float kLog2e = 1.4426950408889634f, kLn2 = 0.6931471805599453f;

// Which 16-byte chunk of its row an element's chunk lies in: eight rows under one another meet all banks.
template <int D>
__device__ __forceinline__ int swizzle(int row) {
  return D % 64 == 0 ? row % 8 : row / 2 % 4;
}

// Byte `step` * 32 of a row of fragments further: chunks of a row are swizzled by exclusive or, and so are their addresses.
template <int D>
__device__ __forceinline__ int chunkAt(int row, int chunk, int step) {
  if ((D & (D - 1)) == 0) return (row * (2 * D) + chunk * 16) ^ (step * 32);  // one instruction a step
  return row * (2 * D) + ((chunk * 16) ^ (step * 32));
}

// Starts the copies of ROWS rows of a tile; rows from `count` on become zeros.
template <int D, int ROWS, int THREADS, typename T>
__device__ __forceinline__ void copyTile(T* tile, const T* from, long long stride, int first, int count) {
  constexpr int kChunks = D / 8, kStep = THREADS / kChunks;
  if constexpr (THREADS % kChunks == 0 && kStep % 8 == 0 && ROWS % kStep == 0) {
    // A thread keeps its column and its swizzle: only the row moves.
    const int row = threadIdx.x / kChunks, chunk = threadIdx.x % kChunks;
    T* const to = tile + row * D + (chunk ^ swizzle<D>(row)) * 8;
    from += (first + row) * stride + chunk * 8;
    const int left = count - first - row;
#pragma unroll
    for (int r = 0; r < ROWS; r += kStep, from += kStep * stride) lab::copyAsync16(to + r * D, from, r < left);
  } else {
    for (int i = threadIdx.x; i < ROWS * kChunks; i += THREADS) {
      const int row = i / kChunks, chunk = i % kChunks;
      lab::copyAsync16(tile + row * D + (chunk ^ swizzle<D>(row)) * 8, from + (first + row) * stride + chunk * 8,
                       first + row < count);
    }
  }
}

// Running maximum and sum of a thread's two rows of a 16-row fragment; the sum is of its own columns until the end.
struct Rows {
  float max0, max1, sum0, sum1;
};

// Turns scores into exp2((s - max) * scale), and scales the outputs so far to the new maximum.
template <int N, int K>
__device__ __forceinline__ void softmaxTile(float (&s)[N][4], float (&o)[K][4], Rows& rows, float scale) {
  float max0 = rows.max0, max1 = rows.max1;
#pragma unroll
  for (int n = 0; n < N; ++n) {
    max0 = fmaxf(max0, fmaxf(s[n][0], s[n][1]));
    max1 = fmaxf(max1, fmaxf(s[n][2], s[n][3]));
  }
#pragma unroll
  for (int step = 1; step < 4; step *= 2) {
    max0 = fmaxf(max0, __shfl_xor_sync(0xffffffffu, max0, step));
    max1 = fmaxf(max1, __shfl_xor_sync(0xffffffffu, max1, step));
  }
  // A row that has seen no key yet keeps a maximum of minus infinity; its differences are taken from zero.
  const float base0 = max0 == -INFINITY ? 0.0f : max0 * scale, base1 = max1 == -INFINITY ? 0.0f : max1 * scale;
  const float keep0 = lab::exp2Approx(rows.max0 * scale - base0), keep1 = lab::exp2Approx(rows.max1 * scale - base1);
  rows.max0 = max0;
  rows.max1 = max1;
  rows.sum0 *= keep0;
  rows.sum1 *= keep1;
#pragma unroll
  for (int n = 0; n < N; ++n) {
    s[n][0] = lab::exp2Approx(s[n][0] * scale - base0);
    s[n][1] = lab::exp2Approx(s[n][1] * scale - base0);
    s[n][2] = lab::exp2Approx(s[n][2] * scale - base1);
    s[n][3] = lab::exp2Approx(s[n][3] * scale - base1);
    rows.sum0 += s[n][0] + s[n][1];
    rows.sum1 += s[n][2] + s[n][3];
  }
#pragma unroll
  for (int k = 0; k < K; ++k) {
    o[k][0] *= keep0;
    o[k][1] *= keep0;
    o[k][2] *= keep1;
    o[k][3] *= keep1;
  }
}

}  // namespace

template <typename T, int D, bool CAUSAL, int WARPS, int MT, int BN, int STAGES>
__global__ void __launch_bounds__(32 * WARPS)
    attention_07_flash2(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v, T* __restrict__ out,
                        float* __restrict__ lse, const AttentionShape shape) {
  constexpr int kThreads = 32 * WARPS, BM = 16 * MT * WARPS, kTile = BN * D;
  static_assert(D % 32 == 0 && BN % 16 == 0 && STAGES >= 1, "see the contract");

  extern __shared__ float4 sharedBase[];
  T* const queryTile = reinterpret_cast<T*>(sharedBase);
  T* const keyTiles = queryTile + BM * D;
  T* const valueTiles = keyTiles + STAGES * kTile;

  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  // The longest rows of tiles first: short ones fill the gaps at the end.
  const int rowTile = CAUSAL ? gridDim.x - 1 - blockIdx.x : blockIdx.x;
  const int firstRow = rowTile * BM, head = blockIdx.y, batch = blockIdx.z;
  q += batch * shape.queryBatch + head * shape.queryHead;
  k += batch * shape.keyBatch + head / shape.group * shape.keyHead;
  v += batch * shape.valueBatch + head / shape.group * shape.valueHead;
  const float scale = shape.scale * kLog2e;

  const int lastRow = min(firstRow + BM, shape.queries) - 1;
  const int tiles = (lab::visibleKeys<CAUSAL>(shape, lastRow) + BN - 1) / BN;
  const int fullTiles = lab::visibleKeys<CAUSAL>(shape, firstRow) / BN;  // those before need no mask
  auto copyKeys = [&](int j, int stage) {
    copyTile<D, BN, kThreads>(keyTiles + stage * kTile, k, shape.keyRow, j * BN, shape.keys);
  };
  auto copyValues = [&](int j, int stage) {
    copyTile<D, BN, kThreads>(valueTiles + stage * kTile, v, shape.valueRow, j * BN, shape.keys);
  };

  copyTile<D, BM, kThreads>(queryTile, q, shape.queryRow, firstRow, shape.queries);
  if (STAGES == 1) {
    if (tiles > 0) copyKeys(tiles - 1, 0);
    lab::copyAsyncCommit();
  } else {
#pragma unroll
    for (int s = 0; s < STAGES - 1; ++s) {
      if (s < tiles) {
        copyKeys(tiles - 1 - s, s);
        copyValues(tiles - 1 - s, s);
      }
      lab::copyAsyncCommit();  // also an empty one: the waits below count commits
    }
  }

  float o[MT][D / 8][4] = {}, s[MT][BN / 8][4];
  Rows rows[MT];
#pragma unroll
  for (int m = 0; m < MT; ++m) rows[m] = {-INFINITY, -INFINITY, 0.0f, 0.0f};

  // Where this lane's ldmatrix addresses begin, and what their chunks are swizzled with.
  const int rowA = lane % 16, chunkA = lane / 16 ^ swizzle<D>(rowA);
  const int rowB = lane / 16 * 8 + lane % 8, chunkB = lane / 8 % 2 ^ swizzle<D>(rowB);
  const char* const queryRows = reinterpret_cast<const char*>(queryTile + warp * 16 * MT * D);
  constexpr int kFragment = 16 * D * 2;  // bytes of sixteen rows

  auto scoresOf = [&](const T* keys) {
    const char* const from = reinterpret_cast<const char*>(keys);
#pragma unroll
    for (int m = 0; m < MT; ++m)
#pragma unroll
      for (int n = 0; n < BN / 8; ++n)
#pragma unroll
        for (int r = 0; r < 4; ++r) s[m][n][r] = 0.0f;
#pragma unroll
    for (int d = 0; d < D / 16; ++d) {
      unsigned a[MT][4];
#pragma unroll
      for (int m = 0; m < MT; ++m) lab::ldmatrix(a[m], queryRows + chunkAt<D>(rowA, chunkA, d) + m * kFragment);
#pragma unroll
      for (int n = 0; n < BN / 16; ++n) {
        unsigned b[4];
        lab::ldmatrix(b, from + chunkAt<D>(rowB, chunkB, d) + n * kFragment);
        const unsigned low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
#pragma unroll
        for (int m = 0; m < MT; ++m) {
          lab::mma16816<T>(s[m][2 * n], a[m], low);
          lab::mma16816<T>(s[m][2 * n + 1], a[m], high);
        }
      }
    }
  };
  auto mask = [&](int j) {
#pragma unroll
    for (int m = 0; m < MT; ++m) {
      const int row = firstRow + (warp * MT + m) * 16 + lane / 4, first = j * BN + 2 * (lane % 4);
      const int seen0 = lab::visibleKeys<CAUSAL>(shape, row) - first;
      const int seen1 = lab::visibleKeys<CAUSAL>(shape, row + 8) - first;
#pragma unroll
      for (int n = 0; n < BN / 8; ++n)
#pragma unroll
        for (int r = 0; r < 4; ++r)
          if (8 * n + r % 2 >= (r < 2 ? seen0 : seen1)) s[m][n][r] = -INFINITY;
    }
  };
  auto addOutput = [&](const T* values) {
    const char* const from = reinterpret_cast<const char*>(values);
#pragma unroll
    for (int key = 0; key < BN / 16; ++key) {
      unsigned p[MT][4];
#pragma unroll
      for (int m = 0; m < MT; ++m)
#pragma unroll
        for (int i = 0; i < 4; ++i)
          p[m][i] = lab::packFloats<T>(s[m][2 * key + i / 2][i % 2 * 2], s[m][2 * key + i / 2][i % 2 * 2 + 1]);
#pragma unroll
      for (int d = 0; d < D / 16; ++d) {
        unsigned b[4];
        lab::ldmatrixTrans(b, from + chunkAt<D>(rowA, chunkA, d) + key * kFragment);
        const unsigned low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
#pragma unroll
        for (int m = 0; m < MT; ++m) {
          lab::mma16816<T>(o[m][2 * d], p[m], low);
          lab::mma16816<T>(o[m][2 * d + 1], p[m], high);
        }
      }
    }
  };

  // The last tile of keys comes first: it is the one that may need a mask.
  for (int j = tiles - 1, stage = 0; j >= 0; --j) {
    if (STAGES == 1) {
      lab::copyAsyncWait<0>();
      __syncthreads();  // the keys are here, and nobody reads the last values any more
      copyValues(j, 0);
      lab::copyAsyncCommit();
    } else {
      lab::copyAsyncWait<(STAGES > 1 ? STAGES - 2 : 0)>();
      __syncthreads();  // this pair is here, and nobody reads the last one any more
      const int ahead = j - (STAGES - 1), free = stage == 0 ? STAGES - 1 : stage - 1;
      if (ahead >= 0) {
        copyKeys(ahead, free);
        copyValues(ahead, free);
      }
      lab::copyAsyncCommit();
    }
    scoresOf(keyTiles + stage * kTile);
    if (j >= fullTiles) mask(j);
    if (STAGES == 1) {
      lab::copyAsyncWait<0>();
      __syncthreads();  // the values are here, and nobody reads these keys any more
      if (j > 0) copyKeys(j - 1, 0);
      lab::copyAsyncCommit();
    }
#pragma unroll
    for (int m = 0; m < MT; ++m) softmaxTile(s[m], o[m], rows[m], scale);
    addOutput(valueTiles + stage * kTile);
    stage = stage + 1 == STAGES ? 0 : stage + 1;
  }
  lab::copyAsyncWait<0>();
  __syncthreads();  // also the copies of queries where there was no tile at all

  // Finished rows take the place of this warp's queries, so that they leave in 16-byte stores.
  out += batch * shape.outBatch + head * shape.outHead;
  lse += (static_cast<long long>(batch) * shape.heads + head) * shape.queries;
  unsigned* const words = reinterpret_cast<unsigned*>(queryTile + warp * 16 * MT * D);
#pragma unroll
  for (int m = 0; m < MT; ++m) {
    Rows& at = rows[m];
#pragma unroll
    for (int step = 1; step < 4; step *= 2) {
      at.sum0 += __shfl_xor_sync(0xffffffffu, at.sum0, step);
      at.sum1 += __shfl_xor_sync(0xffffffffu, at.sum1, step);
    }
    const float factor0 = at.sum0 > 0.0f ? 1.0f / at.sum0 : 0.0f, factor1 = at.sum1 > 0.0f ? 1.0f / at.sum1 : 0.0f;
    const int local = m * 16 + lane / 4, row = firstRow + warp * 16 * MT + local;
    if (lane % 4 == 0) {
      if (row < shape.queries) lse[row] = at.sum0 > 0.0f ? at.max0 * shape.scale + log2f(at.sum0) * kLn2 : -INFINITY;
      if (row + 8 < shape.queries) {
        lse[row + 8] = at.sum1 > 0.0f ? at.max1 * shape.scale + log2f(at.sum1) * kLn2 : -INFINITY;
      }
    }
    const int swizzled = swizzle<D>(local);
#pragma unroll
    for (int n = 0; n < D / 8; ++n) {
      unsigned* const to = words + local * (D / 2) + (n ^ swizzled) * 4 + lane % 4;
      to[0] = lab::packFloats<T>(o[m][n][0] * factor0, o[m][n][1] * factor0);
      to[8 * (D / 2)] = lab::packFloats<T>(o[m][n][2] * factor1, o[m][n][3] * factor1);
    }
  }
  __syncwarp();
  const int4* const finished = reinterpret_cast<const int4*>(words);
#pragma unroll
  for (int i = lane; i < 16 * MT * D / 8; i += 32) {
    const int local = i / (D / 8), chunk = i % (D / 8), row = firstRow + warp * 16 * MT + local;
    if (row < shape.queries) {
      *reinterpret_cast<int4*>(out + row * shape.outRow + chunk * 8) = finished[local * (D / 8) + (chunk ^ swizzle<D>(local))];
    }
  }
}
