// Matmul, rung 02: neighbouring threads take neighbouring columns.
//
// Idea: the hardware joins a warp's loads into whole sectors. With x along the columns a warp reads 32
//   neighbouring elements of B (4 sectors), one broadcast element of A, and writes 32 neighbours of C.
// Changes from 01: exchanges two indices. The same 2 loads an FMA, but 5 sectors a warp and step instead of 33:
//   about 6x. What stays is that every element is asked for again by every row and column of C.
// Launch: grid (ceil(n / block.x), ceil(m / block.y)), any block with x a multiple of 32.
extern "C" __global__ void matmul_02_coalesced(const float* a, const float* b, float* c, int m, int n, int k) {
  const int col = blockIdx.x * blockDim.x + threadIdx.x;
  const int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= m || col >= n) return;
  float sum = 0.0f;
  for (int i = 0; i < k; ++i) sum += a[size_t(row) * k + i] * b[size_t(i) * n + col];
  c[size_t(row) * n + col] = sum;
}
