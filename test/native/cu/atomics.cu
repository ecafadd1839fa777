// Atomics under contention: every thread of every block hits the same words.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

extern "C" __global__ void integers(int* i, unsigned* u, unsigned long long* l) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&i[0], 1);
  atomicSub(&i[1], 2);
  atomicMin(&i[2], -t);
  atomicMax(&i[3], t - 5000);
  atomicAnd(&i[4], ~(1 << (t % 31)));
  atomicOr(&i[5], 1 << (t % 31));
  atomicXor(&i[6], t);
  atomicAdd_block(&i[7], 1);
  atomicAdd_system(&i[8], 1);
  atomicInc(&u[0], 6);
  atomicDec(&u[1], 6);
  atomicMax(&u[2], 0x80000000u + t);
  atomicMin(&u[3], 0x80000000u - t);
  atomicAdd(&l[0], 1ull << 33);
  atomicMax(&l[1], (1ull << 40) + t);
  atomicExch(&l[2], 77ull);
}

extern "C" __global__ void floats(float* f, double* d) {
  atomicAdd(&f[0], 1.0f);
  atomicAdd(&f[1], 0.5f);
  atomicAdd(&d[0], 0.25);
  atomicExch(&f[2], 3.5f);
  if (threadIdx.x == 0) atomicAdd(reinterpret_cast<float2*>(f + 4), make_float2(1.0f, 2.0f));
}

extern "C" __global__ void halves(__half* h, __nv_bfloat16* b, __half2* h2) {
  atomicAdd(&h[0], __float2half(1.0f));
  atomicAdd(&b[0], __float2bfloat16(1.0f));
  atomicAdd(&h2[0], __floats2half2_rn(1.0f, 2.0f));
}

__device__ float atomic_max_float(float* address, float value) {
  int* bits = reinterpret_cast<int*>(address);
  int old = *bits, seen;
  do {
    seen = old;
    old = atomicCAS(bits, seen, __float_as_int(fmaxf(value, __int_as_float(seen))));
  } while (old != seen);
  return __int_as_float(old);
}
extern "C" __global__ void swaps(float* f, unsigned short* s, unsigned long long* l) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  atomic_max_float(f, float((t * 7919) % 4096));
  unsigned short seen = s[0], old;
  do {
    old = seen;
    seen = atomicCAS(s, old, static_cast<unsigned short>(old + 1));
  } while (seen != old);
  unsigned long long was = l[0], now;
  do {
    now = was;
    was = atomicCAS(l, now, now + 3);
  } while (was != now);
}

extern "C" __global__ void histogram(const int* x, int* bins, int n) {
  __shared__ int local[64];
  for (int i = threadIdx.x; i < 64; i += blockDim.x) local[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&local[x[i]], 1);
  __syncthreads();
  for (int i = threadIdx.x; i < 64; i += blockDim.x) atomicAdd(&bins[i], local[i]);
}
