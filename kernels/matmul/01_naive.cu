// Matmul, rung 01: one thread an element of C, the wrong way round.
//
// Idea: C[row][col] is a dot product of a row of A and a column of B; give each to a thread. Here neighbouring
//   threads take neighbouring rows, which reads well in mathematics.
// Traffic: 2 loads an FMA, no reuse: 2 x M x N x K elements asked for. A warp's 32 loads of A lie a row apart,
//   32 sectors of 32 bytes for 128 useful bytes; so do its stores of C. Expect about 1% of the FP32 peak.
// Launch: grid (ceil(m / block.x), ceil(n / block.y)), any block. a m x k, b k x n, c m x n, row-major.
extern "C" __global__ void matmul_01_naive(const float* a, const float* b, float* c, int m, int n, int k) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  const int col = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= m || col >= n) return;
  float sum = 0.0f;
  for (int i = 0; i < k; ++i) sum += a[size_t(row) * k + i] * b[size_t(i) * n + col];
  c[size_t(row) * n + col] = sum;
}
