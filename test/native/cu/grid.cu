// Threads that wait for other threads: of their block, of other blocks, of the whole grid.
#include <cooperative_groups.h>
namespace cg = cooperative_groups;

__device__ unsigned finished = 0;

// The last block to finish adds up what all have written.
extern "C" __global__ void last_block(const float* x, volatile float* partial, float* out, int n) {
  __shared__ float sums[256];
  __shared__ bool last;
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += x[i];
  sums[threadIdx.x] = sum;
  __syncthreads();
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sums[0];
    __threadfence();
    last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    float total = 0;
    for (int i = 0; i < gridDim.x; i++) total += partial[i];
    *out = total;
  }
}

// Decoupled look-back: a block's prefix waits for the flag of the one before it.
extern "C" __global__ void look_back(const int* x, int* y, int* prefix, volatile int* ready) {
  __shared__ int scan[128];
  __shared__ int before;
  const int t = threadIdx.x, at = blockIdx.x * 128 + t;
  scan[t] = x[at];
  __syncthreads();
  for (int step = 1; step < 128; step *= 2) {
    const int add = t >= step ? scan[t - step] : 0;
    __syncthreads();
    scan[t] += add;
    __syncthreads();
  }
  if (t == 0) {
    int earlier = 0;
    if (blockIdx.x > 0) {
      while (ready[blockIdx.x - 1] == 0) { }
      __threadfence();
      earlier = reinterpret_cast<volatile int*>(prefix)[blockIdx.x - 1];
    }
    prefix[blockIdx.x] = earlier + scan[127];
    __threadfence();
    ready[blockIdx.x] = 1;
    before = earlier;
  }
  __syncthreads();
  y[at] = before + scan[t];
}

// A spin lock between the threads of a block and between blocks; the holder lets others run while it holds it.
__device__ int lock = 0;
extern "C" __global__ void spin_lock(int* count) {
  bool done = false;
  while (!done) {
    if (atomicCAS(&lock, 0, 1) == 0) {
      __threadfence();
      const int seen = *count;
      __nanosleep(10);
      *count = seen + 1;
      __threadfence();
      atomicExch(&lock, 0);
      done = true;
    }
  }
}

// The first warp waits, spinning on an atomic, for what the last thread of the block writes.
extern "C" __global__ void hand_over(int* out) {
  __shared__ int flag;
  if (threadIdx.x == 0) flag = 0;
  __syncthreads();
  if (threadIdx.x == blockDim.x - 1) {
    out[1] = 42;
    __threadfence_block();
    atomicExch(&flag, 1);
  } else if (threadIdx.x < 32) {
    while (atomicAdd(&flag, 0) == 0) { }
    out[0] = out[1];
  }
}

extern "C" __global__ void grid_steps(int* x, int* out, int steps) {
  cg::grid_group grid = cg::this_grid();
  const int n = gridDim.x * blockDim.x, t = blockIdx.x * blockDim.x + threadIdx.x;
  for (int step = 0; step < steps; step++) {
    const int* from = x + (step % 2) * n;
    int* to = x + ((step + 1) % 2) * n;
    to[t] = from[(t + 1) % n] + 1;
    grid.sync();
  }
  out[t] = x[(steps % 2) * n + t];
}
