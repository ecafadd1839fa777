// MoE, step 06: the experts' matmuls, one launch an expert.
//
// Idea: an expert's rows lie together after step 05, so that each expert is an ordinary matmul, y = f(x w), here
//   with the register tiles of matmul rung 04 and the GELU in the epilogue (a pass of its own would read and
//   write rows x n once more).
// Cost: the host must know every expert's row count to size its grid, a synchronisation. A launch with few rows
//   leaves most of the GPU idle, and E launches drain one after another: with E = 32 and 128 rows each, an expert
//   has ceil(128 / 64) x ceil(n / 64) blocks.
// Launch: grid (ceil(n / BN), ceil(rows / BM)), block (BM / TM) * (BN / TN). w is experts x k x n, x and y are in
//   slot order; expert e owns the rows start[e] .. start[e + 1].
template <int BM, int BN, int BK, int TM, int TN, bool GELU>
__global__ void __launch_bounds__((BM / TM) * (BN / TN))
    moe_06_expert_loop(const float* x, const float* w, float* y, const int* start, int expert, int n, int k) {
  constexpr int kThreads = (BM / TM) * (BN / TN);
  __shared__ float tileX[BM][BK + 1], tileW[BK][BN];
  const int firstRow = start[expert] + blockIdx.y * BM, end = start[expert + 1], firstCol = blockIdx.x * BN;
  const int column = threadIdx.x % (BN / TN), line = threadIdx.x / (BN / TN);
  w += size_t(expert) * k * n;

  float sum[TM][TN] = {};
  for (int at = 0; at < k; at += BK) {
    for (int i = threadIdx.x; i < BM * BK; i += kThreads) {
      const int row = firstRow + i / BK, depth = at + i % BK;
      tileX[i / BK][i % BK] = row < end && depth < k ? x[size_t(row) * k + depth] : 0.0f;
    }
    for (int i = threadIdx.x; i < BK * BN; i += kThreads) {
      const int depth = at + i / BN, col = firstCol + i % BN;
      tileW[i / BN][i % BN] = depth < k && col < n ? w[size_t(depth) * n + col] : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int d = 0; d < BK; ++d) {
      float left[TM], right[TN];
#pragma unroll
      for (int i = 0; i < TM; ++i) left[i] = tileX[line + i * (BM / TM)][d];
#pragma unroll
      for (int j = 0; j < TN; ++j) right[j] = tileW[d][column + j * (BN / TN)];
#pragma unroll
      for (int i = 0; i < TM; ++i)
#pragma unroll
        for (int j = 0; j < TN; ++j) sum[i][j] += left[i] * right[j];
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < TM; ++i) {
    const int row = firstRow + line + i * (BM / TM);
#pragma unroll
    for (int j = 0; j < TN; ++j) {
      const int col = firstCol + column + j * (BN / TN);
      if (row >= end || col >= n) continue;
      const float value = sum[i][j];
      y[size_t(row) * n + col] = GELU ? 0.5f * value * (1.0f + erff(value * 0.70710678f)) : value;
    }
  }
}
