// Attention, rung 11: blocks that stay, long tiles first.
//
// Idea: a causal tile at the bottom sees all keys, one at the top almost none. Started in their order, a tile a block, the
//   longest come last and leave most multiprocessors idle at the end; and every block pays for its start and its store.
//   Here as many blocks as multiprocessors stay and draw tile after tile, the longest first, within sections of heads
//   whose keys and values fit the L2 cache together, so that what one tile loaded is still there for the next.
// Changes from 10: the producer draws a tile's number from a counter in memory and hands it to the consumers through a
//   ring of slots, each with an mbarrier; the next tile's keys arrive while this one's output is stored. Tiles that the
//   diagonal crosses have a loop of their own, so that the other has no mask and no branch. Causal: towards 61% of the
//   tensor peak at head dim 128; without a mask 1-2% from the starts that are saved.
// Launch: grid = multiprocessors (or the tiles, if fewer), block, shared memory and maps as 09; nextTile an int that is 0
//   before and after; section: heads whose keys and values fit the L2 cache.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention_hopper.cuh"
#include "elect.cuh"
#include "named_barrier.cuh"
#include "registers.cuh"
#include "tma.cuh"

namespace {

// Says at compile time whether a tile's scores need the mask.
template <bool M>
struct Masked {
  static constexpr bool value = M;
};

}  // namespace

template <typename T, int D, int WARPGROUPS, int BN, int STAGES, bool CAUSAL>
__global__ void __launch_bounds__(128 * (WARPGROUPS + 1), 1)
    attention_11_causal(const __grid_constant__ CUtensorMap queryMap, const __grid_constant__ CUtensorMap keyMap,
                         const __grid_constant__ CUtensorMap valueMap, const __grid_constant__ CUtensorMap outMap,
                         float* __restrict__ lse, int* __restrict__ nextTile, const AttentionShape shape, int section) {
  constexpr int BM = 64 * WARPGROUPS, kPanels = D / 64, kRowBytes = lab::kPanelRowBytes;
  constexpr int kQueryBytes = kPanels * BM * kRowBytes, kKeyBytes = kPanels * BN * kRowBytes;
  constexpr int kSlots = 2;  // tile numbers under way: the producer is at most one tile ahead
  static_assert(D % 64 == 0 && BN % 16 == 0 && BN <= 256 && D <= 256, "tiles that wgmma and TMA know");

  extern __shared__ __align__(1024) unsigned char shared[];
  unsigned char* const queryTile = shared;
  unsigned char* const keyTiles = queryTile + kQueryBytes;
  unsigned char* const valueTiles = keyTiles + STAGES * kKeyBytes;
  __shared__ lab::Mbarrier queryFull, queryFree, slotFull[kSlots];
  __shared__ lab::Mbarrier keyFull[STAGES], keyFree[STAGES], valueFull[STAGES], valueFree[STAGES];
  __shared__ int slots[kSlots];

  const int warpgroup = threadIdx.x / 128, warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  if (threadIdx.x == 0) {
    lab::mbarrierInit(queryFull, 1);
    lab::mbarrierInit(queryFree, WARPGROUPS);
    for (int s = 0; s < kSlots; ++s) lab::mbarrierInit(slotFull[s], 1);
    for (int s = 0; s < STAGES; ++s) {
      lab::mbarrierInit(keyFull[s], 1);
      lab::mbarrierInit(valueFull[s], 1);
      lab::mbarrierInit(keyFree[s], 4 * WARPGROUPS);
      lab::mbarrierInit(valueFree[s], 4 * WARPGROUPS);
    }
    lab::mbarrierInitFence();
  }
  __syncthreads();

  const int tiles = (shape.queries + BM - 1) / BM * shape.batch * shape.heads;
  if (warpgroup == 0) {
    lab::releaseRegisters<WARPGROUPS == 3 ? 32 : 24>();
    if (warp == 0 && lab::electOne()) {
      lab::tmaPrefetchMap(queryMap);
      lab::tmaPrefetchMap(keyMap);
      lab::tmaPrefetchMap(valueMap);
      const lab::CachePolicy once = lab::evictFirst(), again = lab::evictLast();
      lab::Ring<STAGES> keyAt, valueAt;
      lab::Ring<1> queryAt;
      lab::Ring<kSlots> slotAt;
      for (int index = blockIdx.x; index < tiles;) {
        const lab::QueryTile tile = lab::queryTileAt<CAUSAL, BM, BN>(shape, index, section);
        // The next tile's number: asked for now, needed behind the first loads.
        const int drawn = atomicAdd(nextTile, 1);
        const int keyHead = tile.head / shape.group;
        auto loadKeys = [&](int j) {
          lab::mbarrierWait(keyFree[keyAt.stage], keyAt.parity ^ 1);
          lab::mbarrierArriveExpect(keyFull[keyAt.stage], kKeyBytes);
          lab::tmaLoad(keyTiles + keyAt.stage * kKeyBytes, keyMap, keyFull[keyAt.stage], 0, j * BN, 0, keyHead,
                       tile.batch, again);
          keyAt.next();
        };
        auto loadValues = [&](int j) {
          lab::mbarrierWait(valueFree[valueAt.stage], valueAt.parity ^ 1);
          lab::mbarrierArriveExpect(valueFull[valueAt.stage], kKeyBytes);
          lab::tmaLoad(valueTiles + valueAt.stage * kKeyBytes, valueMap, valueFull[valueAt.stage], 0, j * BN, 0, keyHead,
                       tile.batch, again);
          valueAt.next();
        };
        // The first keys need not wait until the last tile's output has left the place of the queries.
        loadKeys(tile.keyTiles - 1);
        lab::mbarrierWait(queryFree, queryAt.parity ^ 1);
        lab::mbarrierArriveExpect(queryFull, kQueryBytes);
        lab::tmaLoad(queryTile, queryMap, queryFull, 0, tile.row, 0, tile.head, tile.batch, once);
        queryAt.next();

        // Whoever draws the last number of all puts the counter back for the next launch.
        if (drawn == tiles - 1) atomicExch(nextTile, 0);
        index = drawn + static_cast<int>(gridDim.x);
        slots[slotAt.stage] = index;
        lab::mbarrierArrive(slotFull[slotAt.stage]);
        slotAt.next();

        for (int j = tile.keyTiles - 2; j >= 0; --j) {
          loadKeys(j);
          loadValues(j + 1);
        }
        loadValues(0);
      }
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

  unsigned char* const ownQueries = queryTile + consumer * 64 * kRowBytes;
  const float scale = shape.scale * lab::kLog2e;
  lab::Ring<STAGES> keyAt, valueAt;
  lab::Ring<1> queryAt;
  lab::Ring<kSlots> slotAt;
  unsigned p[BN / 16][4];
  float s[BN / 2], o[D / 2];

  auto issueScores = [&] {
    lab::issueScores<T, D, BM>(s, ownQueries, keyTiles + keyAt.stage * kKeyBytes);
    lab::wgmmaCommit();
  };
  auto issueOutput = [&] {
    lab::issueOutput<T>(o, p, valueTiles + valueAt.stage * kKeyBytes);
    lab::wgmmaCommit();
  };
  auto freeKeys = [&] {
    if (lane == 0) lab::mbarrierArrive(keyFree[keyAt.stage]);
    keyAt.next();
  };
  auto freeValues = [&] {
    if (lane == 0) lab::mbarrierArrive(valueFree[valueAt.stage]);
    valueAt.next();
  };

  int index = blockIdx.x;
  while (index < tiles) {
    const lab::QueryTile tile = lab::queryTileAt<CAUSAL, BM, BN>(shape, index, section);
    const int row = tile.row + consumer * 64 + warp * 16 + lane / 4;  // and row + 8
    lab::SoftmaxRows rows;
    lab::mbarrierWait(queryFull, queryAt.parity);
    queryAt.next();
    lab::mbarrierWait(keyFull[keyAt.stage], keyAt.parity);
    lab::wgmmaFence();
    issueScores();
    lab::wgmmaWait<0>(s);
    freeKeys();
    // The last tile of keys comes first: it is the one that may need a mask.
    int j = tile.keyTiles - 1;
    lab::maskScores<CAUSAL>(s, shape, row, j * BN);
    lab::softmaxTile(s, rows, scale);
    lab::packWeights<T>(p, s);
    lab::clearRows(o);

    auto advanceTile = [&](auto masked) {
      lab::mbarrierWait(keyFull[keyAt.stage], keyAt.parity);
      waitTurn();
      lab::wgmmaFence();
      issueScores();
      lab::mbarrierWait(valueFull[valueAt.stage], valueAt.parity);
      issueOutput();
      passTurn();
      lab::wgmmaWait<1>(s);
      freeKeys();
      if (decltype(masked)::value) lab::maskScores<CAUSAL>(s, shape, row, j * BN);
      const lab::RowFactors keep = lab::softmaxTile(s, rows, scale);
      lab::wgmmaWait<0>(o);
      freeValues();
      lab::packWeights<T>(p, s);
      lab::scaleRows(o, keep);
    };
    if (CAUSAL) {
      // Tiles that the diagonal crosses.
      const int full = lab::visibleKeys<true>(shape, tile.row) / BN;
      for (--j; j >= full && j >= 0; --j) advanceTile(Masked<true>{});
      for (; j >= 0; --j) advanceTile(Masked<false>{});
    } else {
      for (--j; j >= 0; --j) advanceTile(Masked<false>{});
    }

    lab::mbarrierWait(slotFull[slotAt.stage], slotAt.parity);
    index = slots[slotAt.stage];
    slotAt.next();
    lab::mbarrierWait(valueFull[valueAt.stage], valueAt.parity);
    lab::wgmmaFence();
    issueOutput();
    lab::wgmmaWait<0>(o);
    freeValues();
    lab::finishRows(o, rows, lse, shape, tile, row);

    // The finished rows take the place of this consumer's queries, in the swizzle that TMA undoes.
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
      lab::mbarrierArrive(queryFree);
    }
  }
}
