// What one warp does: stmatrix, packed conversions, exp2, the elected lane.
#include "elect.cuh"
#include "fast_math.cuh"
#include "mma.cuh"
#include "stmatrix.cuh"

// Stores registers that hold lane * 8 + register (low half) and that + 4 (high half); shows the tile of 32 rows of 8.
template <int Matrices, bool Trans>
__global__ void store_matrices(int* out) {
  __shared__ alignas(16) unsigned short tile[32][8];
  const int lane = threadIdx.x;
  for (int c = 0; c < 8; ++c) tile[lane][c] = 0xffff;
  __syncwarp();
  unsigned d[Matrices];
  for (int i = 0; i < Matrices; ++i) d[i] = (lane * 8 + i) | (lane * 8 + i + 4) << 16;
  if (Trans) {
    lab::stmatrixTrans(tile[lane], d);
  } else {
    lab::stmatrix(tile[lane], d);
  }
  __syncwarp();
  for (int c = 0; c < 8; ++c) out[lane * 8 + c] = tile[lane][c];
}

__global__ void exponentials(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = lab::exp2Approx(x[i]);
}

template <typename T>
__global__ void pack(const float* x, unsigned* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = lab::packFloats<T>(x[2 * i], x[2 * i + 1]);
}

__global__ void elected(int* out) {
  if (lab::electOne()) atomicAdd(out, 1);
}
