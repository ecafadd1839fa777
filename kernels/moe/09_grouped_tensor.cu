// MoE, step 09: the grouped matmul on tensor cores, bf16 with float sums.
//
// Idea: step 07's numbering of tiles, with mma.sync on 16-bit fragments. Tiles of 128 x 256 arrive by cp.async,
//   STAGES deep; ldmatrix reads fragments from rows whose 16-byte chunks are swizzled, so that eight rows of a
//   fragment lie in eight different bank groups; eight warps hold 64 x 64 of C each in registers.
// Changes from 07: half the bytes and the tensor cores' rate, 989 against 67 TFLOP/s on paper; mma.sync reaches
//   about 60% of that on Hopper (wgmma is for a later rung). Tiles of an expert are walked in groups of 16 row
//   tiles, so that its weights are read from memory once a 2,048 rows and come from L2 otherwise.
// Launch: a flat grid (ceil(rows / 128) + experts) * ceil(n / 256), block 256, dynamic shared memory
//   STAGES * 24,576 bytes. Experts first .. end - 1 are computed: one launch for all, or one an expert.
//   k and n multiples of 8, x and w 16-byte aligned.
#include "cp_async.cuh"
#include "mma.cuh"

constexpr int BM = 128, BN = 256, BK = 32, kThreads = 256, kGroup = 16;
constexpr int kBytesX = BM * BK * 2, kBytesW = BK * BN * 2;

// Byte offsets of a 16-byte chunk in the tiles: rows of 64 bytes (x) and of 512 (w), chunks exchanged by row.
__device__ int placeX(int row, int chunk) { return row * 64 + (chunk ^ (row >> 1 & 3)) * 16; }
__device__ int placeW(int row, int chunk) { return row * 512 + (chunk ^ (row & 7)) * 16; }

__device__ float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }

template <int STAGES, bool GELU>
__global__ void __launch_bounds__(kThreads, 1)
    moe_09_grouped_tensor(const __nv_bfloat16* x, const __nv_bfloat16* w, __nv_bfloat16* y, const int* start,
                          int first, int end, int n, int k) {
  extern __shared__ uint4 sharedBase[];
  char* const shared = reinterpret_cast<char*>(sharedBase);

  // Which expert's tile is mine?
  const int tilesN = (n + BN - 1) / BN;
  int tile = blockIdx.x, expert = first, tilesM = 0;
  for (; expert < end; ++expert) {
    tilesM = (start[expert + 1] - start[expert] + BM - 1) / BM;
    if (tile < tilesM * tilesN) break;
    tile -= tilesM * tilesN;
  }
  if (expert == end) return;  // past the last tile; the whole block leaves together
  const int group = tile / (kGroup * tilesN), inGroup = tile % (kGroup * tilesN);
  const int groupRows = min(kGroup, tilesM - group * kGroup);
  const int firstRow = start[expert] + (group * kGroup + inGroup % groupRows) * BM;
  const int firstCol = inGroup / groupRows * BN, endRow = start[expert + 1];
  w += size_t(expert) * k * n;

  const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
  auto copyTile = [&](int step) {
    char* const toX = shared + step % STAGES * (kBytesX + kBytesW);
    char* const toW = toX + kBytesX;
#pragma unroll
    for (int i = 0; i < BM * 4 / kThreads; ++i) {
      const int row = i * (kThreads / 4) + thread / 4, chunk = thread % 4, depth = step * BK + chunk * 8;
      const bool inside = firstRow + row < endRow && depth < k;
      lab::copyAsync16(toX + placeX(row, chunk), inside ? x + size_t(firstRow + row) * k + depth : x, inside);
    }
#pragma unroll
    for (int i = 0; i < BK * 32 / kThreads; ++i) {
      const int row = i * (kThreads / 32) + warp, col = firstCol + lane * 8, depth = step * BK + row;
      const bool inside = depth < k && col < n;
      lab::copyAsync16(toW + placeW(row, lane), inside ? w + size_t(depth) * n + col : w, inside);
    }
  };

  const int warpRow = warp / 4 * 64, warpCol = warp % 4 * 64;
  unsigned a[2][4][4], b[2][4][4];  // two steps of 16 in depth: one being multiplied, one being read
  auto loadFragments = [&](int step, int half, int slot) {
    const char* const fromX = shared + step % STAGES * (kBytesX + kBytesW);
    const char* const fromW = fromX + kBytesX;
#pragma unroll
    for (int i = 0; i < 4; ++i)
      lab::ldmatrix(a[slot][i], fromX + placeX(warpRow + i * 16 + lane % 16, half * 2 + lane / 16));
#pragma unroll
    for (int j = 0; j < 4; ++j)
      lab::ldmatrixTrans(b[slot][j], fromW + placeW(half * 16 + lane % 16, warpCol / 8 + j * 2 + lane / 16));
  };

  float sum[4][8][4] = {};
  const int steps = (k + BK - 1) / BK;
#pragma unroll
  for (int step = 0; step < STAGES - 1; ++step) {
    if (step < steps) copyTile(step);
    lab::copyAsyncCommit();  // also an empty one: the waits below count commits
  }
  lab::copyAsyncWait<STAGES - 2>();
  __syncthreads();
  loadFragments(0, 0, 0);

  for (int step = 0; step < steps; ++step) {
    if (step + STAGES - 1 < steps) copyTile(step + STAGES - 1);  // the stage freed by the last barrier
    lab::copyAsyncCommit();
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      if (half == 0) {
        loadFragments(step, 1, 1);
      } else {
        lab::copyAsyncWait<STAGES - 2>();
        __syncthreads();
        if (step + 1 < steps) loadFragments(step + 1, 0, 0);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 8; ++j) {
          const unsigned pair[2] = {b[half][j / 2][j % 2 * 2], b[half][j / 2][j % 2 * 2 + 1]};
          lab::mma16816<__nv_bfloat16>(sum[i][j], a[half][i], pair);
        }
      }
    }
  }
  lab::copyAsyncWait<0>();

#pragma unroll
  for (int i = 0; i < 4; ++i) {
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const int col = firstCol + warpCol + j * 8 + lane % 4 * 2;
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const int row = firstRow + warpRow + i * 16 + lane / 4 + h * 8;
        float low = sum[i][j][h * 2], high = sum[i][j][h * 2 + 1];
        if constexpr (GELU) {
          low = gelu(low);
          high = gelu(high);
        }
        if (row < endRow && col < n)
          *reinterpret_cast<__nv_bfloat162*>(y + size_t(row) * n + col) = __floats2bfloat162_rn(low, high);
      }
    }
  }
}
