// Softmax, rung 01: three passes over the row, one thread a row.
//
// Idea: write the formula down. y = exp(x - max) / sum(exp(x - max)), and the maximum is taken out so that
//   nothing overflows. One pass finds the maximum, one adds up the exponentials, one writes.
// Traffic: 3 reads + 1 write of the matrix = 4 x rows x cols elements. Worse, neighbouring threads read
//   addresses a whole row apart: each 4-byte read drags in a 32-byte sector, of which the next iterations
//   use the rest only if it is still in cache. Expect a few per cent of the copy bandwidth.
// Launch: grid ceil(rows / block), any one-dimensional block. x and y are rows x cols, row-major.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

template <typename T>
__global__ void softmax_01_naive(const T* x, T* y, int rows, int cols) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  x += size_t(row) * cols;
  y += size_t(row) * cols;

  float maximum = -3.402823466e38f;
  for (int i = 0; i < cols; ++i) maximum = fmaxf(maximum, float(x[i]));
  float sum = 0.0f;
  for (int i = 0; i < cols; ++i) sum += expf(float(x[i]) - maximum);
  const float scale = 1.0f / sum;
  for (int i = 0; i < cols; ++i) y[i] = T(expf(float(x[i]) - maximum) * scale);
}
