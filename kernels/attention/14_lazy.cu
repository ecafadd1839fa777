// Attention, rung 14: the output is multiplied only when a maximum has really grown.
//
// Idea: the running maximum is there so that no exponential overflows; it need not be the maximum. While no row of a warp
//   has grown by more than 2^8 since the base was set, the base stays: no shuffles for the row's maximum, and no
//   multiplication of the 64 registers of output a thread holds at head dim 128, which stand in the critical path between
//   the end of one product and the beginning of the next. (FlashAttention-4's trick; sums and outputs
//   share the base, so that it falls out of the quotient.) With ordinary scores only the first tiles of keys of a row raise it.
// Changes from 12: lab::lazySoftmaxTile, and the output's factor under a branch that the warp takes together. A tenth of a
//   step's instructions: at most 5% where the softmax is in the way, nothing where the tensor cores are.
// Launch: grid = multiprocessors (or the tiles, if fewer), block 128 * (WARPGROUPS + 1), dynamic shared memory of
//   (QUERY_STAGES * 64 * WARPGROUPS + STAGES * 2 * BN) * D halves; nextTile an int that is 0 before and after; maps by
//   [batch, head, head dim / 64, row, 64], boxes [1, 1, D / 64, rows, 64] with 128-byte swizzle, rows: q
//   64 * WARPGROUPS, k and v BN; out [1, 1, 1, 64, 64].
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

template <typename T, int D, int WARPGROUPS, int BN, int STAGES, bool CAUSAL, int QUERY_STAGES, bool TURNS>
__global__ void __launch_bounds__(128 * (WARPGROUPS + 1), 1)
    attention_14_lazy(const __grid_constant__ CUtensorMap queryMap, const __grid_constant__ CUtensorMap keyMap,
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
  __shared__ lab::Mbarrier queryFull[QUERY_STAGES], queryFree[QUERY_STAGES], slotFull[kSlots];
  __shared__ lab::Mbarrier keyFull[STAGES], keyFree[STAGES], valueFull[STAGES], valueFree[STAGES];
  __shared__ int slots[kSlots];

  const int warpgroup = threadIdx.x / 128, warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  if (threadIdx.x == 0) {
    for (int s = 0; s < QUERY_STAGES; ++s) {
      lab::mbarrierInit(queryFull[s], 1);
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
        const int keyHead = tile.head / shape.group;
        // Before the loads: the consumers learn early where to go on. Only the first tile's loads do not wait for it.
        const bool opening = index == static_cast<int>(blockIdx.x);
        if (!opening) drawNext();
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
        lab::mbarrierWait(queryFree[queryAt.stage], queryAt.parity ^ 1);
        lab::mbarrierArriveExpect(queryFull[queryAt.stage], kQueryBytes);
        lab::tmaLoad(queryTiles + queryAt.stage * kQueryBytes, queryMap, queryFull[queryAt.stage], 0, tile.row, 0,
                     tile.head, tile.batch, once);
        queryAt.next();
        loadKeys(tile.keyTiles - 1);

        if (opening) drawNext();

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
    lab::mbarrierWait(queryFull[queryAt.stage], queryAt.parity);
    lab::mbarrierWait(keyFull[keyAt.stage], keyAt.parity);
  };

  int index = blockIdx.x;
  if (kCross) {
    waitScoresInput();
    lab::wgmmaFence();
    issueScores();
    lab::wgmmaWait<0>(s);
    freeKeys();
  }
  while (index < tiles) {
    const lab::QueryTile tile = lab::queryTileAt<CAUSAL, BM, BN>(shape, index, section);
    const int row = tile.row + consumer * 64 + warp * 16 + lane / 4;  // and row + 8
    lab::SoftmaxRows rows;
    if (!kCross) {
      waitScoresInput();
      lab::wgmmaFence();
      issueScores();
      lab::wgmmaWait<0>(s);
      freeKeys();
    }
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
      lab::RowFactors keep = {1.0f, 1.0f};
      const bool grown = lab::lazySoftmaxTile(s, rows, scale, slack, keep);
      lab::wgmmaWait<0>(o);
      freeValues();
      lab::packWeights<T>(p, s);
      if (grown) lab::scaleRows(o, keep);
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
    unsigned char* const outTile = queryTiles + queryAt.stage * kQueryBytes;
    lab::Mbarrier& outStored = queryFree[queryAt.stage];
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

    lab::finishRows(o, rows, lse, shape, tile, row);
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
      lab::bulkWaitRead<0>();
      lab::mbarrierArrive(outStored);
    }
    if (kCross) {
      lab::wgmmaWait<0>(s);
      if (index < tiles) freeKeys();
    }
  }
}
