// The headers together: softmax(Q K^T scale) V by a producer warpgroup and two consumer warpgroups, heads of 64.
//
// A block makes 128 rows of `out`; keys come in tiles of 128, two of them in flight. `scale` includes log2(e).
#include "elect.cuh"
#include "fast_math.cuh"
#include "registers.cuh"
#include "tma.cuh"
#include "wgmma.cuh"

constexpr int kTile = 128 * 64 * sizeof(__half), kTiles = 2;

struct Shared {
  unsigned char q[kTile], k[kTiles][kTile], v[kTiles][kTile];
};

// The maximum or sum over the four lanes that hold a row.
template <typename F>
__device__ __forceinline__ float overRow(float x, F join) {
  x = join(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return join(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

__global__ void __launch_bounds__(384, 1) attention(const __grid_constant__ CUtensorMap mapQ,
                                                    const __grid_constant__ CUtensorMap mapK,
                                                    const __grid_constant__ CUtensorMap mapV, float* out, int keys,
                                                    float scale) {
  extern __shared__ __align__(1024) unsigned char memory[];
  Shared& tiles = *reinterpret_cast<Shared*>(memory);
  __shared__ lab::Mbarrier qFull, kFull[kTiles], vFull[kTiles], empty[kTiles];
  if (threadIdx.x == 0) {
    lab::mbarrierInit(qFull, 1);
    for (int s = 0; s < kTiles; ++s) {
      lab::mbarrierInit(kFull[s], 1);
      lab::mbarrierInit(vFull[s], 1);
      lab::mbarrierInit(empty[s], 8);  // a wait for wgmma is a warp's: each warp says when it is done
    }
    lab::mbarrierInitFence();
  }
  __syncthreads();
  const int rounds = keys / 128;
  lab::Ring<kTiles> at;
  if (threadIdx.x < 128) {
    lab::releaseRegisters<24>();
    if (threadIdx.x < 32 && lab::electOne()) {
      lab::mbarrierArriveExpect(qFull, kTile);
      lab::tmaLoad(tiles.q, mapQ, qFull, 0, 128 * blockIdx.x);
      for (int t = 0; t < rounds; ++t, at.next()) {
        lab::mbarrierWait(empty[at.stage], at.parity ^ 1);
        lab::mbarrierArriveExpect(kFull[at.stage], kTile);
        lab::tmaLoad(tiles.k[at.stage], mapK, kFull[at.stage], 0, 128 * t);
        lab::mbarrierArriveExpect(vFull[at.stage], kTile);
        lab::tmaLoad(tiles.v[at.stage], mapV, vFull[at.stage], 0, 128 * t);
      }
    }
    return;
  }
  lab::takeRegisters<240>();
  const int group = threadIdx.x / 128 - 1, lane = threadIdx.x % 32;
  const auto maximum = [](float a, float b) { return fmaxf(a, b); };
  const auto add = [](float a, float b) { return a + b; };
  float o[32], s[64], m[2] = {-1e30f, -1e30f}, l[2] = {};
#pragma unroll
  for (int i = 0; i < 32; ++i) o[i] = 0;
  lab::mbarrierWait(qFull, 0);
  const auto q = lab::kMajor(tiles.q + group * kTile / 2);
  for (int t = 0; t < rounds; ++t, at.next()) {
    lab::mbarrierWait(kFull[at.stage], at.parity);
    const auto k = lab::kMajor(tiles.k[at.stage]), v = lab::mnMajor(tiles.v[at.stage], kTile);
    lab::wgmmaFence();
#pragma unroll
    for (int x = 0; x < 4; ++x) lab::wgmma<__half>(s, lab::advance(q, 32 * x), lab::advance(k, 32 * x), x > 0);
    lab::wgmmaCommit();
    lab::wgmmaWait<0>(s);
    unsigned p[8][4];
#pragma unroll
    for (int h = 0; h < 2; ++h) {  // the thread's two rows
      float top = m[h];
#pragma unroll
      for (int i = 0; i < 16; ++i) top = fmaxf(top, fmaxf(s[4 * i + 2 * h], s[4 * i + 2 * h + 1]));
      top = overRow(top, maximum);
      const float shrink = lab::exp2Approx((m[h] - top) * scale);
      m[h] = top;
      l[h] *= shrink;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        o[4 * i + 2 * h] *= shrink;
        o[4 * i + 2 * h + 1] *= shrink;
      }
#pragma unroll
      for (int i = 0; i < 16; ++i) {
        const float low = lab::exp2Approx(fmaf(s[4 * i + 2 * h], scale, -top * scale));
        const float high = lab::exp2Approx(fmaf(s[4 * i + 2 * h + 1], scale, -top * scale));
        l[h] += low + high;
        p[i / 2][i % 2 * 2 + h] = lab::packFloats<__half>(low, high);
      }
    }
    lab::mbarrierWait(vFull[at.stage], at.parity);
    lab::wgmmaFence();
#pragma unroll
    for (int j = 0; j < 8; ++j) lab::wgmma<__half, lab::Major::mn>(o, p[j], lab::advance(v, 2048 * j));
    lab::wgmmaCommit();
    lab::wgmmaWait<0>(o);
    if (lane == 0) lab::mbarrierArrive(empty[at.stage]);
  }
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const float sum = overRow(l[h], add);
    const int row = 128 * blockIdx.x + 64 * group + threadIdx.x % 128 / 32 * 16 + lane / 4 + 8 * h;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      out[64 * row + 8 * i + lane % 4 * 2] = o[4 * i + 2 * h] / sum;
      out[64 * row + 8 * i + lane % 4 * 2 + 1] = o[4 * i + 2 * h + 1] / sum;
    }
  }
}
