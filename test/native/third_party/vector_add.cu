// The first kernel of every course, then the grid-stride loop and vector types over two-dimensional grids.
#include <cuda_runtime.h>

__global__ void vectorAdd(const float *A, const float *B, float *C, int numElements) {
  int i = blockDim.x * blockIdx.x + threadIdx.x;

  if (i < numElements) {
    C[i] = A[i] + B[i] + 0.0f;
  }
}

__global__ void saxpyStride(int n, float a, float *__restrict__ x, float *__restrict__ y) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) y[i] = a * x[i] + y[i];
}

// Luminance of an image of uchar4, one pixel a thread of a 2D grid.
__global__ void rgbaToGrey(const uchar4 *const rgba, unsigned char *const grey, int rows, int cols) {
  const int2 p = make_int2(blockIdx.x * blockDim.x + threadIdx.x, blockIdx.y * blockDim.y + threadIdx.y);
  if (p.x >= cols || p.y >= rows) return;
  const uchar4 c = rgba[p.y * cols + p.x];
  grey[p.y * cols + p.x] = (unsigned char)(.299f * c.x + .587f * c.y + .114f * c.z);
}
