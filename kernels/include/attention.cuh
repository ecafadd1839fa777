// Attention: what every rung is told of its problem.
//
// out[b, h, i, :] = sum_j softmax_j(scale * q[b, h, i, :] . k[b, h', j, :]) v[b, h', j, :] with h' = h / group, where
// `group` query heads share a key head; lse[b, h, i] = ln sum_j exp(scale * q . k). Causal: query i sees key j when
// j <= i + keys - queries, so that the last query sees every key (bottom-right aligned). A query that sees no key gets
// zeros and an lse of minus infinity.
//
// q is [batch, heads, queries, head dim], k and v [batch, heads / group, keys, head dim], out like q, their head dim
// dense and every other stride free; lse is [batch, heads, queries] and dense.
#pragma once

struct AttentionShape {
  int batch, heads, group, queries, keys;
  float scale;
  // Elements from one batch, head and row to the next.
  long long queryBatch, queryHead, queryRow;
  long long keyBatch, keyHead, keyRow;
  long long valueBatch, valueHead, valueRow;
  long long outBatch, outHead, outRow;
};

namespace lab {

// How many of the first keys query `row` sees.
template <bool CAUSAL>
__device__ __forceinline__ int visibleKeys(const AttentionShape& shape, int row) {
  if (!CAUSAL) return shape.keys;
  const int seen = row + 1 + shape.keys - shape.queries;
  return seen < 0 ? 0 : seen < shape.keys ? seen : shape.keys;
}

}  // namespace lab
