// MoE, step 10: the gradient of the balance loss with respect to the router's weights.
//
// Idea: the loss of the Switch Transformer is L = E x sum over e of f_e P_e, with f_e the share of choices that went
//   to expert e (counted, so constant for the gradient) and P_e the mean probability of e. Through the softmax
//   dL/dlogit[t][e] = E / T x p[t][e] x (f_e - sum over j of f_j p[t][j]); through the matmul dL/dw = x^T dlogit.
// Traffic: probabilities read and gradients written once; then x read once more, like step 01.
// Launch: moe_10_balance_gradient_logits: grid ceil(tokens / 4), block 128 (a warp a token).
//   moe_10_balance_gradient_weights: grid (ceil(dim / 32), ceil(experts / 32)), block (32, 32): w -= rate x gradient.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

extern "C" __global__ void __launch_bounds__(128)
    moe_10_balance_gradient_logits(const float* probability, const float* share, float* gradient, int tokens,
                                   int experts) {
  const int lane = threadIdx.x % 32, token = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (token >= tokens) return;
  const float* p = probability + size_t(token) * experts;
  float mean = 0.0f;
  for (int e = lane; e < experts; e += 32) mean += share[e] * p[e];
  for (int offset = 16; offset > 0; offset /= 2) mean += __shfl_xor_sync(0xffffffffu, mean, offset);
  for (int e = lane; e < experts; e += 32)
    gradient[size_t(token) * experts + e] = float(experts) / float(tokens) * p[e] * (share[e] - mean);
}

template <typename T>
__global__ void __launch_bounds__(1024)
    moe_10_balance_gradient_weights(const T* x, const float* gradient, float* w, int tokens, int dim,
                                    int experts, float rate) {
  __shared__ float tileX[32][32], tileG[32][32];
  const int lane = threadIdx.x, line = threadIdx.y;
  const int row = blockIdx.x * 32 + line, expert = blockIdx.y * 32 + lane;
  float sum = 0.0f;
  for (int at = 0; at < tokens; at += 32) {
    const int token = at + line, column = blockIdx.x * 32 + lane;
    tileX[line][lane] = token < tokens && column < dim ? float(x[size_t(token) * dim + column]) : 0.0f;
    tileG[line][lane] = token < tokens && expert < experts ? gradient[size_t(token) * experts + expert] : 0.0f;
    __syncthreads();
#pragma unroll
    for (int t = 0; t < 32; ++t) sum += tileX[t][line] * tileG[t][lane];
    __syncthreads();
  }
  if (row < dim && expert < experts) w[size_t(row) * experts + expert] -= rate * sum;
}
