// Covers: extern shared memory at namespace scope, two buffers that swap by pointer, a padding macro against bank
// conflicts, __shfl_up_sync with and without a width, warpSize, a kernel's default argument.
extern __shared__ int pool[];

/** out[i] = the largest of x[0..i]; one block of n threads, room for 2 n ints. */
__global__ void runningMax(const int *x, int *out, int n) {
  int *front = pool, *back = pool + n;
  const int i = threadIdx.x;
  front[i] = x[i];
  __syncthreads();
  for (int reach = 1; reach < n; reach *= 2) {
    back[i] = i < reach ? front[i] : max(front[i], front[i - reach]);
    int *const filled = back;
    back = front;
    front = filled;
    __syncthreads();
  }
  out[i] = front[i];
}

#define PADDED(i) ((i) + (i) / warpSize)

/**
 * Sums up to and including each element, block by block, in place. A thread sums its own run of LENGTH elements
 * from shared memory, then warps, then the block are summed. `total` gets the whole of each block if it is there.
 */
template <int LENGTH>
__global__ void runningSum(int *data, int *total = nullptr) {
  __shared__ int perWarp[32];
  int *chunk = data + blockIdx.x * blockDim.x * LENGTH;
#pragma unroll
  for (int i = threadIdx.x; i < blockDim.x * LENGTH; i += blockDim.x) pool[PADDED(i)] = chunk[i];
  __syncthreads();

  int run[LENGTH], sum = 0;
#pragma unroll
  for (int j = 0; j < LENGTH; ++j) run[j] = sum += pool[PADDED(threadIdx.x * LENGTH + j)];
  const int lane = threadIdx.x % warpSize, warp = threadIdx.x / warpSize;
  int upToHere = sum;
  for (int reach = 1; reach < warpSize; reach += reach) {
    const int left = __shfl_up_sync(0xffffffffu, upToHere, reach);
    upToHere += lane >= reach ? left : 0;
  }
  if (lane == warpSize - 1) perWarp[warp] = upToHere;
  __syncthreads();
  if (threadIdx.x < 8) {  // at most eight warps, in lanes of a quarter warp
    int w = threadIdx.x * warpSize < blockDim.x ? perWarp[threadIdx.x] : 0;
#pragma unroll
    for (int reach = 1; reach <= 4; reach <<= 1) {
      const int left = __shfl_up_sync(0xffu, w, reach, 8);
      if (threadIdx.x >= reach) w += left;
    }
    perWarp[threadIdx.x] = w;
    if (total && threadIdx.x == 7) total[blockIdx.x] = w;
  }
  __syncthreads();
  const int before = upToHere - sum + (warp == 0 ? 0 : perWarp[warp - 1]);
  for (int j = 0; j < LENGTH; ++j) pool[PADDED(threadIdx.x * LENGTH + j)] = before + run[j];
  __syncthreads();
  for (int i = threadIdx.x; i < blockDim.x * LENGTH; i += blockDim.x) chunk[i] = pool[PADDED(i)];
}
