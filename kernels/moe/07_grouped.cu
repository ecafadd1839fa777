// MoE, step 07: the experts' matmuls in one launch, a grouped kernel.
//
// Idea: number the tiles of all experts through. A block walks the experts' prefix sums until it finds whose tile
//   it has; the rest is step 06. The grid is sized for the worst case, ceil(rows / BM) + experts tiles of rows:
//   blocks beyond the last tile leave at once, so that the host needs no counts.
// Changes from 06: the same FLOPs and bytes; no synchronisation, one launch instead of E, and no tail an expert:
//   the GPU runs full until the last tile of all. Worth most with few rows an expert or an uneven router.
// Launch: grid (ceil(n / BN), ceil(rows / BM) + experts), block (BM / TM) * (BN / TN). w is experts x k x n.
template <int BM, int BN, int BK, int TM, int TN, bool GELU>
__global__ void __launch_bounds__((BM / TM) * (BN / TN))
    moe_07_grouped(const float* x, const float* w, float* y, const int* start, int experts, int n, int k) {
  constexpr int kThreads = (BM / TM) * (BN / TN);
  __shared__ float tileX[BM][BK + 1], tileW[BK][BN];

  int tile = blockIdx.y, expert = 0, first = start[0], end = 0;
  for (; expert < experts; ++expert) {
    end = start[expert + 1];
    const int tiles = (end - first + BM - 1) / BM;
    if (tile < tiles) break;
    tile -= tiles;
    first = end;
  }
  if (expert == experts) return;  // past the last tile; the whole block leaves together

  const int firstRow = first + tile * BM, firstCol = blockIdx.x * BN;
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
