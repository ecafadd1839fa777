// Kernels with one mistake each that is no race. A line that must be named carries "// HERE".

__global__ void past_end(float* x, int n) {
  const int i = threadIdx.x;
  if (i <= n) x[i] = i;  // HERE
}
__global__ void past_end_good(float* x, int n) {
  const int i = threadIdx.x;
  if (i < n) x[i] = i;
}

__global__ void read_far(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x + (1LL << 42)];  // HERE
}

__global__ void tell(const float* x, long long* at) { *at = reinterpret_cast<long long>(x); }
__global__ void poke(long long at, float* y) {
  y[0] = 3;
  y[1] = *reinterpret_cast<float*>(at);  // HERE
}

__global__ void misaligned(const float* x, float* y, int shift) {
  const float4 v = *reinterpret_cast<const float4*>(x + 4 * threadIdx.x + shift);  // HERE
  y[threadIdx.x] = v.x + v.y + v.z + v.w;
}

__global__ void unwritten(float* y, int written) {
  __shared__ float tile[64];
  if (threadIdx.x < written) tile[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x];  // HERE
}

__global__ void unwritten_global(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x];  // HERE
}

__global__ void divergent(int* x, int split) {
  __shared__ int seen[64];
  seen[threadIdx.x] = 0;
  if (threadIdx.x < split) {
    __syncthreads();  // HERE
  } else {
    x[threadIdx.x] = 1;
    __syncthreads();  // HERE
  }
}

__global__ void leaves_early(int* x, int n) {
  if (threadIdx.x >= n) return;
  x[threadIdx.x] = 1;
  __syncthreads();  // HERE
  x[threadIdx.x] += 1;
}

__global__ void shuffle_bad(const int* x, int* y) {
  int v = x[threadIdx.x];
  if (threadIdx.x < 16) v += __shfl_down_sync(0x0000ffff, v, 8);  // HERE
  y[threadIdx.x] = v;
}
__global__ void shuffle_good(const int* x, int* y) {
  int v = x[threadIdx.x];
  if (threadIdx.x < 16) v += __shfl_down_sync(0x0000ffff, v, 8, 16);
  y[threadIdx.x] = v;
}

__global__ void overflow(float* x, int rows, int columns) {
  const int i = rows * columns + threadIdx.x % 2;  // HERE
  if (i >= 0 && i < 2) x[i] = 1;
}

__global__ void bad_index(float* y, int column) {
  __shared__ float tile[8][32];
  const int row = threadIdx.x / 32;
  tile[row][threadIdx.x % 32] = 1;
  __syncthreads();
  y[threadIdx.x] = tile[row][column + threadIdx.x % 32];  // HERE
}

__global__ void stuck(int* x) {
  if (threadIdx.x < 16) {
    __syncwarp();  // HERE
  } else {
    __syncthreads();  // HERE
  }
  x[threadIdx.x] = 1;
}

__global__ void endless(volatile int* x) {
  while (x[0] == 0) {  // HERE
  }
}

__global__ void neighbour(float* x, const float* y, int n) {
  x[n + int(threadIdx.x)] = y[threadIdx.x];  // HERE
}

__global__ void wrapped(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x - 1];  // HERE
}
__global__ void wrapped_good(const float* x, float* y) {
  const float* last = x + 31;
  y[threadIdx.x] = last[size_t(threadIdx.x) - 31];
}
