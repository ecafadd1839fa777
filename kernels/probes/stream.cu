// Probe: what this device does when a kernel only reads, only writes, or only computes.
//
// Idea: a copy is half reads and half writes, and a kernel of another mix may be faster than it. `sum` reads and
//   `set` writes with sixteen bytes a thread and access, four accesses in flight; `spin` multiplies and adds in
//   registers, as long as asked for, and gives back what it took.
// Traffic: sum 1 read, set 1 write of count x 16 bytes; spin 1 read + 1 write of count x 4 bytes.
// Launch: sum and set grid ceil(count / (4 x block)), spin grid ceil(count / block); any one-dimensional block.
extern "C" __global__ void sum(const float4* __restrict__ from, float* __restrict__ to, size_t count) {
  const size_t first = size_t(blockIdx.x) * blockDim.x * 4 + threadIdx.x;
  float held = 0.0f;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const size_t at = first + size_t(i) * blockDim.x;
    if (at < count) {
      const float4 v = from[at];
      held += v.x + v.y + v.z + v.w;
    }
  }
  // Never true for finite values, which the compiler does not know: the reads have to happen, the write does not.
  if (held == INFINITY) to[threadIdx.x] = held;
}

extern "C" __global__ void set(float4* __restrict__ to, float value, size_t count) {
  const size_t first = size_t(blockIdx.x) * blockDim.x * 4 + threadIdx.x;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const size_t at = first + size_t(i) * blockDim.x;
    if (at < count) to[at] = make_float4(value, value, value, value);
  }
}

extern "C" __global__ void spin(const float* __restrict__ from, float* __restrict__ to, size_t count, float one, float zero,
                                int rounds) {
  const size_t at = size_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= count) return;
  float value = from[at];
  for (int r = 0; r < rounds; ++r) value = fmaf(value, one, zero);
  to[at] = value;
}
