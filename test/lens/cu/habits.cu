// Kernels in the style people write them, right and wrong in pairs: each wrong one has one slip in it.
#include <cooperative_groups.h>
namespace cg = cooperative_groups;

// Reduction whose last warp goes on without __syncthreads(): each step needs a __syncwarp().
template <bool Synced>
__global__ void tail_reduce(const float* x, float* y) {
  __shared__ volatile float s[128];
  int t = threadIdx.x;
  s[t] = x[blockIdx.x * blockDim.x + t];
  __syncthreads();
  for (int step = blockDim.x / 2; step > 16; step /= 2) {
    if (t < step) s[t] += s[t + step];
    __syncthreads();
  }
  if (t < 32) {
    for (int step = 16; step > 0; step /= 2) {
      float other = s[t + step];
      if (Synced) __syncwarp();
      s[t] += other;
      if (Synced) __syncwarp();
    }
  }
  if (t == 0) y[blockIdx.x] = s[0];
}

// Double buffering: the second barrier of a turn keeps the next load off the buffer still read when it is single.
template <int Buffers>
__global__ void double_buffer(const float* x, float* y, int tiles) {
  __shared__ float s[2][64];
  int t = threadIdx.x;
  float sum = 0;
  for (int tile = 0; tile < tiles; tile++) {
    float* at = s[tile % Buffers];
    at[t] = x[tile * 64 + t];
    __syncthreads();
    sum += at[63 - t];
  }
  y[t] = sum;
}

// Histogram in shared memory, then merged.
template <bool Atomic>
__global__ void shared_histogram(const int* x, int* bins, int n) {
  __shared__ int local[16];
  if (threadIdx.x < 16) local[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    if (Atomic) atomicAdd(&local[x[i] & 15], 1);
    else local[x[i] & 15]++;
  }
  __syncthreads();
  if (threadIdx.x < 16) atomicAdd(&bins[threadIdx.x], local[threadIdx.x]);
}

// The last block adds what the others left; without the fence it may read what is not there yet.
__device__ unsigned arrived;
template <bool Fenced>
__global__ void last_block(const float* x, volatile float* part, float* y) {
  __shared__ bool last;
  float mine = x[blockIdx.x * 32 + threadIdx.x];
  for (int step = 16; step > 0; step /= 2) mine += __shfl_down_sync(~0u, mine, step);
  if (threadIdx.x == 0) {
    part[blockIdx.x] = mine;
    if (Fenced) __threadfence();
    last = atomicInc(&arrived, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    if (Fenced) __threadfence();
    float sum = 0;
    for (int b = 0; b < gridDim.x; b++) sum += part[b];
    *y = sum;
  }
}

// A full-mask shuffle inside a branch only some lanes take, and with the mask of those who do.
template <bool Masked>
__global__ void branch_shuffle(const int* x, int* y) {
  int lane = threadIdx.x;
  int v = x[lane];
  unsigned who = __ballot_sync(~0u, lane < 20);
  if (lane < 20) v += __shfl_sync(who, v, Masked ? 3 : 25);
  y[lane] = v;
}

// A tile with a halo: the cells beside the block must be filled too.
template <bool Halo>
__global__ void stencil(const float* x, float* y, int n) {
  __shared__ float s[66];
  int i = blockIdx.x * 64 + threadIdx.x, t = threadIdx.x + 1;
  s[t] = x[i];
  if (Halo && threadIdx.x == 0) s[0] = i > 0 ? x[i - 1] : 0;
  if (Halo && threadIdx.x == 63) s[65] = i + 1 < n ? x[i + 1] : 0;
  __syncthreads();
  y[i] = s[t - 1] + s[t] + s[t + 1];
}

// A grid that covers n with a block too many.
template <bool Guarded>
__global__ void shift_left(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (Guarded ? i + 1 < n : i < n) y[i] = x[i + 1];
}

// Rows whose length is no multiple of four do not begin at a multiple of 16 bytes.
template <bool Aligned>
__global__ void row_copy(const float* x, float* y, int columns) {
  int row = blockIdx.x, pitch = Aligned ? (columns + 3) / 4 * 4 : columns;
  const float4* from = reinterpret_cast<const float4*>(x + row * pitch);
  float4* to = reinterpret_cast<float4*>(y + row * pitch);
  to[threadIdx.x] = from[threadIdx.x];
}

// A barrier that only part of the block comes to.
template <bool Outside>
__global__ void guarded_tile(const float* x, float* y, int n) {
  __shared__ float s[64];
  int t = threadIdx.x;
  if (t < n) {
    s[t] = x[t];
    if (!Outside) __syncthreads();
    else s[t] *= 2;
  } else if (!Outside) {
    s[t] = 0;
    __syncthreads();
  }
  if (Outside) __syncthreads();
  if (t < n) y[t] = s[n - 1 - t];
}

// A matrix transposed in place: each pair is one thread's, or both of the pair's threads swap.
template <bool Upper>
__global__ void transpose_in_place(float* x, int n) {
  int row = threadIdx.y, column = threadIdx.x;
  if (Upper ? column > row : column != row) {
    float a = x[row * n + column], b = x[column * n + row];
    x[row * n + column] = b;
    x[column * n + row] = a;
  }
}

// Blocks hand a value on by a flag: the data, a fence, the flag; and the other way round.
template <bool Fenced>
__global__ void hand_on(volatile int* flag, volatile int* data, int* y) {
  if (threadIdx.x != 0) return;
  if (blockIdx.x == 0) {
    *data = 42;
    if (Fenced) __threadfence();
    atomicExch((int*)flag, 1);
  } else {
    while (atomicAdd((int*)flag, 0) == 0) { }
    if (Fenced) __threadfence();
    y[0] = *data;
  }
}

// Warps take work from a counter; what each writes belongs to its item.
template <bool Broadcast>
__global__ void work_queue(int* next, int* done, int items) {
  int lane = threadIdx.x % 32;
  for (;;) {
    int item = 0;
    if (lane == 0) item = atomicAdd(next, 1);
    if (Broadcast) item = __shfl_sync(~0u, item, 0);
    if (item >= items) break;
    done[item * 32 + lane] = item + threadIdx.x;
    if (!Broadcast && lane != 0) break;
  }
}

// Prefix sums by doubling, in one buffer: read, barrier, write, barrier.
template <bool Both>
__global__ void scan_block(const int* x, int* y) {
  __shared__ int s[128];
  int t = threadIdx.x;
  s[t] = x[t];
  __syncthreads();
  for (int step = 1; step < 128; step *= 2) {
    int v = t >= step ? s[t - step] : 0;
    if (Both) __syncthreads();
    s[t] += v;
    __syncthreads();
  }
  y[t] = s[t];
}

// Tiles of eight threads reduce by cooperative groups; the leader writes, or everybody does.
template <bool Leader>
__global__ void tile_sum(const float* x, float* y) {
  auto tile = cg::tiled_partition<8>(cg::this_thread_block());
  float v = x[threadIdx.x];
  for (int step = 4; step > 0; step /= 2) v += tile.shfl_down(v, step);
  if (!Leader || tile.thread_rank() == 0) y[threadIdx.x / 8] = v;
}
