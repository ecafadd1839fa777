// Matmul, rung 03: tiles in shared memory.
//
// Idea: a block computes a TILE x TILE piece of C and walks along K: it loads one tile of A and one of B into
//   shared memory, and each element loaded serves TILE threads.
// Changes from 02: global loads fall TILE-fold, 2 x M x N x K / TILE elements. Each FMA still needs 2 loads, now
//   from shared memory: 32 lanes x 4 bytes a cycle and multiprocessor feed at most half of the FMA units... in
//   practice about 15% of peak, perhaps 1.5x rung 02, which already had help from L1.
// Launch: grid (ceil(n / TILE), ceil(m / TILE)), block (TILE, TILE), TILE <= 32.
template <int TILE>
__global__ void matmul_03_shared(const float* a, const float* b, float* c, int m, int n, int k) {
  __shared__ float tileA[TILE][TILE], tileB[TILE][TILE];
  const int x = threadIdx.x, y = threadIdx.y;
  const int row = blockIdx.y * TILE + y, col = blockIdx.x * TILE + x;

  float sum = 0.0f;
  for (int at = 0; at < k; at += TILE) {
    tileA[y][x] = row < m && at + x < k ? a[size_t(row) * k + at + x] : 0.0f;
    tileB[y][x] = at + y < k && col < n ? b[size_t(at + y) * n + col] : 0.0f;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < TILE; ++i) sum += tileA[y][i] * tileB[i][x];
    __syncthreads();  // nobody overwrites a tile that is still being read
  }
  if (row < m && col < n) c[size_t(row) * n + col] = sum;
}
