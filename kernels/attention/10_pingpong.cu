// Attention, rung 10: exponentials behind products.
//
// Idea: the exponential unit makes 16 results a cycle on a multiprocessor, the tensor cores 2048 multiply-adds: at head
//   dim 128 the softmax takes half as long as the products, at 64 as long as they. Two ways to do both at once. Inside a
//   warpgroup: issue S = Q K(j) and O += P V(j-1) together, and compute the softmax of S(j) while the second still runs.
//   Between warpgroups: take turns to issue, by named barriers, so that one's softmax falls into another's products
//   (ping-pong) instead of everybody multiplying, then everybody exponentiating.
// Changes from 09: the consumers' loop, one product ahead, with a first score and a last output outside of it; V therefore
//   arrives a tile behind K, and is loaded in that order. From 58% of the tensor peak to 63% by turns and 65-67% with the
//   overlap at head dim 128; FlashAttention-3 loses 14% without this rung (661 to 570 TFLOP/s).
// Launch: as 09.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention_hopper.cuh"
#include "elect.cuh"
#include "named_barrier.cuh"
#include "registers.cuh"
#include "tma.cuh"

template <typename T, int D, int WARPGROUPS, int BN, int STAGES, bool CAUSAL>
__global__ void __launch_bounds__(128 * (WARPGROUPS + 1), 1)
    attention_10_pingpong(const __grid_constant__ CUtensorMap queryMap, const __grid_constant__ CUtensorMap keyMap,
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
      lab::Ring<STAGES> keyAt, valueAt;
      auto loadKeys = [&](int j) {
        lab::mbarrierWait(keyFree[keyAt.stage], keyAt.parity ^ 1);
        lab::mbarrierArriveExpect(keyFull[keyAt.stage], kKeyBytes);
        lab::tmaLoad(keyTiles + keyAt.stage * kKeyBytes, keyMap, keyFull[keyAt.stage], 0, j * BN, 0, keyHead, tile.batch,
                     again);
        keyAt.next();
      };
      auto loadValues = [&](int j) {
        lab::mbarrierWait(valueFree[valueAt.stage], valueAt.parity ^ 1);
        lab::mbarrierArriveExpect(valueFull[valueAt.stage], kKeyBytes);
        lab::tmaLoad(valueTiles + valueAt.stage * kKeyBytes, valueMap, valueFull[valueAt.stage], 0, j * BN, 0, keyHead,
                     tile.batch, again);
        valueAt.next();
      };
      loadKeys(tile.keyTiles - 1);
      for (int j = tile.keyTiles - 2; j >= 0; --j) {
        loadKeys(j);
        loadValues(j + 1);
      }
      loadValues(0);
    }
    return;
  }

  lab::takeRegisters<WARPGROUPS == 3 ? 160 : 240>();
  const int consumer = warpgroup - 1;
  // Consumers issue their products in turns: barrier 1 + c is consumer c's, and the one before it opens it.
  auto waitTurn = [&] {
    if (WARPGROUPS > 1) lab::namedBarrierSync(1 + consumer, 256);
  };
  auto passTurn = [&] {
    if (WARPGROUPS > 1) lab::namedBarrierArrive(1 + (consumer + 1) % WARPGROUPS, 256);
  };
  if (consumer == WARPGROUPS - 1) passTurn();

  const int row = tile.row + consumer * 64 + warp * 16 + lane / 4;  // and row + 8
  unsigned char* const ownQueries = queryTile + consumer * 64 * kRowBytes;
  const float scale = shape.scale * lab::kLog2e;
  // Keys before this one are seen by every row.
  const int unmasked = lab::visibleKeys<CAUSAL>(shape, tile.row);
  lab::SoftmaxRows rows;
  unsigned p[BN / 16][4];
  float s[BN / 2], o[D / 2];
  lab::clearRows(o);

  lab::Ring<STAGES> keyAt, valueAt;
  auto freeKeys = [&] {
    if (lane == 0) lab::mbarrierArrive(keyFree[keyAt.stage]);
    keyAt.next();
  };
  auto freeValues = [&] {
    if (lane == 0) lab::mbarrierArrive(valueFree[valueAt.stage]);
    valueAt.next();
  };

  // The last tile of keys comes first: it may be cut off, and the fewest rows of a causal tile see it.
  int j = tile.keyTiles - 1;
  lab::mbarrierWait(queryFull, 0);
  lab::mbarrierWait(keyFull[keyAt.stage], keyAt.parity);
  lab::wgmmaFence();
  lab::issueScores<T, D, BM>(s, ownQueries, keyTiles + keyAt.stage * kKeyBytes);
  lab::wgmmaCommit();
  lab::wgmmaWait<0>(s);
  freeKeys();
  lab::maskScores<CAUSAL>(s, shape, row, j * BN);
  lab::softmaxTile(s, rows, scale);
  lab::packWeights<T>(p, s);

  for (--j; j >= 0; --j) {
    lab::mbarrierWait(keyFull[keyAt.stage], keyAt.parity);
    waitTurn();
    lab::wgmmaFence();
    lab::issueScores<T, D, BM>(s, ownQueries, keyTiles + keyAt.stage * kKeyBytes);
    lab::wgmmaCommit();
    lab::mbarrierWait(valueFull[valueAt.stage], valueAt.parity);
    lab::issueOutput<T>(o, p, valueTiles + valueAt.stage * kKeyBytes);
    lab::wgmmaCommit();
    passTurn();
    lab::wgmmaWait<1>(s);
    freeKeys();
    // The tensor cores add P V(j+1) while the exponential unit works on S(j).
    if (CAUSAL && (j + 1) * BN > unmasked) lab::maskScores<CAUSAL>(s, shape, row, j * BN);
    const lab::RowFactors keep = lab::softmaxTile(s, rows, scale);
    lab::wgmmaWait<0>(o);
    freeValues();
    lab::packWeights<T>(p, s);
    lab::scaleRows(o, keep);
  }

  lab::mbarrierWait(valueFull[valueAt.stage], valueAt.parity);
  lab::wgmmaFence();
  lab::issueOutput<T>(o, p, valueTiles + valueAt.stage * kKeyBytes);
  lab::wgmmaCommit();
  lab::wgmmaWait<0>(o);
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
