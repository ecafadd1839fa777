// Attention, rung 15: nobody waits at the ends of a tile.
//
// Idea: at 512 keys a block has four tiles of keys, and what lies before the first and behind the last product, some 5 of
//   11 microseconds by its own clock, counts more than anything between. The first loads leave before the block has met;
//   each consumer begins when its own queries are there; the output's store is issued before the log-sum-exp is computed,
//   and is waited for in the next tile, under a product.
// Changes from 14: the thread that sets up the barriers sends the first loads; a barrier of queries for each consumer, whose
//   tiles are loaded in pieces of 64 rows and 64 head dims; log-sum-exp and the wait for the store behind the store. Without
//   a second tile of queries the next scores are issued at the end of the loop as well. UPWARD begins with the first keys:
//   under a causal mask the blocks of a head then start with the same tile instead of each with its own diagonal, and a cold
//   L2 is asked for an eighth as much at 1,024 keys. About 5% at 1,024 keys, 10% at 512.
// Launch: grid = multiprocessors (or the tiles, if fewer), block 128 * (WARPGROUPS + 1), dynamic shared memory of
//   (QUERY_STAGES * 64 * WARPGROUPS + STAGES * 2 * BN) * D halves; nextTile an int that is 0 before and after; maps by
//   [batch, head, head dim / 64, row, 64], 128-byte swizzle, boxes: k and v [1, 1, D / 64, BN, 64],
//   q and out [1, 1, 1, 64, 64].
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

template <typename T, int D, int WARPGROUPS, int BN, int STAGES, bool CAUSAL, int QUERY_STAGES, bool TURNS,
          bool UPWARD>
__global__ void __launch_bounds__(128 * (WARPGROUPS + 1), 1)
    attention_15_ends(const __grid_constant__ CUtensorMap queryMap, const __grid_constant__ CUtensorMap keyMap,
                      const __grid_constant__ CUtensorMap valueMap, const __grid_constant__ CUtensorMap outMap,
                      float* __restrict__ lse, int* __restrict__ nextTile, const AttentionShape shape, int section) {
  constexpr int BM = 64 * WARPGROUPS, kPanels = D / 64;
  constexpr int kRowBytes = lab::kPanelRowBytes, kQueryPanel = BM * kRowBytes;
  constexpr int kQueryBytes = kPanels * kQueryPanel, kKeyBytes = kPanels * BN * kRowBytes;
  // With a second tile of queries in shared memory the next tile's first product fills the end of this one.
  constexpr bool kCross = QUERY_STAGES == 2;
  constexpr int kSlots = 4;  // tile numbers under way: the producer is at most two tiles ahead
  static_assert(D % 64 == 0 && BN % 16 == 0 && BN <= 256 && D <= 256, "tiles that wgmma and TMA know");

  extern __shared__ __align__(1024) unsigned char shared[];
  unsigned char* const queryTiles = shared;
  unsigned char* const keyTiles = queryTiles + QUERY_STAGES * kQueryBytes;
  unsigned char* const valueTiles = keyTiles + STAGES * kKeyBytes;
  __shared__ lab::Mbarrier queryFull[QUERY_STAGES][WARPGROUPS], queryFree[QUERY_STAGES], slotFull[kSlots];
  __shared__ lab::Mbarrier keyFull[STAGES], keyFree[STAGES], valueFull[STAGES], valueFree[STAGES];
  __shared__ int slots[kSlots];

  const int warpgroup = threadIdx.x / 128, warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  const lab::CachePolicy once = lab::evictFirst(), again = lab::evictLast();
  auto loadQueries = [&](int stage, const lab::QueryTile& tile) {
    for (int c = 0; c < WARPGROUPS; ++c) {
      lab::mbarrierArriveExpect(queryFull[stage][c], kQueryBytes / WARPGROUPS);
      for (int panel = 0; panel < kPanels; ++panel) {
        lab::tmaLoad(queryTiles + stage * kQueryBytes + panel * kQueryPanel + c * 64 * kRowBytes, queryMap,
                     queryFull[stage][c], 0, tile.row + c * 64, panel, tile.head, tile.batch, once);
      }
    }
  };
  auto loadTile = [&](unsigned char* to, const CUtensorMap& map, lab::Mbarrier& full, const lab::QueryTile& tile, int j) {
    lab::mbarrierArriveExpect(full, kKeyBytes);
    lab::tmaLoad(to, map, full, 0, j * BN, 0, tile.head / shape.group, tile.batch, again);
  };
  auto keysAt = [](const lab::QueryTile& tile, int step) { return UPWARD ? step : tile.keyTiles - 1 - step; };
  const int tiles = (shape.queries + BM - 1) / BM * shape.batch * shape.heads;
  if (threadIdx.x == 0) {
    lab::tmaPrefetchMap(keyMap);
    lab::tmaPrefetchMap(queryMap);
    for (int s = 0; s < QUERY_STAGES; ++s) {
      for (int c = 0; c < WARPGROUPS; ++c) lab::mbarrierInit(queryFull[s][c], 1);
      lab::mbarrierInit(queryFree[s], WARPGROUPS);
    }
    for (int s = 0; s < kSlots; ++s) lab::mbarrierInit(slotFull[s], 1);
    for (int s = 0; s < STAGES; ++s) {
      lab::mbarrierInit(keyFull[s], 1);
      lab::mbarrierInit(valueFull[s], 1);
      lab::mbarrierInit(keyFree[s], 4 * WARPGROUPS);
      lab::mbarrierInit(valueFree[s], 4 * WARPGROUPS);
    }
    lab::mbarrierInitFence();
    // Nobody else is needed for the first loads: they travel while the block meets and registers are handed over.
    const lab::QueryTile first = lab::queryTileAt<CAUSAL, BM, BN>(shape, blockIdx.x, section);
    loadTile(keyTiles, keyMap, keyFull[0], first, keysAt(first, 0));
    loadQueries(0, first);
    lab::tmaPrefetchMap(valueMap);
  }
  __syncthreads();

  if (warpgroup == 0) {
    lab::releaseRegisters<WARPGROUPS == 3 ? 32 : 24>();
    if (warp == 0 && lab::electOne()) {
      lab::Ring<STAGES> keyAt, valueAt;
      lab::Ring<QUERY_STAGES> queryAt;
      lab::Ring<kSlots> slotAt;
      int next;
      // Whoever draws the last number of all puts the counter back for the next launch.
      auto drawNext = [&] {
        const int drawn = atomicAdd(nextTile, 1);
        if (drawn == tiles - 1) atomicExch(nextTile, 0);
        next = drawn + static_cast<int>(gridDim.x);
        slots[slotAt.stage] = next;
        lab::mbarrierArrive(slotFull[slotAt.stage]);
        slotAt.next();
      };
      for (int index = blockIdx.x; index < tiles; index = next) {
        const lab::QueryTile tile = lab::queryTileAt<CAUSAL, BM, BN>(shape, index, section);
        auto loadKeys = [&](int j) {
          lab::mbarrierWait(keyFree[keyAt.stage], keyAt.parity ^ 1);
          loadTile(keyTiles + keyAt.stage * kKeyBytes, keyMap, keyFull[keyAt.stage], tile, j);
          keyAt.next();
        };
        auto loadValues = [&](int j) {
          lab::mbarrierWait(valueFree[valueAt.stage], valueAt.parity ^ 1);
          loadTile(valueTiles + valueAt.stage * kKeyBytes, valueMap, valueFull[valueAt.stage], tile, j);
          valueAt.next();
        };
        // Before the loads, where they are not under way yet: the consumers learn early where to go on.
        drawNext();
        if (index == static_cast<int>(blockIdx.x)) {
          queryAt.next();
          keyAt.next();
        } else {
          lab::mbarrierWait(queryFree[queryAt.stage], queryAt.parity ^ 1);
          loadQueries(queryAt.stage, tile);
          queryAt.next();
          loadKeys(keysAt(tile, 0));
        }
        for (int step = 1; step < tile.keyTiles; ++step) {
          loadKeys(keysAt(tile, step));
          loadValues(keysAt(tile, step - 1));
        }
        loadValues(keysAt(tile, tile.keyTiles - 1));
      }
    }
    return;
  }

  lab::takeRegisters<WARPGROUPS == 3 ? 160 : 240>();
  const int consumer = warpgroup - 1;
  // Consumers issue their products in turns: barrier 1 + c is consumer c's, and the one before it opens it.
  constexpr bool kTurns = TURNS && WARPGROUPS > 1;
  auto waitTurn = [&] {
    if (kTurns) lab::namedBarrierSync(1 + consumer, 256);
  };
  auto passTurn = [&] {
    if (kTurns) lab::namedBarrierArrive(1 + (consumer + 1) % WARPGROUPS, 256);
  };
  if (consumer == WARPGROUPS - 1) passTurn();

  const float scale = shape.scale * lab::kLog2e, slack = lab::kSlack / scale;
  lab::Ring<STAGES> keyAt, valueAt;
  lab::Ring<QUERY_STAGES> queryAt;
  lab::Ring<kSlots> slotAt;
  unsigned p[BN / 16][4];
  float s[BN / 2], o[D / 2];

  auto issueScores = [&] {
    lab::issueScores<T, D, BM>(s, queryTiles + queryAt.stage * kQueryBytes + consumer * 64 * kRowBytes,
                               keyTiles + keyAt.stage * kKeyBytes);
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
  auto waitScoresInput = [&] {
    lab::mbarrierWait(queryFull[queryAt.stage][consumer], queryAt.parity);
    lab::mbarrierWait(keyFull[keyAt.stage], keyAt.parity);
  };

  int index = blockIdx.x;
  waitScoresInput();
  lab::wgmmaFence();
  issueScores();
  lab::wgmmaWait<0>(s);
  freeKeys();
  // The barrier that the store of the last tile frees, in the thread that has issued it.
  lab::Mbarrier* stored = nullptr;
  auto settleStore = [&] {
    if (stored == nullptr) return;
    lab::bulkWaitRead<0>();
    lab::mbarrierArrive(*stored);
    stored = nullptr;
  };
  while (index < tiles) {
    const lab::QueryTile tile = lab::queryTileAt<CAUSAL, BM, BN>(shape, index, section);
    const int row = tile.row + consumer * 64 + warp * 16 + lane / 4;  // and row + 8
    lab::SoftmaxRows rows;
    // Tiles of keys below `full` need no mask. Downward the last comes first: without a causal mask the only one that may.
    const int full = lab::visibleKeys<CAUSAL>(shape, tile.row) / BN;
    int j = keysAt(tile, 0);
    if (!UPWARD || full == 0) lab::maskScores<CAUSAL>(s, shape, row, j * BN);
    lab::softmaxTile(s, rows, scale);
    lab::packWeights<T>(p, s);
    lab::clearRows(o);
    settleStore();

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
      lab::RowFactors keep = {1.0f, 1.0f};
      const bool grown = lab::lazySoftmaxTile(s, rows, scale, slack, keep);
      lab::wgmmaWait<0>(o);
      freeValues();
      lab::packWeights<T>(p, s);
      if (grown) lab::scaleRows(o, keep);
    };
    if (UPWARD) {
      for (++j; j < full && j < tile.keyTiles; ++j) advanceTile(Masked<false>{});
      for (; j < tile.keyTiles; ++j) advanceTile(Masked<true>{});
    } else if (CAUSAL) {
      for (--j; j >= full && j >= 0; --j) advanceTile(Masked<true>{});
      for (; j >= 0; --j) advanceTile(Masked<false>{});
    } else {
      for (--j; j >= 0; --j) advanceTile(Masked<false>{});
    }

    lab::mbarrierWait(slotFull[slotAt.stage], slotAt.parity);
    index = slots[slotAt.stage];
    slotAt.next();
    const int outStage = queryAt.stage;
    unsigned char* const outTile = queryTiles + outStage * kQueryBytes;
    queryAt.next();
    lab::mbarrierWait(valueFull[valueAt.stage], valueAt.parity);
    if (kCross) {
      // The last product of this tile and the first of the next; after the last tile of all, of whatever lies there.
      if (index < tiles) waitScoresInput();
      waitTurn();
      lab::wgmmaFence();
      issueOutput();
      issueScores();
      passTurn();
      lab::wgmmaWait<1>(o);
    } else {
      lab::wgmmaFence();
      issueOutput();
      lab::wgmmaWait<0>(o);
    }
    freeValues();

    lab::divideRows(o, rows);
    // The finished rows take the place of this consumer's queries, in the swizzle that TMA undoes.
    lab::layOutput<T, BM>(outTile, consumer * 64 + warp * 16, o);
    lab::fenceProxyAsync();
    lab::namedBarrierSync(8 + consumer, 128);
    if (warp == 0 && lab::electOne()) {
#pragma unroll
      for (int panel = 0; panel < kPanels; ++panel) {
        lab::tmaStore(outMap, outTile + panel * kQueryPanel + consumer * 64 * kRowBytes, 0, tile.row + consumer * 64,
                      panel, tile.head, tile.batch);
      }
      lab::bulkCommit();
      stored = &queryFree[outStage];
    }
    lab::storeLogSums(rows, lse, shape, tile, row);
    if (!kCross) {
      settleStore();
      if (index >= tiles) break;
      waitScoresInput();
      lab::wgmmaFence();
      issueScores();
    }
    lab::wgmmaWait<0>(s);
    if (index < tiles) freeKeys();
  }
  settleStore();
}
