// Matmul, rung 06: warp tiles and an asynchronous pipeline; the tuned one.
//
// Idea: never wait. STAGES tiles are in flight: cp.async brings a tile from global to shared memory with no
//   register and no thread waiting, while the FMAs work on a tile that has arrived. Inside a tile the next
//   depth's fragments are read while this depth's FMAs issue, across the tile's border too.
//   A warp's 32 lanes form 4 x 8 threads over a WM x WN piece, each with TM x TN elements in 4 x 4 quads: per
//   16-byte load a warp asks for 64 bytes of A and 128 bytes of B, broadcast, with no bank conflict.
// Changes from 05: the same traffic; what goes is the waiting (two barriers and an exposed load a tile become one
//   barrier and none) and the bank conflicts. Worth about 1.2x: 85% of cuBLAS and more.
// Launch: a flat grid ceil(m / BM) * ceil(n / BN); block 32 * (BM / WM) * (BN / WN);
//   WM = 4 * TM, WN = 8 * TN; TM, TN multiples of 4, BK even;
//   dynamic shared memory STAGES * BK * (BM + 4 + BN) * 4 bytes.
//   ALIGNED: n a multiple of 4 (16-byte copies of B and stores of C); else element by element.
#include <cuda_pipeline.h>

template <int BM, int BN, int BK, int TM, int TN, int STAGES, int MIN_BLOCKS, bool ALIGNED>
__global__ void __launch_bounds__(32 * (BM / (4 * TM)) * (BN / (8 * TN)), MIN_BLOCKS)
    matmul_06_pipelined(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c, int m,
                        int n, int k) {
  constexpr int WM = 4 * TM, WN = 8 * TN, kWarpColumns = BN / WN;
  constexpr int kThreads = 32 * (BM / WM) * kWarpColumns;
  constexpr int kPitchA = BM + 4;  // 4 more: the transposing copies of A spread over the banks
  constexpr int kFloatsA = BK * kPitchA, kFloatsB = BK * BN;
  constexpr int kCopyB = ALIGNED ? 4 : 1;  // floats a copy of B
  static_assert(BM % WM == 0 && BN % WN == 0 && TM % 4 == 0 && TN % 4 == 0 && BK % 2 == 0, "see the contract");
  static_assert(kThreads % BK == 0 && BM * BK % kThreads == 0, "the copies of A divide evenly");
  static_assert(BN % 4 == 0 && BK * BN % (4 * kThreads) == 0, "the copies of B divide evenly");

  extern __shared__ float4 sharedBase[];
  float* const tilesA = reinterpret_cast<float*>(sharedBase);
  float* const tilesB = tilesA + STAGES * kFloatsA;

  const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
  // Row tiles run fastest inside a group of columns of tiles, so that blocks in flight share A and B in L2.
  constexpr int kGroup = 8;
  const int tilesM = (m + BM - 1) / BM, tilesN = (n + BN - 1) / BN;
  const int group = blockIdx.x / (kGroup * tilesN), inGroup = blockIdx.x % (kGroup * tilesN);
  const int groupRows = min(kGroup, tilesM - group * kGroup);
  const int firstRow = (group * kGroup + inGroup % groupRows) * BM, firstCol = inGroup / groupRows * BN;

  // Lanes in a zigzag: 8 lanes with neighbouring numbers cover 2 rows x 4 columns, which lets a 16-byte load of
  // a quarter warp be answered by few broadcasts.
  const int laneRow = (lane & 1) | ((lane >> 4) << 1), laneCol = (lane >> 1) & 7;
  const int fragmentA = warp / kWarpColumns * WM + laneRow * 4;
  const int fragmentB = warp % kWarpColumns * WN + laneCol * 4;

  // Copies of A: a thread keeps its depth, rows go up by kThreads / BK.
  const int depthA = thread % BK, rowA = thread / BK;
  const float* const sourceA = a + size_t(firstRow + rowA) * k + depthA;
  // Copies of B: rows of BN / kCopyB copies.
  auto copyTile = [&](int tile) {
    const int at = tile * BK;
    float* const toA = tilesA + tile % STAGES * kFloatsA + depthA * kPitchA + rowA;
#pragma unroll
    for (int i = 0; i < BM * BK / kThreads; ++i) {
      const int row = i * (kThreads / BK);
      const bool inside = firstRow + rowA + row < m && at + depthA < k;
      __pipeline_memcpy_async(toA + row, inside ? sourceA + size_t(row) * k + at : a, 4, inside ? 0 : 4);
    }
    float* const toB = tilesB + tile % STAGES * kFloatsB;
#pragma unroll
    for (int i = 0; i < BK * BN / (kCopyB * kThreads); ++i) {
      const int index = i * kThreads + thread;
      const int depth = index / (BN / kCopyB), col = index % (BN / kCopyB) * kCopyB;
      const bool inside = at + depth < k && firstCol + col < n;
      __pipeline_memcpy_async(toB + depth * BN + col, inside ? b + size_t(at + depth) * n + firstCol + col : b,
                              4 * kCopyB, inside ? 0 : 4 * kCopyB);
    }
  };

  alignas(16) float sum[TM][TN] = {};
  alignas(16) float left[2][TM], right[2][TN];
  auto loadFragments = [&](int tile, int depth, int slot) {
    const float* const fromA = tilesA + tile % STAGES * kFloatsA + depth * kPitchA + fragmentA;
    const float* const fromB = tilesB + tile % STAGES * kFloatsB + depth * BN + fragmentB;
#pragma unroll
    for (int i = 0; i < TM; i += 4)
      *reinterpret_cast<float4*>(&left[slot][i]) = *reinterpret_cast<const float4*>(fromA + i * 4);
#pragma unroll
    for (int j = 0; j < TN; j += 4)
      *reinterpret_cast<float4*>(&right[slot][j]) = *reinterpret_cast<const float4*>(fromB + j * 8);
  };

  const int tiles = (k + BK - 1) / BK;
#pragma unroll
  for (int tile = 0; tile < STAGES - 1; ++tile) {
    if (tile < tiles) copyTile(tile);
    __pipeline_commit();  // also an empty one: the waits below count commits
  }
  __pipeline_wait_prior(STAGES - 2);
  __syncthreads();
  loadFragments(0, 0, 0);

  for (int tile = 0; tile < tiles; ++tile) {
#pragma unroll
    for (int depth = 0; depth < BK; ++depth) {
      const int slot = depth % 2;
      if (depth == 0) {
        // Fills the stage that the barrier at the end of the last tile has freed.
        if (tile + STAGES - 1 < tiles) copyTile(tile + STAGES - 1);
        __pipeline_commit();
      }
      if (depth + 1 < BK) {
        loadFragments(tile, depth + 1, 1 - slot);
      } else {
        __pipeline_wait_prior(STAGES - 2);
        __syncthreads();
        if (tile + 1 < tiles) loadFragments(tile + 1, 0, 1 - slot);
      }
#pragma unroll
      for (int i = 0; i < TM; ++i)
#pragma unroll
        for (int j = 0; j < TN; ++j) sum[i][j] += left[slot][i] * right[slot][j];
    }
  }
  __pipeline_wait_prior(0);

#pragma unroll
  for (int i = 0; i < TM; ++i) {
    const int row = firstRow + fragmentA + i / 4 * 16 + i % 4;
    if (row >= m) continue;
#pragma unroll
    for (int j = 0; j < TN; j += 4) {
      const int col = firstCol + fragmentB + j * 8;
      float* const to = c + size_t(row) * n + col;
      if constexpr (ALIGNED) {
        if (col < n) *reinterpret_cast<float4*>(to) = *reinterpret_cast<float4*>(&sum[i][j]);
      } else {
#pragma unroll
        for (int e = 0; e < 4; ++e)
          if (col + e < n) to[e] = sum[i][j + e];
      }
    }
  }
}
