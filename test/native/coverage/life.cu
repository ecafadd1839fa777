// Conway's Life on a torus: a 2D block with its halo in shared memory, and one with a bit a cell and __ballot_sync.
#define BLOCK_X 32
#define BLOCK_Y 8

__global__ void lifeShared(const unsigned char *in, unsigned char *out, int width, int height) {
  __shared__ unsigned char cells[BLOCK_Y + 2][BLOCK_X + 2];
  const int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;
  for (int j = threadIdx.y; j < BLOCK_Y + 2; j += BLOCK_Y)
    for (int i = threadIdx.x; i < BLOCK_X + 2; i += BLOCK_X) {
      const int gx = (blockIdx.x * BLOCK_X + i - 1 + width) % width;
      const int gy = (blockIdx.y * BLOCK_Y + j - 1 + height) % height;
      cells[j][i] = in[gy * width + gx];
    }
  __syncthreads();
  if (x >= width || y >= height) return;
  int neighbours = 0;
#pragma unroll
  for (int dy = 0; dy <= 2; ++dy)
#pragma unroll
    for (int dx = 0; dx <= 2; ++dx) neighbours += cells[threadIdx.y + dy][threadIdx.x + dx];
  const int self = cells[threadIdx.y + 1][threadIdx.x + 1];
  neighbours -= self;
  out[y * width + x] = neighbours == 3 || (self && neighbours == 2);
}

// Packs rows of 32 cells into words and counts the living of the board.
__global__ void packAndCount(const unsigned char *cells, unsigned int *words, int *alive, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const unsigned int word = __ballot_sync(0xffffffff, i < n && cells[i]);
  if ((threadIdx.x & 31) == 0 && i < n) words[i / 32] = word;
  const int inBlock = __syncthreads_count(i < n && cells[i]);
  if (threadIdx.x == 0) atomicAdd(alive, inBlock);
}
