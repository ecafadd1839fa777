// Memory access patterns, step 01: a copy that takes every stride-th element.
//
// Idea: the one question of coalescing. A warp's 32 loads are one request, served in sectors of 32 bytes: 4 sectors when
//   its floats lie side by side, 8 at a stride of 2, and from a stride of 8 on a sector for each lane.
// Traffic: of a sector's 8 floats only 8 / stride are used, 1 from a stride of 8 on.
// Launch: grid ceil(n / stride / block), any block. No dynamic shared memory.
extern "C" __global__ void patterns_01_strided_copy(const float* x, float* y, int n, int stride) {
  const int i = (blockIdx.x * blockDim.x + threadIdx.x) * stride;
  if (i < n) y[i] = x[i];
}
