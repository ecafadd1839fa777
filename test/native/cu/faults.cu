// Kernels that die, each in its own way; the test asks for the line.
#include <assert.h>

extern "C" __global__ void stuck_at_barrier(int* x) {
  if (threadIdx.x < 10) __syncthreads();     // deadlock: line 5
  else if (threadIdx.x < 64) __shfl_sync(~0u, 1, 0);
}

extern "C" __global__ void missing_lanes(int* x) {
  if (threadIdx.x % 2) {
    x[threadIdx.x] = __shfl_xor_sync(~0u, threadIdx.x, 1);
  } else {
    __syncthreads();  // line 13: where the lowest of the waiting threads is
  }
}

extern "C" __global__ void spin_for_ever(int* x) {
  if (threadIdx.x == 3) {
    while (atomicAdd(x, 0) == 0) { }  // line 19
  }
  __syncthreads();
}

extern "C" __global__ void asserting(int* x) {
  assert(threadIdx.x != 5);  // line 25
  x[threadIdx.x] = 1;
}

extern "C" __global__ void trapping(int* x) {
  if (threadIdx.x == 7 && blockIdx.x == 2) __trap();  // line 30
}

extern "C" __global__ void past_the_end(int* x, int n) {
  x[n + threadIdx.x] = 1;  // line 34
}

extern "C" __global__ void misaligned(char* x) {
  float4* vector = reinterpret_cast<float4*>(x + 4);
  *vector = make_float4(1, 2, 3, 4);  // line 39
}

extern "C" __global__ void wrong_mask(int* x) {
  x[threadIdx.x] = __shfl_sync(0xffff0000u, 1, 0);  // line 43
}

__device__ __noinline__ int deeper(int n, int* x) {
  volatile int local[1000];
  local[n % 1000] = n;
  return n == 0 ? 0 : deeper(n - 1, x) + local[(n * 7) % 1000];
}
extern "C" __global__ void deep(int* x, int n) {
  __syncthreads();
  x[threadIdx.x] = deeper(n, x);
}

extern "C" __global__ void divided(int* x, int zero) {
  x[threadIdx.x] = 5 / zero;  // line 57
}

extern "C" __global__ void large_frame(int* x, int n) {
  volatile char local[1 << 21];
  local[n] = 1;
  x[0] = local[n];
}

extern "C" __global__ void null_pointer(int* x) {
  x = nullptr;
  *x = 1;  // line 68
}
