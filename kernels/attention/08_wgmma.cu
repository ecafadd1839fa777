// Attention, rung 08: a warpgroup multiplies tiles with one instruction.
//
// Idea: wgmma reads K and V from shared memory itself. mma.sync wants both operands in registers, brought there by
//   ldmatrix, and reaches about 60% of Hopper's tensor peak; a wgmma of 64 x BN x 16 takes its B by descriptor and needs
//   no fragment of K or V at all. P stays in registers: the accumulators of S, packed in pairs, are the A operand.
// Changes from 07: products only. The block still copies its own tiles, now into the 128-byte swizzle that wgmma knows:
//   16-byte chunk c of row r lies at place c ^ r % 8 of the row. fenceProxyAsync() shows them to the tensor cores, which
//   do not read through the ordinary path. Every thread still copies, then waits for products, then computes exponentials:
//   from 37% of the peak to 40-45% at head dim 128, an estimate.
// Launch: grid (tiles of 64 * WARPGROUPS queries, heads, batch), block 128 * WARPGROUPS, dynamic shared memory of
//   (64 * WARPGROUPS + 4 * BN) * D halves; rows of q, k and v 16-byte aligned.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "attention_hopper.cuh"
#include "cp_async.cuh"
#include "proxy_fence.cuh"

namespace {

// Copies ROWS rows of D elements, those from `valid` on as zeros, into panels of 64 columns.
template <int ROWS, int D, int THREADS, typename T>
__device__ __forceinline__ void copyTile(unsigned char* tile, const T* __restrict__ from, long long stride, int valid) {
  constexpr int kChunks = D / 8;  // of 8 elements, 16 bytes
  for (int i = threadIdx.x; i < ROWS * kChunks; i += THREADS) {
    const int row = i / kChunks, chunk = i % kChunks, panel = chunk / 8;
    unsigned char* const to = tile + (panel * ROWS + row) * lab::kPanelRowBytes + (chunk % 8 ^ row % 8) * 16;
    lab::copyAsync16(to, from + (row < valid ? row : 0) * stride + chunk * 8, row < valid);
  }
}

}  // namespace

template <typename T, int D, int WARPGROUPS, int BN, bool CAUSAL>
__global__ void __launch_bounds__(128 * WARPGROUPS)
    attention_08_wgmma(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v, T* __restrict__ out,
                       float* __restrict__ lse, const AttentionShape shape) {
  constexpr int BM = 64 * WARPGROUPS, kThreads = 128 * WARPGROUPS;
  constexpr int kRowBytes = lab::kPanelRowBytes, kKeyBytes = D / 64 * BN * kRowBytes;
  static_assert(D % 64 == 0 && D <= 256 && BN % 16 == 0 && BN <= 256, "tiles that wgmma knows");

  extern __shared__ __align__(1024) unsigned char shared[];
  unsigned char* const queryTile = shared;
  unsigned char* const keyTiles = queryTile + D / 64 * BM * kRowBytes;  // two
  unsigned char* const valueTiles = keyTiles + 2 * kKeyBytes;           // two

  const int warpgroup = threadIdx.x / 128, warp = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  const int head = blockIdx.y, batch = blockIdx.z, keyHead = head / shape.group;
  const lab::QueryTile tile =
      lab::queryTile<CAUSAL, BM, BN>(shape, blockIdx.x, batch * shape.heads + head);
  const int row = tile.row + warpgroup * 64 + warp * 16 + lane / 4;  // and row + 8
  k += batch * shape.keyBatch + keyHead * shape.keyHead;
  v += batch * shape.valueBatch + keyHead * shape.valueHead;
  auto copyKeys = [&](int j, int stage) {
    const int first = j * BN;
    copyTile<BN, D, kThreads>(keyTiles + stage * kKeyBytes, k + first * shape.keyRow, shape.keyRow, shape.keys - first);
    copyTile<BN, D, kThreads>(valueTiles + stage * kKeyBytes, v + first * shape.valueRow, shape.valueRow,
                              shape.keys - first);
  };

  const float scale = shape.scale * lab::kLog2e;
  // Keys before this one are seen by every row.
  const int unmasked = lab::visibleKeys<CAUSAL>(shape, tile.row);
  lab::SoftmaxRows rows;
  unsigned p[BN / 16][4];
  float s[BN / 2], o[D / 2];
  lab::clearRows(o);

  copyTile<BM, D, kThreads>(
      queryTile, q + batch * shape.queryBatch + head * shape.queryHead + tile.row * shape.queryRow, shape.queryRow,
      shape.queries - tile.row);
  copyKeys(0, 0);
  lab::copyAsyncCommit();
  for (int j = 0; j < tile.keyTiles; ++j) {
    const int stage = j % 2;
    // The next tile is on its way while this one is multiplied.
    if (j + 1 < tile.keyTiles) copyKeys(j + 1, stage ^ 1);
    lab::copyAsyncCommit();
    lab::copyAsyncWait<1>();
    lab::fenceProxyAsync();
    __syncthreads();

    lab::wgmmaFence();
    lab::issueScores<T, D, BM>(s, queryTile + warpgroup * 64 * kRowBytes, keyTiles + stage * kKeyBytes);
    lab::wgmmaCommit();
    lab::wgmmaWait<0>(s);
    if ((j + 1) * BN > unmasked) lab::maskScores<CAUSAL>(s, shape, row, j * BN);
    const lab::RowFactors keep = lab::softmaxTile(s, rows, scale);
    lab::packWeights<T>(p, s);
    lab::scaleRows(o, keep);
    lab::wgmmaFence();
    lab::issueOutput<T>(o, p, valueTiles + stage * kKeyBytes);
    lab::wgmmaCommit();
    lab::wgmmaWait<0>(o);
    __syncthreads();  // nobody copies into a stage that is still being read
  }

  lab::finishRows(o, rows, lse, shape, tile, row);
  // Straight from the accumulators: a row's four lanes write 16 bytes together.
  T* const to = out + batch * shape.outBatch + head * shape.outHead + lane % 4 * 2;
#pragma unroll
  for (int r = 0; r < D / 2; r += 2) {
    const int outRow = row + r / 2 % 2 * 8;
    if (outRow < shape.queries) {
      *reinterpret_cast<unsigned*>(to + outRow * shape.outRow + r / 4 * 8) = lab::packFloats<T>(o[r], o[r + 1]);
    }
  }
}
