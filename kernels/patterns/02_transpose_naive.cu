// Memory access patterns, step 02: a transpose that reads rows and writes columns.
//
// Idea: y[c][r] = x[r][c], written down. A warp reads 32 neighbours in a row, and writes them `rows` floats apart.
// Traffic: reads 4 sectors a request, writes 32: the stores move 8 times the bytes they need.
// Launch: grid (ceil(cols / 32), ceil(rows / 32)), block (32, 8): a block has a tile of 32 x 32.
extern "C" __global__ void patterns_02_transpose_naive(const float* x, float* y, int rows, int cols) {
  const int col = blockIdx.x * 32 + threadIdx.x;
  for (int step = threadIdx.y; step < 32; step += 8) {
    const int row = blockIdx.y * 32 + step;
    if (row < rows && col < cols) y[size_t(col) * rows + row] = x[size_t(row) * cols + col];
  }
}
