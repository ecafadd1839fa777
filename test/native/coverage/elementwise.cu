// Covers: a bound on the last block, grid-stride loops with __restrict__, uchar4 and int2 over two-dimensional grids.
#include <cuda_runtime.h>

/** Distance of the points (x[i], y[i]) from the origin. */
__global__ void distances(const float *x, const float *y, float *out, int n) {
  const int i = threadIdx.x + blockIdx.x * blockDim.x;
  if (i < n) out[i] = hypotf(x[i], y[i]);
}

/** Moves values towards zero by `step`, but never past it. */
__global__ void shrink(float *__restrict__ values, float step, int n) {
  const int threads = gridDim.x * blockDim.x;
  for (int i = threadIdx.x + blockIdx.x * blockDim.x; i < n; i += threads)
    values[i] = copysignf(fmaxf(fabsf(values[i]) - step, 0.0f), values[i]);
}

/** How colourful each pixel is: its largest channel less its smallest, through its alpha of 0 to 255. */
__global__ void colourfulness(const uchar4 *const pixels, unsigned char *const out, int width, int height) {
  const int2 at = make_int2(threadIdx.x + blockIdx.x * blockDim.x, threadIdx.y + blockIdx.y * blockDim.y);
  if (at.x < width && at.y < height) {
    const uchar4 p = pixels[at.y * width + at.x];
    const int range = max(max(p.x, p.y), (int)p.z) - min(min(p.x, p.y), (int)p.z);
    out[at.y * width + at.x] = (unsigned char)(range * p.w / 255);
  }
}
