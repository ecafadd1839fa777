// Covers: two-dimensional shared arrays in a function template, one for each type and padding, vector types of 4 to
// 16 bytes as elements, a function object chosen by template that moves blocks about.
#include <cooperative_groups.h>
namespace cg = cooperative_groups;

constexpr int EDGE = 32, LINES = 8;

struct AsLaunched {
  __device__ static int2 block() { return {int(blockIdx.x), int(blockIdx.y)}; }
};

/** Neighbouring blocks take tiles of different rows, as a chessboard's bishop moves. */
struct Bishop {
  __device__ static int2 block() {
    return make_int2(blockIdx.x, (blockIdx.x + blockIdx.y) % gridDim.y);
  }
};

/** Turns one tile of a height x width picture by 90 degrees clockwise: (x, y) goes to (height - 1 - y, x). */
template <class T, int PAD>
__device__ void turnTile(const T *from, T *to, int width, int height, int2 tile) {
  __shared__ T cells[EDGE][EDGE + PAD];
  const auto block = cg::this_thread_block();
#pragma unroll
  for (int line = threadIdx.y; line < EDGE; line += LINES) {
    const int x = tile.x * EDGE + threadIdx.x, y = tile.y * EDGE + line;
    if (x < width && y < height) cells[line][threadIdx.x] = from[y * width + x];
  }
  block.sync();
#pragma unroll
  for (int line = threadIdx.y; line < EDGE; line += LINES) {
    const int x = tile.x * EDGE + line, y = tile.y * EDGE + EDGE - 1 - threadIdx.x;
    if (x < width && y < height) to[x * height + height - 1 - y] = cells[EDGE - 1 - threadIdx.x][line];
  }
}

template <class T, int PAD, class Order>
__global__ void turnClockwise(const T *from, T *to, int width, int height) {
  turnTile<T, PAD>(from, to, width, height, Order::block());
}

/** Without shared memory, a thread a pixel. */
__global__ void turnDirectly(const float *from, float *to, int width, int height) {
  const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x < width && y < height) to[(x + 1) * height - 1 - y] = from[y * width + x];
}
