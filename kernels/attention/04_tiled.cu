// Attention, rung 04: tiles of Q, K and V in shared memory.
//
// Idea: BM queries share each tile of BN keys and values. Both products are then small matrix products: a thread owns
//   4 x 4 scores and 4 x D / (BN / 4) outputs in registers, and each value read from shared memory serves four of them.
// Changes from 03: a key is read from global memory once for BM queries instead of once a warp, and the products run at
//   the speed of a register-tiled matmul: 5 to 10 times of 03. What remains: one thread a row does the softmax's
//   bookkeeping while the others wait at four barriers a tile.
// Launch: grid (ceil(queries / BM), heads, batch), block BM / 4 * BN / 4, dynamic shared memory of
//   (BM + BN) * (D + 4) + BM * (BN + 4) + 3 * BM floats; D a multiple of 4 and of BN / 4.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "../include/attention.cuh"
#include "../include/pack.cuh"

template <typename T, int D, bool CAUSAL, int BM, int BN>
__global__ void __launch_bounds__(BM / 4 * BN / 4)
    attention_04_tiled(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v, T* __restrict__ out,
                       float* __restrict__ lse, const AttentionShape shape) {
  constexpr int kAcross = BN / 4, kDown = BM / 4, kThreads = kAcross * kDown;
  constexpr int kColumns = D / kAcross;  // output columns a thread
  constexpr int kPitch = D + 4, kScorePitch = BN + 4;  // 4 more: neighbouring rows start 4 banks apart
  static_assert(D % 4 == 0 && D % kAcross == 0 && BM % 4 == 0 && BN % 4 == 0, "see the contract");

  extern __shared__ float4 sharedBase[];
  float* const queries = reinterpret_cast<float*>(sharedBase);
  float* const tile = queries + BM * kPitch;  // first the keys, then the values
  float* const scores = tile + BN * kPitch;
  float* const maxima = scores + BM * kScorePitch;
  float* const sums = maxima + BM;
  float* const keeps = sums + BM;

  const int thread = threadIdx.x, across = thread % kAcross, down = thread / kAcross;
  const int firstRow = blockIdx.x * BM, head = blockIdx.y, batch = blockIdx.z;
  q += batch * shape.queryBatch + head * shape.queryHead;
  k += batch * shape.keyBatch + head / shape.group * shape.keyHead;
  v += batch * shape.valueBatch + head / shape.group * shape.valueHead;

  for (int i = thread; i < BM * D; i += kThreads) {
    const int row = firstRow + i / D;
    queries[i / D * kPitch + i % D] =
        row < shape.queries ? lab::toFloat(q[row * shape.queryRow + i % D]) * shape.scale : 0.0f;
  }
  for (int i = thread; i < BM; i += kThreads) {
    maxima[i] = -3.402823466e38f;
    sums[i] = 0.0f;
  }
  auto loadTile = [&](const T* from, long long rowStride, int firstKey) {
    for (int i = thread; i < BN * D; i += kThreads) {
      const int key = firstKey + i / D;
      tile[i / D * kPitch + i % D] = key < shape.keys ? lab::toFloat(from[key * rowStride + i % D]) : 0.0f;
    }
  };

  float output[4][kColumns] = {};
  const int lastRow = min(firstRow + BM, shape.queries) - 1;
  const int keys = lab::visibleKeys<CAUSAL>(shape, lastRow);  // later keys are seen by no query of this tile
  for (int firstKey = 0; firstKey < keys; firstKey += BN) {
    __syncthreads();
    loadTile(k, shape.keyRow, firstKey);
    __syncthreads();

    // Scores of rows down + r * kDown and keys across + c * kAcross.
    float s[4][4] = {};
#pragma unroll 4
    for (int d = 0; d < D; d += 4) {
      float4 left[4], right[4];
#pragma unroll
      for (int r = 0; r < 4; ++r) left[r] = *reinterpret_cast<const float4*>(queries + (down + r * kDown) * kPitch + d);
#pragma unroll
      for (int c = 0; c < 4; ++c) right[c] = *reinterpret_cast<const float4*>(tile + (across + c * kAcross) * kPitch + d);
#pragma unroll
      for (int r = 0; r < 4; ++r)
#pragma unroll
        for (int c = 0; c < 4; ++c)
          s[r][c] += left[r].x * right[c].x + left[r].y * right[c].y + left[r].z * right[c].z + left[r].w * right[c].w;
    }
#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const int row = down + r * kDown, seen = lab::visibleKeys<CAUSAL>(shape, firstRow + row) - firstKey;
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        const int key = across + c * kAcross;
        scores[row * kScorePitch + key] = key < seen ? s[r][c] : -INFINITY;
      }
    }
    __syncthreads();

    // The values take the keys' place while one thread a row does the bookkeeping.
    loadTile(v, shape.valueRow, firstKey);
    for (int row = thread; row < BM; row += kThreads) {
      float* const mine = scores + row * kScorePitch;
      float maximum = maxima[row];
      for (int j = 0; j < BN; ++j) maximum = fmaxf(maximum, mine[j]);
      float sum = 0.0f;
      for (int j = 0; j < BN; ++j) sum += mine[j] = expf(mine[j] - maximum);
      keeps[row] = expf(maxima[row] - maximum);
      sums[row] = sums[row] * keeps[row] + sum;
      maxima[row] = maximum;
    }
    __syncthreads();

#pragma unroll
    for (int r = 0; r < 4; ++r) {
      const float keep = keeps[down + r * kDown];
#pragma unroll
      for (int c = 0; c < kColumns; ++c) output[r][c] *= keep;
    }
#pragma unroll 2
    for (int j = 0; j < BN; j += 4) {
      float4 weight[4];
#pragma unroll
      for (int r = 0; r < 4; ++r)
        weight[r] = *reinterpret_cast<const float4*>(scores + (down + r * kDown) * kScorePitch + j);
#pragma unroll
      for (int c = 0; c < kColumns; ++c) {
        const float* const value = tile + j * kPitch + across + c * kAcross;
        const float v0 = value[0], v1 = value[kPitch], v2 = value[2 * kPitch], v3 = value[3 * kPitch];
#pragma unroll
        for (int r = 0; r < 4; ++r)
          output[r][c] += weight[r].x * v0 + weight[r].y * v1 + weight[r].z * v2 + weight[r].w * v3;
      }
    }
  }
  __syncthreads();  // the sums, also where there was no tile at all

#pragma unroll
  for (int r = 0; r < 4; ++r) {
    const int local = down + r * kDown, row = firstRow + local;
    if (row >= shape.queries) continue;
    const float sum = sums[local], factor = sum > 0.0f ? 1.0f / sum : 0.0f;
    T* const to = out + batch * shape.outBatch + head * shape.outHead + row * shape.outRow;
#pragma unroll
    for (int c = 0; c < kColumns; ++c) to[across + c * kAcross] = lab::fromFloat<T>(output[r][c] * factor);
    if (across == 0) {
      lse[(static_cast<long long>(batch) * shape.heads + head) * shape.queries + row] =
          sum > 0.0f ? maxima[local] + logf(sum) : -INFINITY;
    }
  }
}
