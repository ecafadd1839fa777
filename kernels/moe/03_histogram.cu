// MoE, step 03: how many choices fall on each expert, counted by block.
//
// Idea: a block counts its 256 choices in shared memory, where an atomic costs a few cycles, and writes one number
//   an expert. Counts are kept by block and not added up at once: step 04 turns them into the places where each
//   block's rows begin, and so the order of tokens survives (the trick of a radix sort).
// Traffic: the choices once (4 bytes each) and experts x blocks x 4 bytes out. Integer sums: the same every run.
// Launch: grid ceil(choices / 256), block 256, dynamic shared memory experts x 4 bytes. counts is experts x grid.
extern "C" __global__ void moe_03_histogram(const int* expert, int* counts, int choices, int experts) {
  extern __shared__ int bins[];
  for (int e = threadIdx.x; e < experts; e += blockDim.x) bins[e] = 0;
  __syncthreads();
  const int choice = blockIdx.x * blockDim.x + threadIdx.x;
  if (choice < choices) atomicAdd(&bins[expert[choice]], 1);
  __syncthreads();
  for (int e = threadIdx.x; e < experts; e += blockDim.x) counts[size_t(e) * gridDim.x + blockIdx.x] = bins[e];
}
