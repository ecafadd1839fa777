// Blocks, their shared memory and barriers, and the variables of a module.
__constant__ float weights[4];
__device__ int counter = 5;
namespace ns {
__device__ double table[3] = {1.0, 2.0, 3.0};
}
static __constant__ int folded = 7;  // written by the host: the compiler must not believe the initial value

extern __shared__ float dynamic_at_namespace[];

extern "C" __global__ void indices(int* out) {
  const int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  uint3 t = threadIdx;
  dim3 b = blockDim;
  const int volume = b.x * b.y * b.z;
  out[block * volume + thread] = block * 10000 + t.z * 100 + t.y * 10 + t.x;
}

template <typename T, int N>
__global__ void reversed(const T* x, T* y) {
  __shared__ T tile[N];
  __shared__ alignas(16) int spare[4];
  tile[threadIdx.x] = x[blockIdx.x * N + threadIdx.x];
  if (threadIdx.x < 4) spare[threadIdx.x] = threadIdx.x;
  __syncthreads();
  y[blockIdx.x * N + threadIdx.x] = tile[N - 1 - threadIdx.x] + T(spare[3] - 3);
}

extern "C" __global__ void dynamic(const float* x, float* y, int n) {
  extern __shared__ __align__(16) unsigned char bytes[];
  float* values = reinterpret_cast<float*>(bytes);
  values[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = values[(threadIdx.x + 1) % n] + dynamic_at_namespace[threadIdx.x] + (reinterpret_cast<size_t>(bytes) % 16);
}

extern "C" __global__ void rows(float* y) {
  extern __shared__ float tile[][33];
  tile[threadIdx.y][threadIdx.x] = threadIdx.y * 100 + threadIdx.x;
  __syncthreads();
  y[threadIdx.y * 32 + threadIdx.x] = tile[threadIdx.x][threadIdx.y];
}

extern "C" __global__ void counting(int* out) {
  const int t = threadIdx.x;
  out[t] = __syncthreads_count(t % 3 == 0);
  out[blockDim.x + t] = __syncthreads_and(t < 1000) * 10 + __syncthreads_and(t != 17);
  out[2 * blockDim.x + t] = __syncthreads_or(t == 50) * 10 + __syncthreads_or(0);
}

// Threads that have exited count as arrived at the barrier.
extern "C" __global__ void leaving(int* out) {
  __shared__ int sum;
  if (threadIdx.x == 0) sum = 0;
  __syncthreads();
  if (threadIdx.x >= 40) return;
  atomicAdd(&sum, 1);
  __syncthreads();
  out[threadIdx.x] = sum;
}

extern "C" __global__ void variables(float* out) {
  out[threadIdx.x] = weights[threadIdx.x] * counter + ns::table[1] + folded;
  __syncthreads();
  if (threadIdx.x == 0) counter += 1;
}

#define THREADS 64
template <int N>
__global__ void __launch_bounds__(N * 2, 1) bounded(int* x) { x[threadIdx.x] = N; }
extern "C" __global__ __launch_bounds__(THREADS) void bounded_plain(int* x) { x[threadIdx.x] = 1; }

struct Pair { char tag; double value; short2 both; };
extern "C" __global__ void structs(const __grid_constant__ Pair p, char c, double* out, bool flag) {
  out[0] = p.tag + p.value + p.both.x + p.both.y + c + (flag ? 0.5 : 0.25);
}

__device__ __noinline__ float helper(float x) { return x * 2; }
__device__ __forceinline__ float helper2(float x) { return helper(x) + 1; }
extern "C" __global__ void unrolled(const float* __restrict__ x, float* __restrict__ y) {
  float sum = 0;
#pragma unroll 4
  for (int i = 0; i < 8; i++) sum += helper2(__ldg(x + i));
  *y = sum;
}

extern "C" __global__ void speaking(float x) {
  if (threadIdx.x < 2) printf("t%u of %d: %.2f %s %5lld%%\n", threadIdx.x, int(blockDim.x), x, "text", 123LL);
}

extern "C" __global__ void clocks(long long* out) {
  long long a = clock64();
  __nanosleep(100);
  long long b = clock64();
  out[0] = b > a;
  out[1] = clock() != 0;
}

extern "C" __global__ void spaces(int* out) {
  __shared__ int fixed[3];
  extern __shared__ int moving[];
  int own = 0;
  asm volatile("" ::: "memory");
  const void* all[4] = {&fixed[2], &moving[5], &own, out};
  for (int i = 0; i < 4; i++) out[i] = __isShared(all[i]) * 100 + __isGlobal(all[i]) * 10 + __isLocal(all[i]);
}

extern "C" __global__ void too_much_static(float* x) {
  __shared__ float all[12289];
  all[threadIdx.x] = *x;
  *x = all[0];
}
