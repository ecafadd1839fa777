// Each kernel ends in _bad or _good: the second is the first, mended. A line that must be named carries "// HERE".
#include <cooperative_groups.h>
#include <cuda/atomic>
#include <cuda_pipeline.h>

constexpr int kTile = 64;

__global__ void reverse_bad(const float* x, float* y) {
  __shared__ float tile[kTile];
  tile[threadIdx.x] = x[threadIdx.x];  // HERE
  y[threadIdx.x] = tile[kTile - 1 - threadIdx.x];  // HERE
}

__global__ void reverse_good(const float* x, float* y) {
  __shared__ float tile[kTile];
  tile[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = tile[kTile - 1 - threadIdx.x];
}

// The classic warp-synchronous reduction: lockstep was never promised, and is not since Volta.
__global__ void warp_sum_bad(const int* x, int* y) {
  __shared__ int part[32];
  const int lane = threadIdx.x;
  part[lane] = x[lane];
  __syncwarp();
  for (int step = 16; step > 0; step /= 2) {
    const int other = lane < step ? part[lane + step] : 0;  // HERE
    part[lane] += other;  // HERE
  }
  if (lane == 0) y[0] = part[0];
}

__global__ void warp_sum_good(const int* x, int* y) {
  __shared__ int part[32];
  const int lane = threadIdx.x;
  part[lane] = x[lane];
  __syncwarp();
  for (int step = 16; step > 0; step /= 2) {
    const int other = lane < step ? part[lane + step] : 0;
    __syncwarp();
    part[lane] += other;
    __syncwarp();
  }
  if (lane == 0) y[0] = part[0];
}

// Every block adds up into its neighbour's cell too.
__global__ void spill_bad(float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = 1;  // HERE
  if (i > 0 && threadIdx.x == 0) y[i - 1] = 2;  // HERE
}

__global__ void spill_good(float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = threadIdx.x + 1 == blockDim.x ? 2 : 1;
}

__global__ void histogram_bad(const int* x, int* bins, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) bins[x[i]] += 1;  // HERE
}

__global__ void histogram_good(const int* x, int* bins, int n) {
  __shared__ int own[16];
  if (threadIdx.x < 16) own[threadIdx.x] = 0;
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) atomicAdd(&own[x[i]], 1);
  __syncthreads();
  if (threadIdx.x < 16) atomicAdd(&bins[threadIdx.x], own[threadIdx.x]);
}

// The last block to finish adds up what all blocks left.
template <bool Fenced>
__device__ void last_block(const float* x, float* part, unsigned* done, float* y) {
  __shared__ bool last;
  float sum = x[blockIdx.x * blockDim.x + threadIdx.x];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffff, sum, step);
  if (threadIdx.x == 0) {
    part[blockIdx.x] = sum;  // HERE
    if (Fenced) __threadfence();
    last = atomicAdd(done, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (last) {
    float all = threadIdx.x < gridDim.x ? part[threadIdx.x] : 0;  // HERE
    for (int step = 16; step > 0; step /= 2) all += __shfl_down_sync(0xffffffff, all, step);
    if (threadIdx.x == 0) *y = all;
  }
}
__global__ void last_block_bad(const float* x, float* part, unsigned* done, float* y) {
  last_block<false>(x, part, done, y);
}
__global__ void last_block_good(const float* x, float* part, unsigned* done, float* y) {
  last_block<true>(x, part, done, y);
}
// Every thread leaves a value and fences it; one counts, after the barrier.
__global__ void last_block_each_good(const float* x, float* part, unsigned* done, float* y) {
  __shared__ bool last;
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  part[i] = 2 * x[i];
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicAdd(done, 1u) == gridDim.x - 1;
  __syncthreads();
  if (last && threadIdx.x == 0) {
    float all = 0;
    for (int j = 0; j < gridDim.x * blockDim.x; j++) all += part[j];
    *y = all;
  }
}
// The same by the order of the atomic itself.
__global__ void last_block_ordered_good(const float* x, float* part, unsigned* done, float* y) {
  if (threadIdx.x != 0) return;
  part[blockIdx.x] = x[blockIdx.x];
  cuda::atomic_ref<unsigned, cuda::thread_scope_device> count(*done);
  if (count.fetch_add(1, cuda::memory_order_acq_rel) == gridDim.x - 1) {
    float all = 0;
    for (int j = 0; j < gridDim.x; j++) all += part[j];
    *y = all;
  }
}

// Two buffers in turn: what was computed with must not be overwritten while a neighbour still reads it.
__global__ void pipeline_bad(const float* x, float* y, int tiles) {
  __shared__ float buffer[2][kTile];
  const int t = threadIdx.x;
  __pipeline_memcpy_async(&buffer[0][t], &x[t], 4);
  __pipeline_commit();
  float sum = 0;
  for (int i = 0; i < tiles; i++) {
    if (i + 1 < tiles) {
      __pipeline_memcpy_async(&buffer[(i + 1) % 2][t], &x[(i + 1) * kTile + t], 4);  // HERE
      __pipeline_commit();
      __pipeline_wait_prior(1);
    } else {
      __pipeline_wait_prior(0);
    }
    __syncthreads();
    sum += buffer[i % 2][(t + 1) % kTile];  // HERE
  }
  y[t] = sum;
}

__global__ void pipeline_good(const float* x, float* y, int tiles) {
  __shared__ float buffer[2][kTile];
  const int t = threadIdx.x;
  __pipeline_memcpy_async(&buffer[0][t], &x[t], 4);
  __pipeline_commit();
  float sum = 0;
  for (int i = 0; i < tiles; i++) {
    if (i + 1 < tiles) {
      __pipeline_memcpy_async(&buffer[(i + 1) % 2][t], &x[(i + 1) * kTile + t], 4);
      __pipeline_commit();
      __pipeline_wait_prior(1);
    } else {
      __pipeline_wait_prior(0);
    }
    __syncthreads();
    sum += buffer[i % 2][(t + 1) % kTile];
    __syncthreads();
  }
  y[t] = sum;
}

// What is read before the wait is not there yet, the thread's own copy included.
__global__ void unwaited_bad(const float* x, float* y) {
  __shared__ float tile[kTile];
  tile[threadIdx.x] = 0;
  __pipeline_memcpy_async(&tile[threadIdx.x], &x[threadIdx.x], 4);  // HERE
  __pipeline_commit();
  y[threadIdx.x] = tile[threadIdx.x];  // HERE
  __pipeline_wait_prior(0);
}

__global__ void unwaited_good(const float* x, float* y) {
  __shared__ float tile[kTile];
  tile[threadIdx.x] = 0;
  __pipeline_memcpy_async(&tile[threadIdx.x], &x[threadIdx.x], 4);
  __pipeline_commit();
  __pipeline_wait_prior(0);
  y[threadIdx.x] = tile[threadIdx.x];
}

// Two halves of the block meet at a barrier of their own: 1 orders warp 0 and 1, not 2 and 3.
__global__ void named_bad(int* y) {
  __shared__ int left[128];
  left[threadIdx.x] = threadIdx.x;  // HERE
  lab_simt::barrier(1 + threadIdx.x / 64, 64);
  y[threadIdx.x] = left[(threadIdx.x + 32) % 128];  // HERE
}

__global__ void named_good(int* y) {
  __shared__ int left[128];
  left[threadIdx.x] = threadIdx.x;
  lab_simt::barrier(1 + threadIdx.x / 64, 64);
  y[threadIdx.x] = left[threadIdx.x ^ 32];
}

__global__ void grid_good(float* x, float* y) {
  const auto grid = cooperative_groups::this_grid();
  const unsigned i = grid.thread_rank(), n = grid.size();
  x[i] = i;
  grid.sync();
  y[i] = x[n - 1 - i];
}

__global__ void grid_bad(float* x, float* y) {
  const auto grid = cooperative_groups::this_grid();
  const unsigned i = grid.thread_rank(), n = grid.size();
  x[i] = i;  // HERE
  __syncthreads();
  y[i] = x[n - 1 - i];  // HERE
}

// A lock of spinning threads, one a block.
__global__ void lock_good(int* lock, int* total) {
  if (threadIdx.x != 0) return;
  while (atomicCAS(lock, 0, 1) != 0) {
  }
  __threadfence();
  *total += 1;
  __threadfence();
  atomicExch(lock, 0);
}

__global__ void lock_bad(int* lock, int* total) {
  if (threadIdx.x != 0) return;
  while (atomicCAS(lock, 0, 1) != 0) {
  }
  *total += 1;  // HERE
  atomicExch(lock, 0);
}

// All write the same: it is a race, and an innocent one.
__global__ void same_value(int* flag) { *flag = 1; }
