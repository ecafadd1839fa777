// Every collective of a warp; each kernel writes what lane i got, the test knows what it should be.
extern "C" __global__ void shuffles(const int* x, int* out) {
  const int t = threadIdx.x;
  const unsigned all = 0xffffffffu;
  const int v = x[t];
  out[t] = __shfl_sync(all, v, 5);
  out[64 + t] = __shfl_up_sync(all, v, 3);
  out[128 + t] = __shfl_down_sync(all, v, 4, 8);
  out[192 + t] = __shfl_xor_sync(all, v, 16);
  out[256 + t] = __shfl_sync(all, v, t + 1, 16);
  out[320 + t] = __shfl_up_sync(all, v, 2, 4);
}

extern "C" __global__ void wide(double* d, long long* l, float* f) {
  const int t = threadIdx.x;
  d[t] = __shfl_xor_sync(~0u, d[t], 1);
  l[t] = __shfl_down_sync(~0u, l[t], 1);
  f[t] = __shfl_sync(~0u, f[t], 31 - t);
}

// Two halves of a warp take different turns and meet among themselves, many times, out of step.
extern "C" __global__ void diverged(int* out) {
  const int t = threadIdx.x;
  int v = t;
  if (t % 2 == 0) {
    for (int i = 0; i < 7; i++) v += __shfl_xor_sync(0x55555555u, v, 2);
  } else if (t % 4 == 1) {
    for (int i = 0; i < 3; i++) v += __shfl_xor_sync(0x11111111u << 1, v, 4);
  } else {
    v = __reduce_add_sync(0x88888888u, v);
  }
  __syncwarp();
  out[t] = v + 1000 * __shfl_sync(~0u, t, 9);
}

extern "C" __global__ void votes(int* out) {
  const int t = threadIdx.x;
  out[t] = __ballot_sync(~0u, t % 3 == 0);
  out[32 + t] = __all_sync(~0u, t < 32) * 10 + __all_sync(~0u, t < 31);
  out[64 + t] = __any_sync(~0u, t == 7) * 10 + __any_sync(~0u, t == 40);
  out[96 + t] = __match_any_sync(~0u, t % 4);
  int same = -1;
  out[128 + t] = __match_all_sync(~0u, 5.0, &same) + same;
  out[160 + t] = __match_all_sync(~0u, t, &same) + 10 * same;
}

extern "C" __global__ void reductions(const int* x, int* out) {
  const int t = threadIdx.x;
  const int v = x[t];
  out[t] = __reduce_add_sync(~0u, v);
  out[32 + t] = __reduce_min_sync(~0u, v);
  out[64 + t] = __reduce_max_sync(~0u, v);
  out[96 + t] = int(__reduce_and_sync(~0u, unsigned(v)));
  out[128 + t] = int(__reduce_or_sync(~0u, unsigned(v)));
  out[160 + t] = int(__reduce_xor_sync(~0u, unsigned(v)));
  out[192 + t] = int(__reduce_max_sync(~0u, unsigned(v)));
}

// The lanes that have exited are not waited for, and show nothing.
extern "C" __global__ void exited(int* out) {
  const int t = threadIdx.x;
  if (t >= 20) return;
  out[t] = __ballot_sync(~0u, 1);
  out[32 + t] = __reduce_min_sync(~0u, t + 100);
}

// Who is here together: halves of an if, then everybody.
extern "C" __global__ void active(int* out) {
  const int t = threadIdx.x;
  if (t < 12) {
    out[t] = __activemask();
  } else {
    out[t] = __activemask();
  }
  __syncwarp();
  out[32 + t] = __activemask();
}

// The idiom that depends on it: one atomic for all lanes that are here.
extern "C" __global__ void aggregated(const int* x, int* count, int* place) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (x[t] > 0) {
    const unsigned here = __activemask();
    const int lane = threadIdx.x & 31, leader = __ffs(here) - 1;
    int base = 0;
    if (lane == leader) base = atomicAdd(count, __popc(here));
    base = __shfl_sync(here, base, leader);
    place[base + __popc(here & ((1u << lane) - 1))] = t;
  }
}

// A warp that the block does not fill.
extern "C" __global__ void partial(int* out) { out[threadIdx.x] = __ballot_sync(~0u, 1) + __shfl_down_sync(~0u, int(threadIdx.x), 1); }
