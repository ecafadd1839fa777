// Attention, rung 01: three kernels, the scores in memory.
//
// Idea: write the formula down. One kernel makes all scores, one turns each row into a softmax, one multiplies it
//   with V: what three calls of a library do.
// Traffic: queries x keys floats a head, written once, then read three times and written once by the softmax and read
//   again for each element of the output: O(S^2) memory and a bandwidth-bound kernel for what is arithmetic. Expect
//   under 1% of the tensor cores' peak.
// Launch: grids (ceil(keys / x), ceil(queries / y), batch * heads) of blocks (x, y); (queries, batch * heads) of blocks
//   of a multiple of 32; (ceil(D / x), ceil(queries / y), batch * heads) of blocks (x, y). scores holds
//   batch * heads * queries * keys floats.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "../include/attention.cuh"
#include "../include/pack.cuh"
#include "../include/reduce.cuh"

template <typename T, int D, bool CAUSAL>
__global__ void attention_01_naive_scores(const T* __restrict__ q, const T* __restrict__ k, float* __restrict__ scores,
                                          const AttentionShape shape) {
  const int key = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
  const int batch = blockIdx.z / shape.heads, head = blockIdx.z % shape.heads;
  if (key >= shape.keys || row >= shape.queries) return;
  q += batch * shape.queryBatch + head * shape.queryHead + row * shape.queryRow;
  k += batch * shape.keyBatch + head / shape.group * shape.keyHead + key * shape.keyRow;

  float sum = 0.0f;
  for (int d = 0; d < D; ++d) sum += lab::toFloat(q[d]) * lab::toFloat(k[d]);
  const bool seen = key < lab::visibleKeys<CAUSAL>(shape, row);
  scores[(static_cast<long long>(blockIdx.z) * shape.queries + row) * shape.keys + key] =
      seen ? sum * shape.scale : -INFINITY;
}

// A row of scores becomes its softmax, in place.
__global__ void attention_01_naive_softmax(float* __restrict__ scores, float* __restrict__ lse,
                                           const AttentionShape shape) {
  __shared__ float scratch[lab::kBlockScratch];
  const long long row = static_cast<long long>(blockIdx.y) * shape.queries + blockIdx.x;
  scores += row * shape.keys;

  float maximum = -INFINITY;
  for (int j = threadIdx.x; j < shape.keys; j += blockDim.x) maximum = fmaxf(maximum, scores[j]);
  maximum = lab::blockMax(maximum, scratch);
  // A row that sees no key: exp(-inf - 0) is 0 where exp(-inf + inf) would be NaN.
  const float base = maximum == -INFINITY ? 0.0f : maximum;
  float sum = 0.0f;
  for (int j = threadIdx.x; j < shape.keys; j += blockDim.x) sum += expf(scores[j] - base);
  sum = lab::blockSum(sum, scratch);

  const float factor = sum > 0.0f ? 1.0f / sum : 0.0f;
  for (int j = threadIdx.x; j < shape.keys; j += blockDim.x) scores[j] = expf(scores[j] - base) * factor;
  if (threadIdx.x == 0) lse[row] = sum > 0.0f ? base + logf(sum) : -INFINITY;
}

template <typename T, int D>
__global__ void attention_01_naive_output(const float* __restrict__ scores, const T* __restrict__ v, T* __restrict__ out,
                                          const AttentionShape shape) {
  const int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
  const int batch = blockIdx.z / shape.heads, head = blockIdx.z % shape.heads;
  if (column >= D || row >= shape.queries) return;
  scores += (static_cast<long long>(blockIdx.z) * shape.queries + row) * shape.keys;
  v += batch * shape.valueBatch + head / shape.group * shape.valueHead + column;

  float sum = 0.0f;
  for (int j = 0; j < shape.keys; ++j) sum += scores[j] * lab::toFloat(v[j * shape.valueRow]);
  out[batch * shape.outBatch + head * shape.outHead + row * shape.outRow + column] = lab::fromFloat<T>(sum);
}
