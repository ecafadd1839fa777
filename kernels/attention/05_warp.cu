// Attention, rung 05: rows that belong to a warp, joined by shuffles.
//
// Idea: a warp owns ROWS queries, and its lanes split a tile's keys. A row's maximum and sum are then five shuffles
//   away in every lane's registers, and the weights pass through a slice of shared memory that only this warp touches.
// Changes from 04: no thread works alone on a row while others wait, and of four barriers a tile two remain, those
//   around the loads. The products are as before. Expect 1.3 to 1.6 times of 04: the last step that fp32 allows, at
//   a few per cent of what tensor cores do.
// Launch: grid (ceil(queries / (WARPS * ROWS)), heads, batch), block 32 * WARPS, dynamic shared memory of
//   (WARPS * ROWS + 2 * BN) * (D + 4) + WARPS * ROWS * (BN + 4) floats; D and BN multiples of 32.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "../include/attention.cuh"
#include "../include/pack.cuh"
#include "../include/reduce.cuh"

template <typename T, int D, bool CAUSAL, int WARPS, int ROWS, int BN>
__global__ void __launch_bounds__(32 * WARPS)
    attention_05_warp(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v, T* __restrict__ out,
                      float* __restrict__ lse, const AttentionShape shape) {
  constexpr int BM = WARPS * ROWS, kThreads = 32 * WARPS;
  constexpr int kKeys = BN / 32, kColumns = D / 32;  // keys and output columns a lane
  constexpr int kPitch = D + 4, kWeightPitch = BN + 4;
  static_assert(D % 32 == 0 && BN % 32 == 0, "see the contract");

  extern __shared__ float4 sharedBase[];
  float* const queries = reinterpret_cast<float*>(sharedBase);
  float* const keyTile = queries + BM * kPitch;
  float* const valueTile = keyTile + BN * kPitch;
  const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
  float* const weights = valueTile + BN * kPitch + warp * ROWS * kWeightPitch;
  const float* const mine = queries + warp * ROWS * kPitch;

  const int firstRow = blockIdx.x * BM, myRow = firstRow + warp * ROWS, head = blockIdx.y, batch = blockIdx.z;
  q += batch * shape.queryBatch + head * shape.queryHead;
  k += batch * shape.keyBatch + head / shape.group * shape.keyHead;
  v += batch * shape.valueBatch + head / shape.group * shape.valueHead;
  auto loadRows = [&](float* to, const T* from, long long rowStride, int first, int count, int rows, float factor) {
    for (int i = thread; i < rows * D; i += kThreads) {
      const int row = first + i / D;
      to[i / D * kPitch + i % D] = row < count ? lab::toFloat(from[row * rowStride + i % D]) * factor : 0.0f;
    }
  };
  loadRows(queries, q, shape.queryRow, firstRow, shape.queries, BM, shape.scale);

  float output[ROWS][kColumns] = {}, maximum[ROWS], sum[ROWS];
#pragma unroll
  for (int r = 0; r < ROWS; ++r) {
    maximum[r] = -3.402823466e38f;
    sum[r] = 0.0f;  // of this lane's own keys until the end
  }
  const int lastRow = min(firstRow + BM, shape.queries) - 1;
  const int keys = lab::visibleKeys<CAUSAL>(shape, lastRow);
  for (int firstKey = 0; firstKey < keys; firstKey += BN) {
    __syncthreads();
    loadRows(keyTile, k, shape.keyRow, firstKey, shape.keys, BN, 1.0f);
    loadRows(valueTile, v, shape.valueRow, firstKey, shape.keys, BN, 1.0f);
    __syncthreads();

    float s[ROWS][kKeys] = {};
#pragma unroll 4
    for (int d = 0; d < D; d += 4) {
      float4 right[kKeys];
#pragma unroll
      for (int c = 0; c < kKeys; ++c) right[c] = *reinterpret_cast<const float4*>(keyTile + (lane + 32 * c) * kPitch + d);
#pragma unroll
      for (int r = 0; r < ROWS; ++r) {
        const float4 left = *reinterpret_cast<const float4*>(mine + r * kPitch + d);
#pragma unroll
        for (int c = 0; c < kKeys; ++c)
          s[r][c] += left.x * right[c].x + left.y * right[c].y + left.z * right[c].z + left.w * right[c].w;
      }
    }
#pragma unroll
    for (int r = 0; r < ROWS; ++r) {
      const int seen = lab::visibleKeys<CAUSAL>(shape, myRow + r) - firstKey;
      float highest = maximum[r];
#pragma unroll
      for (int c = 0; c < kKeys; ++c) {
        if (lane + 32 * c >= seen) s[r][c] = -INFINITY;
        highest = fmaxf(highest, s[r][c]);
      }
      highest = lab::warpMax(highest);
      const float keep = expf(maximum[r] - highest);
      maximum[r] = highest;
      sum[r] *= keep;
#pragma unroll
      for (int c = 0; c < kKeys; ++c) {
        const float weight = expf(s[r][c] - highest);
        weights[r * kWeightPitch + lane + 32 * c] = weight;
        sum[r] += weight;
      }
#pragma unroll
      for (int c = 0; c < kColumns; ++c) output[r][c] *= keep;
    }
    __syncwarp();
#pragma unroll 2
    for (int j = 0; j < BN; j += 4) {
      float value[4][kColumns];
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int c = 0; c < kColumns; ++c) value[i][c] = valueTile[(j + i) * kPitch + lane + 32 * c];
#pragma unroll
      for (int r = 0; r < ROWS; ++r) {
        const float4 weight = *reinterpret_cast<const float4*>(weights + r * kWeightPitch + j);
#pragma unroll
        for (int c = 0; c < kColumns; ++c)
          output[r][c] += weight.x * value[0][c] + weight.y * value[1][c] + weight.z * value[2][c] + weight.w * value[3][c];
      }
    }
  }

#pragma unroll
  for (int r = 0; r < ROWS; ++r) {
    const int row = myRow + r;
    const float total = lab::warpSum(sum[r]), factor = total > 0.0f ? 1.0f / total : 0.0f;
    if (row >= shape.queries) continue;
    T* const to = out + batch * shape.outBatch + head * shape.outHead + row * shape.outRow;
#pragma unroll
    for (int c = 0; c < kColumns; ++c) to[lane + 32 * c] = lab::fromFloat<T>(output[r][c] * factor);
    if (lane == 0) {
      lse[(static_cast<long long>(batch) * shape.heads + head) * shape.queries + row] =
          total > 0.0f ? maximum[r] + logf(total) : -INFINITY;
    }
  }
}
