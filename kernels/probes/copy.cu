// Probe: how fast this device copies.
//
// Idea: the roof above every memory-bound kernel, measured by a kernel instead of read off a data sheet. Sixteen
//   bytes a thread and access, four independent accesses in flight, neighbouring threads on neighbouring addresses.
// Traffic: 1 read + 1 write of count x 16 bytes.
// Launch: grid ceil(count / (4 x block)), any one-dimensional block.
extern "C" __global__ void copy(const float4* __restrict__ from, float4* __restrict__ to, size_t count) {
  const size_t first = size_t(blockIdx.x) * blockDim.x * 4 + threadIdx.x;
  float4 held[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const size_t at = first + size_t(i) * blockDim.x;
    if (at < count) held[i] = from[at];
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const size_t at = first + size_t(i) * blockDim.x;
    if (at < count) to[at] = held[i];
  }
}
