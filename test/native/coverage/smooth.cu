// Covers: __constant__ arrays of one and two dimensions written from the host, a two-dimensional index into
// them, tiles with halos in shared memory and a second shared array between two passes, macros of macros.
#define REACH 3
#define TAPS (2 * REACH + 1)
#define TILE_X 32
#define TILE_Y 8
#define WITH_HALO(edge) ((edge) + 2 * REACH)

__constant__ float profile[2][TAPS];  // weights along x, weights along y
__constant__ int mirrored[1];         // beyond the border: 1 mirrors the picture, 0 takes zeros

__device__ inline int mirror(int at, int size) { return at < 0 ? -1 - at : at >= size ? 2 * size - 1 - at : at; }

/** Weights every pixel's surroundings along x and then along y, both in one block's shared memory. */
__global__ void smoothPicture(const float *picture, float *out, int width, int height) {
  __shared__ float around[WITH_HALO(TILE_Y)][WITH_HALO(TILE_X)];
  __shared__ float alongX[WITH_HALO(TILE_Y)][TILE_X];
  const int left = blockIdx.x * TILE_X - REACH, top = blockIdx.y * TILE_Y - REACH;
  const int thread = threadIdx.y * TILE_X + threadIdx.x;
  for (int i = thread; i < WITH_HALO(TILE_X) * WITH_HALO(TILE_Y); i += TILE_X * TILE_Y) {
    const int column = i % WITH_HALO(TILE_X), line = i / WITH_HALO(TILE_X);
    int x = left + column, y = top + line;
    if (mirrored[0]) x = mirror(x, width), y = mirror(y, height);
    const bool inside = 0 <= x && x < width && 0 <= y && y < height;
    around[line][column] = inside ? picture[y * width + x] : 0.0f;
  }
  __syncthreads();
  for (int line = threadIdx.y; line < WITH_HALO(TILE_Y); line += TILE_Y) {
    float sum = 0;
#pragma unroll
    for (int tap = 0; tap < TAPS; ++tap) sum += profile[0][tap] * around[line][threadIdx.x + tap];
    alongX[line][threadIdx.x] = sum;
  }
  __syncthreads();
  const int x = left + REACH + threadIdx.x, y = top + REACH + threadIdx.y;
  if (x >= width || y >= height) return;
  float sum = 0;
#pragma unroll TAPS
  for (int tap = 0; tap < TAPS; ++tap) sum = fmaf(profile[1][tap], alongX[threadIdx.y + tap][threadIdx.x], sum);
  out[y * width + x] = sum;
}
