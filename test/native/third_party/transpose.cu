// Matrix transposes: naive, through a shared tile, with the padded column, along diagonals.
#include <cooperative_groups.h>
namespace cg = cooperative_groups;

#define TILE_DIM 32
#define BLOCK_ROWS 8

__global__ void transposeNaive(float *odata, float *idata, int width, int height) {
  int xIndex = blockIdx.x * TILE_DIM + threadIdx.x;
  int yIndex = blockIdx.y * TILE_DIM + threadIdx.y;
  int index_in = xIndex + width * yIndex;
  int index_out = yIndex + height * xIndex;
  for (int i = 0; i < TILE_DIM; i += BLOCK_ROWS) odata[index_out + i] = idata[index_in + i * width];
}

template <int PAD>
__device__ void throughTile(float *odata, const float *idata, int width, int height, int bx, int by) {
  cg::thread_block cta = cg::this_thread_block();
  __shared__ float tile[TILE_DIM][TILE_DIM + PAD];
  int xIndex = bx * TILE_DIM + threadIdx.x;
  int yIndex = by * TILE_DIM + threadIdx.y;
  int index_in = xIndex + yIndex * width;
  xIndex = by * TILE_DIM + threadIdx.x;
  yIndex = bx * TILE_DIM + threadIdx.y;
  int index_out = xIndex + yIndex * height;
#pragma unroll
  for (int i = 0; i < TILE_DIM; i += BLOCK_ROWS) tile[threadIdx.y + i][threadIdx.x] = idata[index_in + i * width];
  cg::sync(cta);
#pragma unroll
  for (int i = 0; i < TILE_DIM; i += BLOCK_ROWS) odata[index_out + i * height] = tile[threadIdx.x][threadIdx.y + i];
}

__global__ void transposeCoalesced(float *odata, float *idata, int width, int height) {
  throughTile<0>(odata, idata, width, height, blockIdx.x, blockIdx.y);
}
__global__ void transposeNoBankConflicts(float *odata, float *idata, int width, int height) {
  throughTile<1>(odata, idata, width, height, blockIdx.x, blockIdx.y);
}
__global__ void transposeDiagonal(float *odata, float *idata, int width, int height) {
  int bid = blockIdx.x + gridDim.x * blockIdx.y;
  int blockIdx_y = bid % gridDim.y;
  int blockIdx_x = ((bid / gridDim.y) + blockIdx_y) % gridDim.x;
  throughTile<1>(odata, idata, width, height, blockIdx_x, blockIdx_y);
}
