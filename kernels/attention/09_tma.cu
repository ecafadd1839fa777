// Attention, rung 09: one thread loads whole tiles, the others compute.
//
// Idea: a copy of a tile needs no 384 threads, no addresses and no registers. The tensor memory accelerator takes a map,
//   coordinates and an mbarrier, and writes the tile in the swizzle itself, zeros where the tensor ends. So the roles part:
//   a producer warpgroup gives its registers away and issues loads as far ahead as there are stages; the consumers take
//   them (setmaxnreg) and only multiply and exponentiate. Full and free stages are told by mbarriers: no __syncthreads.
// Changes from 08: who loads, and how. Two or three consumers of 64 rows share each tile of keys, and the output leaves
//   through shared memory by TMA. Each consumer still does Q K, softmax and P V one after the other; while one waits for
//   its exponentials, another may multiply. From 40-45% of the tensor peak to 58% at head dim 128 (FlashAttention-3
//   without the overlap of rung 10: 570 TFLOP/s of its 661).
// Launch: grid = tiles of 64 * WARPGROUPS queries x heads x batch, block 128 * (WARPGROUPS + 1), dynamic shared memory of
//   (64 * WARPGROUPS + STAGES * 2 * BN) * D halves; maps by [batch, head, head dim / 64, row, 64], boxes
//   [1, 1, D / 64, rows, 64] with 128-byte swizzle, rows: q 64 * WARPGROUPS, k and v BN; out [1, 1, 1, 64, 64].
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention_hopper.cuh"
#include "elect.cuh"
#include "named_barrier.cuh"
#include "registers.cuh"
#include "tma.cuh"

template <typename T, int D, int WARPGROUPS, int BN, int STAGES, bool CAUSAL>
__global__ void __launch_bounds__(128 * (WARPGROUPS + 1), 1)
    attention_09_tma(const __grid_constant__ CUtensorMap queryMap, const __grid_constant__ CUtensorMap keyMap,
                     const __grid_constant__ CUtensorMap valueMap, const __grid_constant__ CUtensorMap outMap,
                     float* __restrict__ lse, const AttentionShape shape) {
  constexpr int BM = 64 * WARPGROUPS, kPanels = D / 64, kRowBytes = lab::kPanelRowBytes;
  constexpr int kQueryBytes = kPanels * BM * kRowBytes, kKeyBytes = kPanels * BN * kRowBytes;
  static_assert(D % 64 == 0 && BN % 16 == 0 && BN <= 256 && D <= 256, "tiles that wgmma and TMA know");

  extern __shared__ __align__(1024) unsigned char shared[];
  unsigned char* const queryTile = shared;
  unsigned char* const keyTiles = queryTile + kQueryBytes;
  unsigned char* const valueTiles = keyTiles + STAGES * kKeyBytes;
  __shared__ lab::Mbarrier queryFull, keyFull[STAGES], keyFree[STAGES], valueFull[STAGES], valueFree[STAGES];

  const int warpgroup = threadIdx.x / 128, warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  if (threadIdx.x == 0) {
    lab::mbarrierInit(queryFull, 1);
    for (int s = 0; s < STAGES; ++s) {
      lab::mbarrierInit(keyFull[s], 1);
      lab::mbarrierInit(valueFull[s], 1);
      // A wait for wgmma is a warp's own: each of the consumers' warps says when it is done.
      lab::mbarrierInit(keyFree[s], 4 * WARPGROUPS);
      lab::mbarrierInit(valueFree[s], 4 * WARPGROUPS);
    }
    lab::mbarrierInitFence();
  }
  __syncthreads();

  const int rowTiles = (shape.queries + BM - 1) / BM;
  const lab::QueryTile tile = lab::queryTile<CAUSAL, BM, BN>(shape, blockIdx.x % rowTiles, blockIdx.x / rowTiles);
  if (warpgroup == 0) {
    lab::releaseRegisters<WARPGROUPS == 3 ? 32 : 24>();
    if (warp == 0 && lab::electOne()) {
      const lab::CachePolicy once = lab::evictFirst(), again = lab::evictLast();
      const int keyHead = tile.head / shape.group;
      lab::mbarrierArriveExpect(queryFull, kQueryBytes);
      lab::tmaLoad(queryTile, queryMap, queryFull, 0, tile.row, 0, tile.head, tile.batch, once);
      lab::Ring<STAGES> at;
      for (int j = tile.keyTiles - 1; j >= 0; --j, at.next()) {
        lab::mbarrierWait(keyFree[at.stage], at.parity ^ 1);
        lab::mbarrierArriveExpect(keyFull[at.stage], kKeyBytes);
        lab::tmaLoad(keyTiles + at.stage * kKeyBytes, keyMap, keyFull[at.stage], 0, j * BN, 0, keyHead, tile.batch,
                     again);
        lab::mbarrierWait(valueFree[at.stage], at.parity ^ 1);
        lab::mbarrierArriveExpect(valueFull[at.stage], kKeyBytes);
        lab::tmaLoad(valueTiles + at.stage * kKeyBytes, valueMap, valueFull[at.stage], 0, j * BN, 0, keyHead, tile.batch,
                     again);
      }
    }
    return;
  }

  lab::takeRegisters<WARPGROUPS == 3 ? 160 : 240>();
  const int consumer = warpgroup - 1;
  const int row = tile.row + consumer * 64 + warp * 16 + lane / 4;  // and row + 8
  unsigned char* const ownQueries = queryTile + consumer * 64 * kRowBytes;
  const float scale = shape.scale * lab::kLog2e;
  // Keys before this one are seen by every row.
  const int unmasked = lab::visibleKeys<CAUSAL>(shape, tile.row);
  lab::SoftmaxRows rows;
  unsigned p[BN / 16][4];
  float s[BN / 2], o[D / 2];
  lab::clearRows(o);

  lab::mbarrierWait(queryFull, 0);
  lab::Ring<STAGES> at;
  for (int j = tile.keyTiles - 1; j >= 0; --j, at.next()) {
    lab::mbarrierWait(keyFull[at.stage], at.parity);
    lab::wgmmaFence();
    lab::issueScores<T, D, BM>(s, ownQueries, keyTiles + at.stage * kKeyBytes);
    lab::wgmmaCommit();
    lab::wgmmaWait<0>(s);
    if (lane == 0) lab::mbarrierArrive(keyFree[at.stage]);

    if ((j + 1) * BN > unmasked) lab::maskScores<CAUSAL>(s, shape, row, j * BN);
    const lab::RowFactors keep = lab::softmaxTile(s, rows, scale);
    lab::packWeights<T>(p, s);
    lab::scaleRows(o, keep);

    lab::mbarrierWait(valueFull[at.stage], at.parity);
    lab::wgmmaFence();
    lab::issueOutput<T>(o, p, valueTiles + at.stage * kKeyBytes);
    lab::wgmmaCommit();
    lab::wgmmaWait<0>(o);
    if (lane == 0) lab::mbarrierArrive(valueFree[at.stage]);
  }
  lab::finishRows(o, rows, lse, shape, tile, row);

  // The finished rows take the place of this consumer's queries.
  lab::layOutput<T, BM>(queryTile, consumer * 64 + warp * 16, o);
  lab::fenceProxyAsync();
  lab::namedBarrierSync(8 + consumer, 128);
  if (warp == 0 && lab::electOne()) {
#pragma unroll
    for (int panel = 0; panel < kPanels; ++panel) {
      lab::tmaStore(outMap, ownQueries + panel * BM * kRowBytes, 0, tile.row + consumer * 64, panel, tile.head,
                    tile.batch);
    }
    lab::bulkCommit();
    lab::bulkWaitRead<0>();
  }
}
