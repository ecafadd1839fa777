// Matmul, rung 04: a thread computes TM x TN elements in registers.
//
// Idea: with TM values of A and TN of B in registers a thread does TM x TN FMAs: an outer product. Loads from
//   shared memory fall from 2 an FMA to (TM + TN) / (TM x TN): at 8 x 8 to 1/4.
// Changes from 03: an eighth of the shared-memory traffic, and blocks of 128 x 128 instead of 32 x 32: a quarter
//   of the global traffic, 2 x M x N x K / 128 elements. Worth 3x to 4x.
// Launch: grid (ceil(n / BN), ceil(m / BM)), block (BM / TM) * (BN / TN) threads. BM a multiple of TM, BN of TN.
//   Shared memory (BM + BN) x BK x 4 bytes.
template <int BM, int BN, int BK, int TM, int TN>
__global__ void __launch_bounds__((BM / TM) * (BN / TN))
    matmul_04_register(const float* a, const float* b, float* c, int m, int n, int k) {
  constexpr int kThreads = (BM / TM) * (BN / TN);
  __shared__ float tileA[BM][BK], tileB[BK][BN];
  const int thread = threadIdx.x;
  const int firstRow = blockIdx.y * BM, firstCol = blockIdx.x * BN;
  const int x = thread % (BN / TN), y = thread / (BN / TN);

  float sum[TM][TN] = {};
  for (int at = 0; at < k; at += BK) {
    for (int i = thread; i < BM * BK; i += kThreads) {
      const int row = firstRow + i / BK, depth = at + i % BK;
      tileA[i / BK][i % BK] = row < m && depth < k ? a[size_t(row) * k + depth] : 0.0f;
    }
    for (int i = thread; i < BK * BN; i += kThreads) {
      const int depth = at + i / BN, col = firstCol + i % BN;
      tileB[i / BN][i % BN] = depth < k && col < n ? b[size_t(depth) * n + col] : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int d = 0; d < BK; ++d) {
      float left[TM], right[TN];
      // Strided by the thread grid and not by TN, so that neighbouring threads read neighbouring banks.
#pragma unroll
      for (int i = 0; i < TM; ++i) left[i] = tileA[y + i * (BM / TM)][d];
#pragma unroll
      for (int j = 0; j < TN; ++j) right[j] = tileB[d][x + j * (BN / TN)];
#pragma unroll
      for (int i = 0; i < TM; ++i)
#pragma unroll
        for (int j = 0; j < TN; ++j) sum[i][j] += left[i] * right[j];
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < TM; ++i) {
#pragma unroll
    for (int j = 0; j < TN; ++j) {
      const int row = firstRow + y + i * (BM / TM), col = firstCol + x + j * (BN / TN);
      if (row < m && col < n) c[size_t(row) * n + col] = sum[i][j];
    }
  }
}
