// Attention, rung 12: persistent blocks, everything overlapped.
//
// Idea: a block stays on its multiprocessor and walks over tiles of queries; while its consumers finish one tile and
//   store it, the producer already fetches the next. Three kinds of work then never wait for one another: TMA, the
//   tensor cores, and the exponentials.
// Changes from 11: a second tile of queries in shared memory, so that the next tile's first product runs beside the last
//   of this one, and tiles are drawn in an order that keeps their keys and values in the L2 cache.
// Roles: warpgroup 0 gives its registers away and one thread of it issues all loads; the WARPGROUPS consumers own 64
//   query rows each. A consumer issues S = Q K(j) and then O += P V(j-1), and computes the softmax of S while the second
//   product still runs; the consumers take turns to issue, so that one's exponentials hide behind another's products.
// Launch: grid = multiprocessors (or the tiles, if fewer), block 128 * (WARPGROUPS + 1), dynamic shared memory of
//   QUERY_STAGES * 64 * WARPGROUPS * D + STAGES * 2 * BN * D halves; nextTile an int that is 0 before and after; maps by
//   [batch, head, head dim / 64, row, 64], boxes [1, 1, D / 64, rows, 64] (out: [1, 1, 1, 64, 64]) with 128-byte
//   swizzle, rows: q 64 * WARPGROUPS, k and v BN.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention.cuh"
#include "elect.cuh"
#include "fast_math.cuh"
#include "named_barrier.cuh"
#include "registers.cuh"
#include "stmatrix.cuh"
#include "tma.cuh"
#include "wgmma.cuh"

namespace {

constexpr float kLog2e = 1.4426950408889634f, kLn2 = 0.6931471805599453f;

// One tile of queries: where it lies, and how many tiles of keys it needs.
struct Tile {
  int batch, head, row, keyTiles;
};

// Tiles in the order in which they are begun. Causal: within a section of heads whose keys and values fit the L2 cache,
// the longest tiles first; else head by head.
template <bool CAUSAL, int BM, int BN>
__device__ __forceinline__ Tile tileAt(const AttentionShape& shape, int index, int section) {
  const int rowTiles = (shape.queries + BM - 1) / BM, heads = shape.batch * shape.heads;
  int rowTile, head;
  if (CAUSAL) {
    const int first = index / (rowTiles * section) * section;
    const int width = min(section, heads - first), inside = index - first * rowTiles;
    rowTile = rowTiles - 1 - inside / width;
    head = first + inside % width;
  } else {
    head = index / rowTiles;
    rowTile = index - head * rowTiles;
  }
  Tile tile;
  tile.batch = head / shape.heads;
  tile.head = head - tile.batch * shape.heads;
  tile.row = rowTile * BM;
  const int last = min(tile.row + BM, shape.queries) - 1;
  tile.keyTiles = max(1, (lab::visibleKeys<CAUSAL>(shape, last) + BN - 1) / BN);
  return tile;
}

// Scores that do not count become minus infinity.
template <bool CAUSAL, int BN, int R>
__device__ __forceinline__ void maskScores(float (&s)[R], const AttentionShape& shape, int row, int firstKey) {
  const int lane = threadIdx.x % 32;
  const int seen0 = lab::visibleKeys<CAUSAL>(shape, row) - firstKey;
  const int seen1 = lab::visibleKeys<CAUSAL>(shape, row + 8) - firstKey;
#pragma unroll
  for (int r = 0; r < R; ++r) {
    const int column = 8 * (r / 4) + 2 * (lane % 4) + r % 2;
    if (column >= (r / 2 % 2 ? seen1 : seen0)) s[r] = -INFINITY;
  }
}

// Says at compile time whether a tile's scores need the mask.
template <bool M>
struct Masked {
  static constexpr bool value = M;
};

// Running maximum and sum of a thread's two rows; the sum is of the thread's own columns until the end.
struct Rows {
  float max0, max1, sum0, sum1;
};

// Turns scores into exp2((s - max) * scale), and answers what earlier sums must be multiplied by.
template <int R>
__device__ __forceinline__ void softmaxTile(float (&s)[R], Rows& rows, float scale, float& keep0, float& keep1) {
  float max0 = rows.max0, max1 = rows.max1;
#pragma unroll
  for (int r = 0; r < R; r += 4) {
    max0 = fmaxf(max0, fmaxf(s[r], s[r + 1]));
    max1 = fmaxf(max1, fmaxf(s[r + 2], s[r + 3]));
  }
#pragma unroll
  for (int step = 1; step < 4; step *= 2) {
    max0 = fmaxf(max0, __shfl_xor_sync(0xffffffffu, max0, step));
    max1 = fmaxf(max1, __shfl_xor_sync(0xffffffffu, max1, step));
  }
  // A row that has seen no key yet keeps a maximum of minus infinity; its differences are taken from zero.
  const float base0 = max0 == -INFINITY ? 0.0f : max0 * scale, base1 = max1 == -INFINITY ? 0.0f : max1 * scale;
  keep0 = lab::exp2Approx(rows.max0 * scale - base0);
  keep1 = lab::exp2Approx(rows.max1 * scale - base1);
  rows.max0 = max0;
  rows.max1 = max1;
  float sum0 = 0.0f, sum1 = 0.0f;
#pragma unroll
  for (int r = 0; r < R; r += 4) {
    s[r] = lab::exp2Approx(s[r] * scale - base0);
    s[r + 1] = lab::exp2Approx(s[r + 1] * scale - base0);
    s[r + 2] = lab::exp2Approx(s[r + 2] * scale - base1);
    s[r + 3] = lab::exp2Approx(s[r + 3] * scale - base1);
    sum0 += s[r] + s[r + 1];
    sum1 += s[r + 2] + s[r + 3];
  }
  rows.sum0 = rows.sum0 * keep0 + sum0;
  rows.sum1 = rows.sum1 * keep1 + sum1;
}

template <int R>
__device__ __forceinline__ void scaleRows(float (&o)[R], float factor0, float factor1) {
#pragma unroll
  for (int r = 0; r < R; r += 4) {
    o[r] *= factor0;
    o[r + 1] *= factor0;
    o[r + 2] *= factor1;
    o[r + 3] *= factor1;
  }
}

}  // namespace

template <typename T, int D, int WARPGROUPS, int BN, int STAGES, bool CAUSAL, int QUERY_STAGES, bool TURNS>
__global__ void __launch_bounds__(128 * (WARPGROUPS + 1), 1)
    attention_12_refined(const __grid_constant__ CUtensorMap queryMap, const __grid_constant__ CUtensorMap keyMap,
                         const __grid_constant__ CUtensorMap valueMap, const __grid_constant__ CUtensorMap outMap,
                         float* __restrict__ lse, int* __restrict__ nextTile, const AttentionShape shape, int section) {
  constexpr int BM = 64 * WARPGROUPS, kPanels = D / 64;
  constexpr int kRowBytes = 128, kQueryPanel = BM * kRowBytes, kKeyPanel = BN * kRowBytes;
  constexpr int kQueryBytes = kPanels * kQueryPanel, kKeyBytes = kPanels * kKeyPanel;
  constexpr int kSteps = BN / 16;
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
      for (int index = blockIdx.x; index < tiles;) {
        const Tile tile = tileAt<CAUSAL, BM, BN>(shape, index, section);
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
        lab::mbarrierWait(queryFree[queryAt.stage], queryAt.parity ^ 1);
        lab::mbarrierArriveExpect(queryFull[queryAt.stage], kQueryBytes);
        lab::tmaLoad(queryTiles + queryAt.stage * kQueryBytes, queryMap, queryFull[queryAt.stage], 0, tile.row, 0,
                     tile.head, tile.batch, once);
        queryAt.next();
        loadKeys(tile.keyTiles - 1);

        // The next tile's number, drawn behind the first loads: whoever draws the last one of all puts the counter back
        // for the next launch.
        const int drawn = atomicAdd(nextTile, 1);
        if (drawn == tiles - 1) *nextTile = 0;
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
  constexpr bool kTurns = TURNS && WARPGROUPS > 1;
  auto waitTurn = [&] {
    if (kTurns) lab::namedBarrierSync(1 + consumer, 256);
  };
  auto passTurn = [&] {
    if (kTurns) lab::namedBarrierArrive(1 + (consumer + 1) % WARPGROUPS, 256);
  };
  if (consumer == WARPGROUPS - 1) passTurn();

  const float scale = shape.scale * kLog2e;
  lab::Ring<STAGES> keyAt, valueAt;
  lab::Ring<QUERY_STAGES> queryAt;
  lab::Ring<kSlots> slotAt;
  unsigned p[kSteps][4];
  float s[BN / 2], o[D / 2];

  auto issueScores = [&] {
    const lab::MatrixDescriptor queries =
        lab::kMajor(queryTiles + queryAt.stage * kQueryBytes + consumer * 64 * kRowBytes);
    const lab::MatrixDescriptor keys = lab::kMajor(keyTiles + keyAt.stage * kKeyBytes);
#pragma unroll
    for (int k = 0; k < D / 16; ++k) {
      lab::wgmma<T>(s, lab::advance(queries, k / 4 * kQueryPanel + k % 4 * 32),
                    lab::advance(keys, k / 4 * kKeyPanel + k % 4 * 32), k > 0);
    }
    lab::wgmmaCommit();
  };
  auto issueOutput = [&] {
    const lab::MatrixDescriptor values = lab::mnMajor(valueTiles + valueAt.stage * kKeyBytes, kKeyPanel);
#pragma unroll
    for (int k = 0; k < kSteps; ++k) lab::wgmma<T, lab::Major::mn>(o, p[k], lab::advance(values, k * 2048));
    lab::wgmmaCommit();
  };
  auto packScores = [&] {
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
#pragma unroll
      for (int i = 0; i < 4; ++i) p[k][i] = lab::packFloats<T>(s[8 * k + 2 * i], s[8 * k + 2 * i + 1]);
    }
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
    const Tile tile = tileAt<CAUSAL, BM, BN>(shape, index, section);
    const int row = tile.row + consumer * 64 + warp * 16 + lane / 4;  // and row + 8
    Rows rows = {-INFINITY, -INFINITY, 0.0f, 0.0f};
    float keep0, keep1;
    if (!kCross) {
      waitScoresInput();
      lab::wgmmaFence();
      issueScores();
      lab::wgmmaWait<0>(s);
      freeKeys();
    }
    // The last tile of keys comes first: it is the one that may need a mask.
    int j = tile.keyTiles - 1;
    maskScores<CAUSAL, BN>(s, shape, row, j * BN);
    softmaxTile(s, rows, scale, keep0, keep1);
    packScores();
#pragma unroll
    for (int r = 0; r < D / 2; ++r) o[r] = 0.0f;

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
      if (decltype(masked)::value) maskScores<CAUSAL, BN>(s, shape, row, j * BN);
      softmaxTile(s, rows, scale, keep0, keep1);
      lab::wgmmaWait<0>(o);
      freeValues();
      packScores();
      scaleRows(o, keep0, keep1);
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

#pragma unroll
    for (int step = 1; step < 4; step *= 2) {
      rows.sum0 += __shfl_xor_sync(0xffffffffu, rows.sum0, step);
      rows.sum1 += __shfl_xor_sync(0xffffffffu, rows.sum1, step);
    }
    scaleRows(o, rows.sum0 > 0.0f ? 1.0f / rows.sum0 : 0.0f, rows.sum1 > 0.0f ? 1.0f / rows.sum1 : 0.0f);
    if (lane % 4 == 0) {
      float* const to = lse + (static_cast<long long>(tile.batch) * shape.heads + tile.head) * shape.queries;
      if (row < shape.queries) to[row] = rows.sum0 > 0.0f ? rows.max0 * shape.scale + log2f(rows.sum0) * kLn2 : -INFINITY;
      if (row + 8 < shape.queries) {
        to[row + 8] = rows.sum1 > 0.0f ? rows.max1 * shape.scale + log2f(rows.sum1) * kLn2 : -INFINITY;
      }
    }

    // The finished rows take the place of this consumer's queries, in the swizzle that TMA undoes.
#pragma unroll
    for (int c = 0; c < D / 16; ++c) {
      unsigned pairs[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) pairs[i] = lab::packFloats<T>(o[8 * c + 2 * i], o[8 * c + 2 * i + 1]);
      const int tileRow = consumer * 64 + warp * 16 + lane % 16, chunk = c % 4 * 2 + lane / 16;
      lab::stmatrix(outTile + c / 4 * kQueryPanel + tileRow * kRowBytes + (chunk ^ tileRow % 8) * 16, pairs);
    }
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
