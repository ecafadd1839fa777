// MoE, step 02: softmax over the experts and the choice of the top k, in one kernel.
//
// Idea: a warp holds a token's logits in registers (expert = lane + 32 x i). One reduction finds the maximum, one
//   the sum; then k rounds of an arg-max by shuffles pick the experts. No sort: k is 1 to 8.
// Traffic: logits read once, probabilities written once, 2 k values a token. Separate kernels would read the
//   probabilities again and write an index for every expert.
// Rules: the choice is by logit + bias (bias steers the choice only), ties go to the lower index, NaN loses to
//   everything. Gates are the chosen probabilities over their sum, without the bias.
// Launch: grid ceil(tokens / 4), block 128. PER_LANE = ceil(experts / 32), k <= experts. bias has `experts` floats.
//   expert and gate are tokens x k, probability tokens x experts.

__device__ float warpMax(float value) {
  for (int offset = 16; offset > 0; offset /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, offset));
  return value;
}

__device__ float warpSum(float value) {
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  return value;
}

template <int PER_LANE>
__global__ void __launch_bounds__(128)
    moe_02_topk_softmax(const float* logits, const float* bias, int* expert, float* gate, float* probability,
                        int tokens, int experts, int k) {
  const float kNone = __int_as_float(0xff800000);  // -infinity
  const int lane = threadIdx.x % 32, token = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32;
  if (token >= tokens) return;  // a whole warp leaves: the shuffles below stay complete

  float value[PER_LANE], score[PER_LANE], maximum = kNone;
#pragma unroll
  for (int i = 0; i < PER_LANE; ++i) {
    const int e = lane + 32 * i;
    value[i] = e < experts ? logits[size_t(token) * experts + e] : kNone;
    score[i] = e < experts ? value[i] + bias[e] : kNone;
    if (isnan(score[i])) score[i] = kNone;
    maximum = fmaxf(maximum, value[i]);
  }
  maximum = warpMax(maximum);
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < PER_LANE; ++i) {
    value[i] = lane + 32 * i < experts ? expf(value[i] - maximum) : 0.0f;
    sum += value[i];
  }
  sum = warpSum(sum);
#pragma unroll
  for (int i = 0; i < PER_LANE; ++i) {
    value[i] /= sum;
    if (lane + 32 * i < experts) probability[size_t(token) * experts + lane + 32 * i] = value[i];
  }

  unsigned taken = 0;  // bit i: my expert lane + 32 * i has been chosen
  float chosen = 0.0f, gateSum = 0.0f;
  int chosenExpert = 0;  // lane j keeps the choice of round j
  for (int round = 0; round < k; ++round) {
    float best = kNone, bestProbability = 0.0f;
    int index = 0x7fffffff;
#pragma unroll
    for (int i = 0; i < PER_LANE; ++i) {
      const int e = lane + 32 * i;
      const bool free = e < experts && !(taken >> i & 1);
      if (free && (score[i] > best || index == 0x7fffffff)) {
        best = score[i];
        bestProbability = value[i];
        index = e;
      }
    }
    for (int offset = 16; offset > 0; offset /= 2) {
      const float other = __shfl_xor_sync(0xffffffffu, best, offset);
      const float otherProbability = __shfl_xor_sync(0xffffffffu, bestProbability, offset);
      const int otherIndex = __shfl_xor_sync(0xffffffffu, index, offset);
      if (other > best || (other == best && otherIndex < index)) {
        best = other;
        bestProbability = otherProbability;
        index = otherIndex;
      }
    }
    if (index % 32 == lane) taken |= 1u << (index / 32);
    if (lane == round) {
      chosen = bestProbability;
      chosenExpert = index;
    }
    gateSum += bestProbability;
  }
  if (lane < k) {
    expert[size_t(token) * k + lane] = chosenExpert;
    gate[size_t(token) * k + lane] = chosen / gateSum;
  }
}
