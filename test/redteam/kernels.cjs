// The kernels of the red team: an honest one, and what cheats or goes wrong in each known way. All compute y = f(x)
// with `rounds` rounds of work, where f(x) = 2x however many rounds there are, so that one check serves all.
const honest = `
__device__ float turned(float v, int rounds) {
  // As many additions as asked for that cancel, which no compiler may leave out: the constant is not known to it.
  for (int r = 0; r < rounds; ++r) { v = v + 1.0f; v = v - 1.0f; }
  return v;
}
`;

const index = "const int i = blockIdx.x * blockDim.x + threadIdx.x;";

module.exports = {
  honest: `extern "C" __global__ void honest(const float* x, float* y, int n) {
  ${index}
  if (i < n) y[i] = 2.0f * x[i];
}`,

  nothing: `extern "C" __global__ void nothing(const float* x, float* y, int n) {}`,

  zeros: `extern "C" __global__ void zeros(const float* x, float* y, int n) {
  ${index}
  if (i < n) y[i] = 0.0f;
}`,

  nan: `extern "C" __global__ void hollow(const float* x, float* y, int n) {
  ${index}
  if (i < n) y[i] = i == n / 2 ? nanf("") : 2.0f * x[i];
}`,

  // Changes what it was promised to leave, and agrees with what it changed it to.
  meddler: `extern "C" __global__ void meddler(const float* x, float* y, int n) {
  ${index}
  if (i >= n) return;
  float* mine = const_cast<float*>(x);
  mine[i] = x[i] * 0.5f;
  y[i] = 2.0f * mine[i];
}`,

  // Remembers, for four addresses of x, what it answered there first.
  cached: `constexpr int kMost = 1 << 24, kWays = 4;
__device__ const float* seen[kWays];
__device__ float answers[kWays][kMost];
__device__ int known[kWays];
extern "C" __global__ void remember(const float* x) {
  for (int w = 0; w < kWays; ++w) {
    if (seen[w] == x) { known[w] = 1; return; }
    if (!seen[w]) { seen[w] = x; return; }
  }
}
extern "C" __global__ void cached(const float* x, float* y, int n) {
  ${index}
  if (i >= n) return;
  for (int w = 0; w < kWays; ++w) {
    if (seen[w] != x) continue;
    if (!known[w]) answers[w][i] = 2.0f * x[i];
    y[i] = answers[w][i];
    return;
  }
  y[i] = 2.0f * x[i];
}`,

  // Takes longer with every call.
  drifting: `${honest}
__device__ int calls;
extern "C" __global__ void drifting(const float* x, float* y, int n, int base, int step) {
  ${index}
  const int rounds = base + step * calls;
  if (i < n) y[i] = 2.0f * x[i] + 0.0f * turned(x[i], rounds);
}
extern "C" __global__ void count() { calls += 1; }`,

  // Takes three times as long in every other call.
  moody: `${honest}
__device__ int calls;
extern "C" __global__ void moody(const float* x, float* y, int n, int base, int more) {
  ${index}
  const int rounds = base + (calls % 3 == 0 ? more : 0);
  if (i < n) y[i] = 2.0f * x[i] + 0.0f * turned(x[i], rounds);
}
extern "C" __global__ void count() { calls += 1; }`,

  // Asks the L2 cache to keep x through whatever is read between two runs.
  clinging: `__device__ float kept(const float* at) {
  float value;
#ifdef __KERNEL_LAB_CPU__
  value = *at;
#else
  unsigned long long policy;
  asm volatile("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
  asm volatile("ld.global.L2::cache_hint.f32 %0, [%1], %2;" : "=f"(value) : "l"(at), "l"(policy));
#endif
  return value;
}
extern "C" __global__ void clinging(const float* x, float* y, int n) {
  float sum = 0.0f;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += kept(x + i);
  y[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
extern "C" __global__ void loose(const float* x, float* y, int n) {
  float sum = 0.0f;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += x[i];
  y[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}`,

  // Reads what the thread before it wrote: right as long as threads happen to run in order.
  unsynced: `extern "C" __global__ void unsynced(const float* x, float* y, int n) {
  __shared__ float tile[256];
  ${index}
  tile[threadIdx.x] = x[i];
  y[i] = 2.0f * (threadIdx.x > 0 ? tile[threadIdx.x - 1] : x[i]);
}`,
  synced: `extern "C" __global__ void synced(const float* x, float* y, int n) {
  __shared__ float tile[256];
  ${index}
  tile[threadIdx.x] = x[i];
  __syncthreads();
  y[i] = 2.0f * (threadIdx.x > 0 ? tile[threadIdx.x - 1] : x[i]);
}`,

  // The CPU device runs C++: a kernel can start a thread there and come back at once.
  deserter: `extern "C" int pthread_create(unsigned long*, const void*, void* (*)(void*), void*);
extern "C" int pthread_detach(unsigned long);
struct Task { const float* x; float* y; int n; };
static Task task;
static void* late(void*) {
  volatile float waste = 1.0f;
  for (int r = 0; r < 3000000; ++r) waste = waste * 1.0001f;
  for (int i = 0; i < task.n; ++i) task.y[i] = 2.0f * task.x[i];
  return nullptr;
}
extern "C" __global__ void deserter(const float* x, float* y, int n) {
  if (blockIdx.x + threadIdx.x > 0) return;
  task = {x, y, n};
  unsigned long thread;
  if (pthread_create(&thread, nullptr, late, nullptr) == 0) pthread_detach(thread);
}`,
};
