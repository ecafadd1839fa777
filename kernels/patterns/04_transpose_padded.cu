// Memory access patterns, step 04: a transpose through a padded tile.
//
// Idea: one float of padding a row. Then neighbours of a column lie 33 floats apart, each in the next bank.
// Changes from 03: a shared load takes 1 wavefront instead of 32; 128 bytes more of shared memory.
// Launch: grid (ceil(cols / 32), ceil(rows / 32)), block (32, 8). No dynamic shared memory.
extern "C" __global__ void patterns_04_transpose_padded(const float* x, float* y, int rows, int cols) {
  __shared__ float tile[32][33];
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
