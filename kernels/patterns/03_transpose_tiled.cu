// Memory access patterns, step 03: a transpose through a tile in shared memory.
//
// Idea: turn the tile where turning is cheap. Both sides of the global traffic are rows now; the column is read from
//   shared memory.
// Changes from 02: stores fall from 32 sectors a request to 4. But the 32 floats of a tile's column all lie in one
//   bank, so that each shared load takes 32 wavefronts instead of one.
// Launch: grid (ceil(cols / 32), ceil(rows / 32)), block (32, 8). No dynamic shared memory.
extern "C" __global__ void patterns_03_transpose_tiled(const float* x, float* y, int rows, int cols) {
  __shared__ float tile[32][32];
  const int fromCol = blockIdx.x * 32 + threadIdx.x, toCol = blockIdx.y * 32 + threadIdx.x;
  for (int step = threadIdx.y; step < 32; step += 8) {
    const int row = blockIdx.y * 32 + step;
    if (row < rows && fromCol < cols) tile[step][threadIdx.x] = x[size_t(row) * cols + fromCol];
  }
  __syncthreads();
  for (int step = threadIdx.y; step < 32; step += 8) {
    const int row = blockIdx.x * 32 + step;
    if (row < cols && toCol < rows) y[size_t(row) * rows + toCol] = tile[threadIdx.x][step];
  }
}
