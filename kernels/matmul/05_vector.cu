// Matmul, rung 05: 16-byte loads on both sides, the tile of A transposed.
//
// Idea: one instruction can move four floats. B's tile is read along its rows anyway; A's tile is stored
//   transposed (depth-major), so that the TM rows a thread needs at one depth lie side by side too.
// Changes from 04: the same bytes in a quarter of the load instructions, from global and from shared memory: at
//   8 x 8 four shared loads for 64 FMAs. Worth 1.3x to 1.5x: the issue slots go to the FMAs.
// Launch: grid (ceil(n / BN), ceil(m / BM)), block (BM / TM) * (BN / TN) threads. TM, TN, BK multiples of 4; BM a
//   multiple of TM, BN of TN. Shared memory (BM + 4 + BN) x BK x 4 bytes. Rows that are no multiple of 4 long,
//   and edges, are read element by element.

// Four neighbours of a row of `cols`, zero outside; `inside` says whether the row exists at all.
__device__ float4 loadFour(const float* row, int col, int cols, bool inside) {
  if (!inside || col >= cols) return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  if (cols % 4 == 0) return *reinterpret_cast<const float4*>(row + col);
  return make_float4(row[col], col + 1 < cols ? row[col + 1] : 0.0f, col + 2 < cols ? row[col + 2] : 0.0f,
                     col + 3 < cols ? row[col + 3] : 0.0f);
}

__device__ void storeFour(float* row, int col, int cols, const float* value) {
  if (cols % 4 == 0) {
    if (col < cols) *reinterpret_cast<float4*>(row + col) = *reinterpret_cast<const float4*>(value);
    return;
  }
  for (int i = 0; i < 4; ++i)
    if (col + i < cols) row[col + i] = value[i];
}

template <int BM, int BN, int BK, int TM, int TN>
__global__ void __launch_bounds__((BM / TM) * (BN / TN))
    matmul_05_vector(const float* a, const float* b, float* c, int m, int n, int k) {
  constexpr int kThreads = (BM / TM) * (BN / TN), kColumns = BN / TN, kRows = BM / TM;
  __shared__ alignas(16) float tileA[BK][BM + 4];  // 4 more: the transposing stores spread over the banks
  __shared__ alignas(16) float tileB[BK][BN];
  const int thread = threadIdx.x;
  const int firstRow = blockIdx.y * BM, firstCol = blockIdx.x * BN;
  const int x = thread % kColumns, y = thread / kColumns;

  alignas(16) float sum[TM][TN] = {};
  for (int at = 0; at < k; at += BK) {
    for (int i = thread; i < BM * BK / 4; i += kThreads) {
      const int row = i / (BK / 4), depth = i % (BK / 4) * 4;
      const float4 four = loadFour(a + size_t(firstRow + row) * k, at + depth, k, firstRow + row < m);
      tileA[depth][row] = four.x;
      tileA[depth + 1][row] = four.y;
      tileA[depth + 2][row] = four.z;
      tileA[depth + 3][row] = four.w;
    }
    for (int i = thread; i < BK * BN / 4; i += kThreads) {
      const int depth = i / (BN / 4), col = i % (BN / 4) * 4;
      *reinterpret_cast<float4*>(&tileB[depth][col]) =
          loadFour(b + size_t(at + depth) * n, firstCol + col, n, at + depth < k);
    }
    __syncthreads();
#pragma unroll
    for (int d = 0; d < BK; ++d) {
      alignas(16) float left[TM], right[TN];
#pragma unroll
      for (int i = 0; i < TM; i += 4)
        *reinterpret_cast<float4*>(left + i) = *reinterpret_cast<float4*>(&tileA[d][y * 4 + i * kRows]);
#pragma unroll
      for (int j = 0; j < TN; j += 4)
        *reinterpret_cast<float4*>(right + j) = *reinterpret_cast<float4*>(&tileB[d][x * 4 + j * kColumns]);
#pragma unroll
      for (int i = 0; i < TM; ++i)
#pragma unroll
        for (int j = 0; j < TN; ++j) sum[i][j] += left[i] * right[j];
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < TM; ++i) {
    const int row = firstRow + y * 4 + i / 4 * 4 * kRows + i % 4;
    if (row >= m) continue;
#pragma unroll
    for (int j = 0; j < TN; j += 4)
      storeFour(c + size_t(row) * n, firstCol + x * 4 + j * kColumns, n, &sum[i][j]);
  }
}
