// Attention, rung 03: the online softmax, one thread a query.
//
// Idea: a running maximum and a running sum need no second look at a score, so that a query's whole state is the
//   maximum, the sum and the output so far. When a larger score comes, all of it is worth exp(old - new) of itself.
// Changes from 02: no row in shared memory, so that any length fits; a warp's 32 queries read the same key at the same
//   time (one broadcast instead of 32 reads). The price: 2 D floats of registers a thread leave few warps, and each
//   key waits for the one before. About 02's speed on short rows, 2 times on long ones.
// Launch: grid (ceil(queries / block), heads, batch), any one-dimensional block up to 128.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "../include/attention.cuh"
#include "../include/pack.cuh"

template <typename T, int D, bool CAUSAL>
__global__ void __launch_bounds__(128) attention_03_online(const T* __restrict__ q, const T* __restrict__ k,
                                                           const T* __restrict__ v, T* __restrict__ out,
                                                           float* __restrict__ lse, const AttentionShape shape) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x, head = blockIdx.y, batch = blockIdx.z;
  if (row >= shape.queries) return;
  q += batch * shape.queryBatch + head * shape.queryHead + row * shape.queryRow;
  k += batch * shape.keyBatch + head / shape.group * shape.keyHead;
  v += batch * shape.valueBatch + head / shape.group * shape.valueHead;
  out += batch * shape.outBatch + head * shape.outHead + row * shape.outRow;

  float query[D], output[D];
#pragma unroll
  for (int d = 0; d < D; ++d) {
    query[d] = lab::toFloat(q[d]) * shape.scale;
    output[d] = 0.0f;
  }
  // A finite start: (-inf) - (-inf) would be NaN.
  float maximum = -3.402823466e38f, sum = 0.0f;
  const int keys = lab::visibleKeys<CAUSAL>(shape, row);
  for (int j = 0; j < keys; ++j) {
    float score = 0.0f;
#pragma unroll
    for (int d = 0; d < D; ++d) score += query[d] * lab::toFloat(k[d]);
    if (score > maximum) {
      const float keep = expf(maximum - score);
      sum *= keep;
#pragma unroll
      for (int d = 0; d < D; ++d) output[d] *= keep;
      maximum = score;
    }
    const float weight = expf(score - maximum);
    sum += weight;
#pragma unroll
    for (int d = 0; d < D; ++d) output[d] += weight * lab::toFloat(v[d]);
    k += shape.keyRow;
    v += shape.valueRow;
  }

  const float factor = sum > 0.0f ? 1.0f / sum : 0.0f;
#pragma unroll
  for (int d = 0; d < D; ++d) out[d] = lab::fromFloat<T>(output[d] * factor);
  lse[(static_cast<long long>(batch) * shape.heads + head) * shape.queries + row] =
      sum > 0.0f ? maximum + logf(sum) : -INFINITY;
}
