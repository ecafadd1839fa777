// Covers: structs in shared memory swapped by reference, comparison and direction as template arguments, a loop
// with one barrier a pass, ballots as a stable split, binary search over global memory, umin.
typedef unsigned int uint;

struct Card {
  uint key, from;
};

template <bool DOWNWARDS>
__device__ __forceinline__ void settle(Card &first, Card &second) {
  if (DOWNWARDS ? first.key < second.key : second.key < first.key) {
    const Card held = first;
    first = second;
    second = held;
  }
}

/** Sorts runs of 2 THREADS keys by swapping neighbours; `from` tells where in the input each key was. */
template <uint THREADS, bool DOWNWARDS>
__global__ void sortRuns(const uint *keys, uint *sorted, uint *from) {
  __shared__ Card hand[2 * THREADS];
  const uint base = blockIdx.x * 2 * THREADS;
  for (uint i = threadIdx.x; i < 2 * THREADS; i += THREADS) hand[i] = {keys[base + i], base + i};
  for (uint pass = 0; pass < 2 * THREADS; ++pass) {
    __syncthreads();
    const uint i = 2 * threadIdx.x + pass % 2;
    if (i + 1 < 2 * THREADS) settle<DOWNWARDS>(hand[i], hand[i + 1]);
  }
  __syncthreads();
  for (uint i = threadIdx.x; i < 2 * THREADS; i += THREADS) {
    sorted[base + i] = hand[i].key;
    from[base + i] = hand[i].from;
  }
}

/** Merges two ascending runs: the thread of each output finds by bisection how many of `a` lie before it. */
__global__ void mergeRuns(const uint *a, uint sizeA, const uint *b, uint sizeB, uint *out) {
  const uint at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= sizeA + sizeB) return;
  uint least = at - umin(at, sizeB), most = umin(at, sizeA);
  while (least < most) {
    const uint middle = least + (most - least) / 2;
    if (a[middle] <= b[at - middle - 1])
      least = middle + 1;
    else
      most = middle;
  }
  const bool takeA = at - least >= sizeB || (least < sizeA && a[least] <= b[at - least]);
  out[at] = takeA ? a[least] : b[at - least];
}

/** Sorts 32 bytes in one warp, a bit at a time: zeros keep their order and move before the ones. */
__global__ void sortWarp(unsigned char *bytes) {
  __shared__ unsigned char moved[32];
  uint mine = bytes[threadIdx.x];
  for (int bit = 0; bit < 8; ++bit) {
    const uint ones = __ballot_sync(0xffffffff, mine >> bit & 1), below = (1u << threadIdx.x) - 1;
    const bool one = ones >> threadIdx.x & 1;
    moved[one ? 32 - __popc(ones) + __popc(ones & below) : __popc(~ones & below)] = mine;
    __syncwarp();
    mine = moved[threadIdx.x];
    __syncwarp();
  }
  bytes[threadIdx.x] = mine;
}
