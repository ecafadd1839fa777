/** Five-line kernels whose requests can be counted by hand; all in one source, so that one compilation serves them. */
export const source = `
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#include "cp_async.cuh"
#include "mma.cuh"

extern "C" __global__ void copy(const float* x, float* y, int stride, int offset) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i * stride + offset];
}
extern "C" __global__ void wide(const float4* x, float4* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}
extern "C" __global__ void library(const float4* x, float4* y, int bytes) {
  memcpy(y + 2 * threadIdx.x, x + 2 * threadIdx.x, bytes);
}
extern "C" __global__ void scalars(const float* x, float* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[4 * i] + x[4 * i + 1] + x[4 * i + 2] + x[4 * i + 3];
}
struct Pair { float a, b; };
extern "C" __global__ void pairs(const Pair* x, float* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  Pair p = x[i];
  y[i] = p.a + p.b;
}
extern "C" __global__ void shared4(float* y, int stride, int pad) {
  __shared__ float tile[32 * 33];
  int t = threadIdx.x;
  int at = pad ? t * 33 : t * stride % 1024;
  tile[at] = t;
  __syncthreads();
  y[t] = tile[at];
}
extern "C" __global__ void broadcast(float* y) {
  __shared__ float tile[32];
  tile[threadIdx.x] = threadIdx.x;
  __syncthreads();
  y[threadIdx.x] = tile[7];
}
extern "C" __global__ void shared8(double* y, int stride) {
  __shared__ double tile[1024];
  tile[threadIdx.x * stride] = threadIdx.x;
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x * stride];
}
extern "C" __global__ void shared16(float4* y, int stride) {
  __shared__ float4 tile[256];
  tile[threadIdx.x * stride] = make_float4(1, 2, 3, 4);
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x * stride];
}
extern "C" __global__ void halves(const float* x, float* y) {
  int i = threadIdx.x;
  if (i % 32 < 16) y[i] = x[i] * 2.0f;
  else y[i] = x[i] + 1.0f;
  y[i + 256] = x[i];
}
extern "C" __global__ void trips(const float* x, float* y) {
  float sum = 0.0f;
  for (int k = 0; k < threadIdx.x; ++k) sum += x[k * 32];
  y[threadIdx.x] = sum;
}
extern "C" __global__ void tail(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i];
}
extern "C" __global__ void count(const int* x, int* bins, int* used) {
  atomicAdd(&bins[x[threadIdx.x]], 1);
  used[threadIdx.x] = atomicAdd(&bins[8], 1);
}
extern "C" __global__ void arithmetic(const float* x, const double* d, const __half* h, float* y) {
  int i = threadIdx.x;
  float f = x[i] * x[i + 1] + x[i + 2];
  f = f + 3.0f;
  f = f * x[i + 3];
  f = f / x[i + 4];
  f = expf(f);
  double g = d[i] * d[i + 1] + 1.0;
  __half p = __hfma(h[i], h[i + 1], h[i + 2]);
  y[i] = f + static_cast<float>(g) + __half2float(p);
}
extern "C" __global__ void staged(const float4* x, float* y) {
  __shared__ float4 tile[32];
  lab::copyAsync16(&tile[threadIdx.x], x + threadIdx.x);
  lab::copyAsyncCommit();
  lab::copyAsyncWait<0>();
  __syncthreads();
  y[threadIdx.x] = tile[31 - threadIdx.x].x;
}
extern "C" __global__ void tensor(const __nv_bfloat16* x, float* y, int pitch) {
  __shared__ alignas(16) __nv_bfloat16 tile[32 * 72];
  for (int i = threadIdx.x; i < 32 * 72; i += 32) tile[i] = x[i];
  __syncthreads();
  unsigned a[4];
  lab::ldmatrix(a, &tile[threadIdx.x % 16 * pitch + threadIdx.x / 16 * 8]);
  unsigned b[2] = {a[0], a[1]};
  float c[4] = {};
  lab::mma16816<__nv_bfloat16>(c, a, b);
  y[threadIdx.x] = c[0];
}
__constant__ float factors[4] = {1, 2, 3, 4};
__device__ float offset = 5;
extern "C" __global__ void variables(float* y) {
  y[threadIdx.x] = factors[threadIdx.x % 4] + offset;
}
extern "C" __global__ void shuffles(const float* x, float* y) {
  float v = x[threadIdx.x];
  for (int s = 16; s > 0; s /= 2) v += __shfl_xor_sync(0xffffffffu, v, s);
  y[threadIdx.x] = v;
}
extern "C" __global__ void spin(int* flag) {
  while (atomicAdd(flag, 0) == 0) {}
}
extern "C" __global__ void stuck(float* y) {
  if (threadIdx.x < 8) __syncwarp(0xffffffffu);
  __syncthreads();
  y[threadIdx.x] = 1;
}
__device__ float2 joined(float2 a, float2 b) {
  const float top = fmaxf(a.x, b.x);
  return make_float2(top, a.y * expf(a.x - top) + b.y * expf(b.x - top));
}
__device__ float4 four(const float* row, int at, int columns) {
  if (at >= columns) return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
  if (columns % 4 == 0) return *reinterpret_cast<const float4*>(row + at);
  return make_float4(row[at], at + 1 < columns ? row[at + 1] : 0.0f, at + 2 < columns ? row[at + 2] : 0.0f, 0.0f);
}
extern "C" __global__ void by_value(const float* x, float4* y, int columns) {
  __shared__ float2 tile[32];
  __shared__ float4 wide[32];
  float2 mine = make_float2(x[threadIdx.x], 1.0f);
  for (int s = 16; s > 0; s /= 2)
    mine = joined(mine, make_float2(__shfl_xor_sync(0xffffffffu, mine.x, s), __shfl_xor_sync(0xffffffffu, mine.y, s)));
  tile[threadIdx.x] = mine;
  wide[threadIdx.x] = four(x, 4 * threadIdx.x, columns);
  __syncthreads();
  for (int w = 1; w < 5; ++w) mine = joined(mine, tile[w]);
  y[threadIdx.x] = four(&wide[0].x, int(mine.y) % 32 * 4, columns);
}
extern "C" __global__ void quotients(const float* x, float* y) {
  int i = threadIdx.x;
  float f = 1.0f / x[i];  // of 2 / 3
  float g = 0.1f / x[i + 1];
  float h = (1 / x[i + 2]) * (x[i] / x[i + 3]);
  y[i] = f + g + h;
}
extern "C" __global__ void beyond(float* y) {
  y[threadIdx.x + (1 << 28)] = 1;
}
`;
