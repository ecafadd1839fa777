// MoE, step 04: prefix sums, from counts to places.
//
// Idea: the place of a row is (where its expert starts) + (rows of that expert in earlier blocks) + (its rank in
//   its own block). A warp scans an expert's counts 32 at a time with shuffles; then one warp scans the experts.
//   At a capacity an expert keeps its first `capacity` rows: later ones are dropped.
// Traffic: experts x blocks x 4 bytes in and out, a few hundred KB from L2: latency, not bandwidth. One block.
// Launch: grid 1, block 1024. counts, before: experts x blocks; usage: experts; start: experts + 1.

__device__ int inclusiveScan(int value) {
  const int lane = threadIdx.x % 32;
  for (int offset = 1; offset < 32; offset *= 2) {
    const int lower = __shfl_up_sync(0xffffffffu, value, offset);
    if (lane >= offset) value += lower;
  }
  return value;
}

extern "C" __global__ void __launch_bounds__(1024)
    moe_04_scan(const int* counts, int* before, int* usage, int* start, int experts, int blocks, int capacity) {
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
  for (int e = warp; e < experts; e += warps) {
    int total = 0;
    for (int first = 0; first < blocks; first += 32) {
      const int block = first + lane;
      const int own = block < blocks ? counts[size_t(e) * blocks + block] : 0;
      const int sum = inclusiveScan(own);
      if (block < blocks) before[size_t(e) * blocks + block] = total + sum - own;
      total += __shfl_sync(0xffffffffu, sum, 31);
    }
    if (lane == 0) usage[e] = total;
  }
  __syncthreads();  // usage is complete, also for other warps of this block
  if (warp != 0) return;
  int total = 0;
  for (int first = 0; first < experts; first += 32) {
    const int e = first + lane;
    const int own = e < experts ? min(usage[e], capacity) : 0;
    const int sum = inclusiveScan(own);
    if (e < experts) start[e] = total + sum - own;
    total += __shfl_sync(0xffffffffu, sum, 31);
  }
  if (lane == 0) start[experts] = total;
}
