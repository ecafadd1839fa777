// MoE, step 11: token embeddings for the walkthrough, with a little context.
//
// Idea: a row of a table a token, plus `mix` times the row of the token before. A word that is 5% of a text would
//   otherwise go to the same expert each time, all or nothing; with its neighbour it becomes many different rows.
// Traffic: two table rows read (mostly from L2: frequent words repeat) and one row written a token.
// Launch: grid tokens, block 128. table is vocabulary x dim, out tokens x dim.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

template <typename T>
__global__ void moe_11_embed(const float* table, const int* token, T* out, int dim, float mix) {
  const int at = blockIdx.x;
  const float* own = table + size_t(token[at]) * dim;
  const float* before = table + size_t(token[at == 0 ? 0 : at - 1]) * dim;
  for (int i = threadIdx.x; i < dim; i += blockDim.x) out[size_t(at) * dim + i] = T(own[i] + mix * before[i]);
}
