// Attention, rung 02: one kernel, the row of scores in shared memory.
//
// Idea: a block owns one query. Its scores live in shared memory from the first product to the last, so that the
//   S x S matrix never exists.
// Changes from 01: global memory holds O(S) instead of O(S^2), and the five passes over the scores are gone; what is
//   left is that each query reads all keys and values anew, from L2. Expect 2 to 4 times of 01. The row has to fit:
//   58,000 keys on Hopper.
// Launch: grid (queries, heads, batch), block a multiple of 32 (128), dynamic shared memory of
//   keys + D + block floats.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "../include/attention.cuh"
#include "../include/pack.cuh"
#include "../include/reduce.cuh"

template <typename T, int D, bool CAUSAL>
__global__ void attention_02_fused(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v,
                                   T* __restrict__ out, float* __restrict__ lse, const AttentionShape shape) {
  extern __shared__ float shared[];
  float* const query = shared;
  float* const scores = query + D;
  float* const parts = scores + shape.keys;
  __shared__ float scratch[lab::kBlockScratch];
  const int row = blockIdx.x, head = blockIdx.y, batch = blockIdx.z;
  const int threads = blockDim.x, thread = threadIdx.x;
  q += batch * shape.queryBatch + head * shape.queryHead + row * shape.queryRow;
  k += batch * shape.keyBatch + head / shape.group * shape.keyHead;
  v += batch * shape.valueBatch + head / shape.group * shape.valueHead;

  for (int d = thread; d < D; d += threads) query[d] = lab::toFloat(q[d]) * shape.scale;
  __syncthreads();

  const int keys = lab::visibleKeys<CAUSAL>(shape, row);
  float maximum = -INFINITY;
  for (int j = thread; j < keys; j += threads) {
    const T* const key = k + j * shape.keyRow;
    float sum = 0.0f;
#pragma unroll 8
    for (int d = 0; d < D; ++d) sum += query[d] * lab::toFloat(key[d]);
    scores[j] = sum;
    maximum = fmaxf(maximum, sum);
  }
  maximum = lab::blockMax(maximum, scratch);
  float sum = 0.0f;
  for (int j = thread; j < keys; j += threads) sum += scores[j] = expf(scores[j] - maximum);
  sum = lab::blockSum(sum, scratch);  // its barriers also publish the scores

  // Threads side by side take the columns of V; where there are more threads than columns, each group of D threads takes
  // every so many keys, and the groups' sums meet in `parts`.
  const int groups = threads > D ? threads / D : 1, group = groups > 1 ? thread / D : 0;
  const float factor = sum > 0.0f ? 1.0f / sum : 0.0f;
  for (int first = 0; first < D; first += threads) {
    const int column = first + (groups > 1 ? thread % D : thread);
    float total = 0.0f;
    if (column < D && group < groups) {
      for (int j = group; j < keys; j += groups) total += scores[j] * lab::toFloat(v[j * shape.valueRow + column]);
    }
    parts[thread] = total;
    __syncthreads();
    if (column < D && group == 0) {
      for (int g = 1; g < groups; ++g) total += parts[g * D + column];
      out[batch * shape.outBatch + head * shape.outHead + row * shape.outRow + column] =
          lab::fromFloat<T>(total * factor);
    }
    __syncthreads();
  }
  if (thread == 0) {
    lse[(static_cast<long long>(batch) * shape.heads + head) * shape.queries + row] =
        sum > 0.0f ? maximum + logf(sum) : -INFINITY;
  }
}
