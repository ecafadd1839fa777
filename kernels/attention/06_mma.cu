// Attention, rung 06: tensor cores.
//
// Idea: both products are matrix products of tiles, which mma.sync does 16 x 8 x 16 at a time: a warp owns 16 queries,
//   ldmatrix brings the fragments from shared memory, and scores and outputs stay in the accumulators' registers, where
//   a row lies in four lanes.
// Changes from 05: 16-bit products on the tensor cores, 16 times the peak of fp32; the inputs stay 16-bit in shared
//   memory, half the traffic. The weights pass through shared memory to become an operand, and loads still make
//   everyone wait: expect a tenth of the tensor cores' peak, and more than 10 times of 05.
// Launch: grid (ceil(queries / (16 * WARPS)), heads, batch), block 32 * WARPS, dynamic shared memory of
//   ((16 * WARPS + 2 * BN) * (D + 8) + 16 * WARPS * (BN + 8)) * 2 bytes; D and BN multiples of 16; all rows 16-byte
//   aligned.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention.cuh"
#include "fast_math.cuh"
#include "mma.cuh"
#include "reduce.cuh"

template <typename T, int D, bool CAUSAL, int WARPS, int BN>
__global__ void __launch_bounds__(32 * WARPS)
    attention_06_mma(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v, T* __restrict__ out,
                     float* __restrict__ lse, const AttentionShape shape) {
  constexpr int BM = 16 * WARPS, kThreads = 32 * WARPS;
  constexpr int kPitch = D + 8, kWeightPitch = BN + 8;  // 16 bytes more: ldmatrix's rows fall on different banks
  static_assert(D % 16 == 0 && BN % 16 == 0, "see the contract");

  extern __shared__ float4 sharedBase[];
  T* const queryTile = reinterpret_cast<T*>(sharedBase);
  T* const keyTile = queryTile + BM * kPitch;
  T* const valueTile = keyTile + BN * kPitch;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  T* const weights = valueTile + BN * kPitch + warp * 16 * kWeightPitch;  // this warp's own

  const int firstRow = blockIdx.x * BM, head = blockIdx.y, batch = blockIdx.z;
  q += batch * shape.queryBatch + head * shape.queryHead;
  k += batch * shape.keyBatch + head / shape.group * shape.keyHead;
  v += batch * shape.valueBatch + head / shape.group * shape.valueHead;
  // Rows from `count` on become zeros: a weight of zero times what lies beyond the values might be NaN.
  auto loadTile = [&](T* tile, const T* from, long long stride, int first, int rows, int count) {
    for (int i = threadIdx.x; i < rows * (D / 8); i += kThreads) {
      const int row = i / (D / 8), column = i % (D / 8) * 8;
      const bool valid = first + row < count;
      const int4 bits = valid ? *reinterpret_cast<const int4*>(from + (first + row) * stride + column) : int4{};
      *reinterpret_cast<int4*>(tile + row * kPitch + column) = bits;
    }
  };
  loadTile(queryTile, q, shape.queryRow, firstRow, BM, shape.queries);

  // This lane's rows of the accumulators: row and row + 8.
  const int row = firstRow + warp * 16 + lane / 4;
  const int seen[2] = {lab::visibleKeys<CAUSAL>(shape, row), lab::visibleKeys<CAUSAL>(shape, row + 8)};
  float o[D / 8][4] = {}, maximum[2] = {-3.402823466e38f, -3.402823466e38f}, sum[2] = {};
  const int lastRow = min(firstRow + BM, shape.queries) - 1;
  const int keys = lab::visibleKeys<CAUSAL>(shape, lastRow);
  for (int firstKey = 0; firstKey < keys; firstKey += BN) {
    __syncthreads();
    loadTile(keyTile, k, shape.keyRow, firstKey, BN, shape.keys);
    loadTile(valueTile, v, shape.valueRow, firstKey, BN, shape.keys);
    __syncthreads();

    float s[BN / 8][4] = {};
#pragma unroll
    for (int d = 0; d < D; d += 16) {
      unsigned a[4], b[4];
      lab::ldmatrix(a, queryTile + (warp * 16 + lane % 16) * kPitch + d + lane / 16 * 8);
#pragma unroll
      for (int n = 0; n < BN; n += 16) {
        lab::ldmatrix(b, keyTile + (n + lane / 16 * 8 + lane % 8) * kPitch + d + lane / 8 % 2 * 8);
        const unsigned low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
        lab::mma16816<T>(s[n / 8], a, low);
        lab::mma16816<T>(s[n / 8 + 1], a, high);
      }
    }

#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float highest = maximum[half];
#pragma unroll
      for (int n = 0; n < BN / 8; ++n)
#pragma unroll
        for (int c = 0; c < 2; ++c) {
          float& score = s[n][2 * half + c];
          const int key = firstKey + 8 * n + 2 * (lane % 4) + c;
          score = key < seen[half] ? score * shape.scale : -INFINITY;
          highest = fmaxf(highest, score);
        }
      highest = lab::warpMax<4>(highest);
      const float keep = expf(maximum[half] - highest);
      maximum[half] = highest;
      sum[half] *= keep;
#pragma unroll
      for (int n = 0; n < BN / 8; ++n) {
        const float low = expf(s[n][2 * half] - highest), high = expf(s[n][2 * half + 1] - highest);
        sum[half] += low + high;
        T* const to = weights + (lane / 4 + 8 * half) * kWeightPitch + 8 * n + 2 * (lane % 4);
        *reinterpret_cast<unsigned*>(to) = lab::packFloats<T>(low, high);
      }
#pragma unroll
      for (int n = 0; n < D / 8; ++n) {
        o[n][2 * half] *= keep;
        o[n][2 * half + 1] *= keep;
      }
    }
    __syncwarp();
#pragma unroll
    for (int key = 0; key < BN; key += 16) {
      unsigned a[4], b[4];
      lab::ldmatrix(a, weights + lane % 16 * kWeightPitch + key + lane / 16 * 8);
#pragma unroll
      for (int d = 0; d < D; d += 16) {
        lab::ldmatrixTrans(b, valueTile + (key + lane % 16) * kPitch + d + lane / 16 * 8);
        const unsigned low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
        lab::mma16816<T>(o[d / 8], a, low);
        lab::mma16816<T>(o[d / 8 + 1], a, high);
      }
    }
  }

#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float total = lab::warpSum<4>(sum[half]), factor = total > 0.0f ? 1.0f / total : 0.0f;
    const int mine = row + 8 * half;
    if (mine >= shape.queries) continue;
    T* const to = out + batch * shape.outBatch + head * shape.outHead + mine * shape.outRow + 2 * (lane % 4);
#pragma unroll
    for (int n = 0; n < D / 8; ++n) {
      *reinterpret_cast<unsigned*>(to + 8 * n) = lab::packFloats<T>(o[n][2 * half] * factor, o[n][2 * half + 1] * factor);
    }
    if (lane % 4 == 0) {
      lse[(static_cast<long long>(batch) * shape.heads + head) * shape.queries + mine] =
          total > 0.0f ? maximum[half] + logf(total) : -INFINITY;
    }
  }
}
