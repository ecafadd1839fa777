// MoE, step 12: the grouped matmul on wgmma, fed by TMA.
//
// Idea: step 09's numbering of tiles with Hopper's units. A producer thread loads tiles as far ahead as there are
//   stages; two consumer warpgroups multiply 64 x 256 each straight from shared memory. Blocks stay: the next tile's
//   loads begin while the last one's results leave.
// Changes from 09: wgmma's rate instead of mma.sync's 60% of it, no fragments in registers, no addresses by all threads:
//   1.56 times as fast. Where CLUSTER is 2, two blocks one below the other take the same columns, and each loads half of
//   the weights' tile for both: a third less from L2 (32 KB a step of 4.2 MFLOP instead of 48), but an H200 was slower by
//   13% with it (kernels/NOTES.md), so that 1 is the usual.
// Launch: grid a multiple of CLUSTER, at most as many blocks as fit at once; cluster CLUSTER, block 384, dynamic shared
//   memory STAGES * 49,152 bytes. Maps of bfloat16 with 128-byte swizzle: x is rows x k in boxes of 128 x 64, w
//   experts x k x n in boxes of 1 x 64 x 64. Experts first .. end - 1 are computed. k and n multiples of 8.
#include <cuda_bf16.h>

#include "cluster.cuh"
#include "elect.cuh"
#include "fast_math.cuh"
#include "registers.cuh"
#include "tma.cuh"
#include "wgmma.cuh"

constexpr int BM = 128, BN = 256, BK = 64, kConsumers = 2, kThreads = 128 * (kConsumers + 1);
constexpr int kRowBytes = BK * 2, kPanels = BN / 64, kPanelBytes = BK * 128;  // a panel: 64 columns of w by BK
constexpr int kBytesX = BM * kRowBytes, kBytesW = kPanels * kPanelBytes;
constexpr int kGroupRows = 2048;  // rows whose tiles are walked column by column, so that x and w come from L2

// x (1 + erf(x / sqrt 2)) / 2, erf by Abramowitz and Stegun 7.1.26: within 1.5e-7, in half of erff's instructions.
__device__ __forceinline__ float gelu(float x) {
  const float z = fabsf(x) * 0.70710678f, t = lab::reciprocalApprox(fmaf(0.3275911f, z, 1.0f));
  float sum = fmaf(t, 1.061405429f, -1.453152027f);
  sum = fmaf(t, sum, 1.421413741f);
  sum = fmaf(t, sum, -0.284496736f);
  sum = fmaf(t, sum, 0.254829592f);
  const float rest = t * sum * lab::exp2Approx(-1.44269504f * z * z);  // 1 - erf(z)
  return fmaxf(x, 0.0f) - 0.5f * fabsf(x) * rest;
}

// The tiles of all experts in order; each search goes on where the last one ended.
struct Tiles {
  const int* start;
  const int end, columns, rows;  // rows of a cluster's tile
  int expert, passed = 0;
  int firstRow = 0, firstColumn = 0;

  __device__ bool find(int tile) {
    for (; expert < end; ++expert) {
      const int down = (start[expert + 1] - start[expert] + rows - 1) / rows;
      if (tile - passed < down * columns) {
        const int most = kGroupRows / rows, inside = tile - passed, group = inside / (most * columns);
        const int width = min(most, down - group * most), place = inside - group * most * columns;
        firstRow = start[expert] + (group * most + place % width) * rows;
        firstColumn = place / width * BN;
        return true;
      }
      passed += down * columns;
    }
    return false;
  }
};

template <int STAGES, int CLUSTER, bool GELU>
__global__ void __launch_bounds__(kThreads, 1)
    moe_12_grouped_hopper(const __grid_constant__ CUtensorMap xMap, const __grid_constant__ CUtensorMap wMap,
                          __nv_bfloat16* __restrict__ y, const int* __restrict__ start, int first, int end, int n,
                          int k) {
  static_assert(CLUSTER == 1 || CLUSTER == 2, "a tile of w has four panels to share");
  extern __shared__ __align__(1024) unsigned char shared[];
  unsigned char* const tilesX = shared;
  unsigned char* const tilesW = shared + STAGES * kBytesX;
  __shared__ lab::Mbarrier full[STAGES], free[STAGES];

  const int warpgroup = threadIdx.x / 128, warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  const int rank = CLUSTER == 1 ? 0 : static_cast<int>(lab::clusterRank());
  if (threadIdx.x == 0) {
    for (int s = 0; s < STAGES; ++s) {
      lab::mbarrierInit(full[s], 1);
      // A stage is written from every block of the cluster, when all of their consumers' warps have read theirs.
      lab::mbarrierInit(free[s], CLUSTER * 4 * kConsumers);
    }
    lab::mbarrierInitFence();
  }
  lab::clusterSync();

  const int steps = (k + BK - 1) / BK, clusters = gridDim.x / CLUSTER;
  Tiles tiles{start, end, (n + BN - 1) / BN, CLUSTER * BM, first};
  lab::Ring<STAGES> at;
  if (warpgroup == 0) {
    lab::releaseRegisters<40>();
    if (warp == 0 && lab::electOne()) {
      for (int tile = blockIdx.x / CLUSTER; tiles.find(tile); tile += clusters) {
        for (int step = 0; step < steps; ++step, at.next()) {
          unsigned char* const toX = tilesX + at.stage * kBytesX;
          unsigned char* const toW = tilesW + at.stage * kBytesW;
          lab::mbarrierWait(free[at.stage], at.parity ^ 1);
          lab::mbarrierArriveExpect(full[at.stage], kBytesX + kBytesW);
          lab::tmaLoad(toX, xMap, full[at.stage], step * BK, tiles.firstRow + rank * BM);
#pragma unroll
          for (int i = 0; i < kPanels / CLUSTER; ++i) {
            const int panel = rank * (kPanels / CLUSTER) + i, column = tiles.firstColumn + 64 * panel;
            if constexpr (CLUSTER == 1) {
              lab::tmaLoad(toW + panel * kPanelBytes, wMap, full[at.stage], column, step * BK, tiles.expert);
            } else {
              lab::tmaLoadMulticast(toW + panel * kPanelBytes, wMap, full[at.stage], (1u << CLUSTER) - 1, column,
                                    step * BK, tiles.expert);
            }
          }
        }
      }
    }
  } else {
    lab::takeRegisters<232>();
    const int consumer = warpgroup - 1;
    const auto release = [&](int stage) {
      if (CLUSTER == 1) {
        if (lane == 0) lab::mbarrierArrive(free[stage]);
      } else if (lane < CLUSTER) {
        lab::mbarrierArriveRemote(free[stage], lane);
      }
    };
    float sum[BN / 2];
    for (int tile = blockIdx.x / CLUSTER; tiles.find(tile); tile += clusters) {
      int before = 0;
      for (int step = 0; step < steps; ++step, at.next()) {
        const auto x = lab::kMajor(tilesX + at.stage * kBytesX + consumer * 64 * kRowBytes);
        const auto w = lab::mnMajor(tilesW + at.stage * kBytesW, kPanelBytes);
        lab::mbarrierWait(full[at.stage], at.parity);
        lab::wgmmaFence();
#pragma unroll
        for (int part = 0; part < BK / 16; ++part) {
          lab::wgmma<__nv_bfloat16, lab::Major::mn>(sum, lab::advance(x, 32 * part), lab::advance(w, 2048 * part),
                                                    step > 0 || part > 0);
        }
        lab::wgmmaCommit();
        // One step multiplies while the next is issued; the one before has read its stage.
        lab::wgmmaWait<1>();
        if (step > 0) release(before);
        before = at.stage;
      }
      lab::wgmmaWait<0>(sum);
      release(before);

      const int row = tiles.firstRow + rank * BM + consumer * 64 + warp * 16 + lane / 4, last = start[tiles.expert + 1];
#pragma unroll
      for (int r = 0; r < BN / 2; r += 2) {
        const int line = row + r / 2 % 2 * 8, column = tiles.firstColumn + 8 * (r / 4) + 2 * (lane % 4);
        const float low = GELU ? gelu(sum[r]) : sum[r], high = GELU ? gelu(sum[r + 1]) : sum[r + 1];
        if (line < last && column < n)
          *reinterpret_cast<unsigned*>(y + size_t(line) * n + column) = lab::packFloats<__nv_bfloat16>(low, high);
      }
    }
  }
  // A peer may still send weights here, or tell this block that it has read them.
  lab::clusterSync();
}
