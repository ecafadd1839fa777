// MoE, step 01: the router's logits, x times the router's weights.
//
// Idea: a skinny matmul, tokens x dim times dim x experts. A block takes 32 tokens and 32 experts and walks along
//   dim in steps of 32 through shared memory: a lane is an expert, a warp has 4 tokens.
// Traffic: x is read once (tokens x dim elements) for up to 32 experts, the weights once a block from L2. At 32
//   experts 64 FLOPs an element of x: memory-bound for bf16 only just, so the FMAs are kept in registers too.
// Launch: grid (ceil(tokens / 32), ceil(experts / 32)), block (32, 8). x tokens x dim, w dim x experts (float),
//   logits tokens x experts (float), all row-major.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

template <typename T>
__global__ void __launch_bounds__(256)
    moe_01_router(const T* x, const float* w, float* logits, int tokens, int dim, int experts) {
  constexpr int kTile = 32, kTokens = 4;
  __shared__ alignas(16) float tileX[kTile][kTile + 4];
  __shared__ float tileW[kTile][kTile];
  const int lane = threadIdx.x, warp = threadIdx.y;
  const int firstToken = blockIdx.x * kTile, expert = blockIdx.y * kTile + lane;

  float sum[kTokens] = {};
  for (int at = 0; at < dim; at += kTile) {
#pragma unroll
    for (int i = 0; i < kTile; i += 8) {
      const int token = firstToken + warp + i, depth = at + lane;
      tileX[warp + i][lane] = token < tokens && depth < dim ? float(x[size_t(token) * dim + depth]) : 0.0f;
      const int row = at + warp + i;
      tileW[warp + i][lane] = row < dim && expert < experts ? w[size_t(row) * experts + expert] : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int d = 0; d < kTile; d += 4) {
#pragma unroll
      for (int t = 0; t < kTokens; ++t) {
        const float4 four = *reinterpret_cast<const float4*>(&tileX[warp * kTokens + t][d]);
        sum[t] += four.x * tileW[d][lane] + four.y * tileW[d + 1][lane];
        sum[t] += four.z * tileW[d + 2][lane] + four.w * tileW[d + 3][lane];
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int t = 0; t < kTokens; ++t) {
    const int token = firstToken + warp * kTokens + t;
    if (token < tokens && expert < experts) logits[size_t(token) * experts + expert] = sum[t];
  }
}
