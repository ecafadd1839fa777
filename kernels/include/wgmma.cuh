// wgmma: four warps multiply 64 x 16 by 16 x N tiles asynchronously on the tensor cores (sm_90a).
//
// D (64 x N, float, registers) += A (64 x 16) B (16 x N), half or bfloat16. B lies in shared memory and is named by a
// descriptor, A likewise or in registers. All 128 threads of a warpgroup (warps 4g .. 4g+3) call together. Registers of
// lane l of warp w:
//   D: float d[N/2]; d[r] is row 16w + l/4 + 8((r/2)%2), column 8(r/4) + 2(l%4) + r%2
//   A: unsigned a[4]; those of mma16816 for rows 16w..16w+15, so k-step j of a D packed to 16 bits is pairs
//      (8j, 8j+1), (8j+2, 8j+3), (8j+4, 8j+5), (8j+6, 8j+7): P = softmax(S) feeds the next product with no shuffle.
//
//   float s[64];                                                              // 64 x 128
//   const auto q = lab::kMajor(qTile), k = lab::kMajor(kTile);                // rows of 64 halves, as TMA's 128 B swizzle
//   lab::wgmmaFence();
//   for (int step = 0; step < 4; ++step)
//     lab::wgmma<__half>(s, lab::advance(q, 32 * step), lab::advance(k, 32 * step), step > 0);
//   lab::wgmmaCommit();
//   lab::wgmmaWait<0>(s);                                                     // names what is read next
//   lab::wgmma<__half, lab::Major::mn>(o, p[j], lab::advance(v, 2048 * j));   // B = V: keys by head dim, row-major
//
// wgmmaFence comes before the first wgmma and after any ordinary write to d or a. Until the wait neither d may be
// touched nor a tile overwritten. ptxas serialises the products (warnings C75xx, an error of this lab's compiler) when d
// is used in between, crosses a call or runs out of registers: keep arrays local, indices constant.
// On the CPU device a product is made at the wait, from the tiles as they are then, through the same descriptors.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "shared_address.cuh"

namespace lab {

// How 16-byte chunks of a tile are permuted, with the descriptor's code: by address bits, in rows of that many bytes.
enum class Swizzle : unsigned { none = 0, bytes128 = 1, bytes64 = 2, bytes32 = 3 };

// Which axis of an operand is contiguous: k (A rows, B columns of k elements), or the other one.
enum class Major { k, mn };

constexpr __device__ unsigned swizzleBytes(Swizzle s) {
  return s == Swizzle::bytes128 ? 128 : s == Swizzle::bytes64 ? 64 : s == Swizzle::bytes32 ? 32 : 16;
}

// A matrix in shared memory, as wgmma is told. Tiles are aligned to 8 rows of the swizzle (1024, 512 or 256 bytes).
using MatrixDescriptor = unsigned long long;

// Any of the layouts: `leading` and `stride` are multiples of 16 bytes, with the meaning below; the tile within the
// first 256 KiB of shared memory.
//   k-major  swizzled: element (i, k) at row i of swizzleBytes; stride: 8 rows to the next 8; leading unused
//            none:     8x8 blocks of 128 B, 8 rows of 16 B; leading: to the next block in k; stride: in i
//   mn-major swizzled: panels of swizzleBytes in i by k rows; leading: panel to panel; stride: 8 k rows to the next 8
//            none:     8x8 blocks, 8 k rows of 16 B; leading: to the next block in k; stride: in i
__device__ __forceinline__ MatrixDescriptor matrixDescriptor(const void* tile, Swizzle swizzle, unsigned leading,
                                                             unsigned stride) {
  return static_cast<MatrixDescriptor>((sharedAddress(tile) & 0x3ffffu) >> 4) |
         static_cast<MatrixDescriptor>((leading & 0x3ffffu) >> 4) << 16 |
         static_cast<MatrixDescriptor>((stride & 0x3ffffu) >> 4) << 32 | static_cast<MatrixDescriptor>(swizzle) << 62;
}

// A tile of rows (i) of swizzleBytes along k, one after the other: what TMA makes of a box of 64 halves by rows.
// The next 16 of k: advance by 32; past the row's end: the next panel, a tile of its own.
template <Swizzle S = Swizzle::bytes128>
__device__ __forceinline__ MatrixDescriptor kMajor(const void* tile) {
  static_assert(S != Swizzle::none, "without a swizzle the blocks' distances are needed: matrixDescriptor()");
  return matrixDescriptor(tile, S, 16, 8 * swizzleBytes(S));
}

// Panels of k rows of swizzleBytes along i, `panelBytes` (k rows x swizzleBytes) apart: TMA's box of 64 halves by k rows.
// The next 16 of k: advance by 16 swizzleBytes (2048). `panelBytes` does not matter for one panel.
template <Swizzle S = Swizzle::bytes128>
__device__ __forceinline__ MatrixDescriptor mnMajor(const void* tile, unsigned panelBytes) {
  static_assert(S != Swizzle::none, "without a swizzle the blocks' distances are needed: matrixDescriptor()");
  return matrixDescriptor(tile, S, panelBytes, 8 * swizzleBytes(S));
}

// The descriptor of the matrix that many bytes further on, a multiple of 16.
__device__ __forceinline__ MatrixDescriptor advance(MatrixDescriptor matrix, unsigned bytes) {
  return matrix + (bytes >> 4);
}

}  // namespace lab

#ifdef __KERNEL_LAB_CPU__
#include "cpu/wgmma_cpu.cuh"
#else
#include "wgmma_ptx.cuh"

namespace lab {

__device__ __forceinline__ void wgmmaFence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
// Ends a group of the products issued since the last.
__device__ __forceinline__ void wgmmaCommit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Keeps the compiler from moving accesses to these registers over this place.
template <int R>
__device__ __forceinline__ void pinRegisters(float (&d)[R]) {
#pragma unroll
  for (int i = 0; i < R; ++i) asm volatile("" : "+f"(d[i])::"memory");
}
// Waits until at most Keep groups are unfinished. Give it the accumulators that are used next.
template <int Keep, int... R>
__device__ __forceinline__ void wgmmaWait(float (&... d)[R]) {
  static_assert(Keep >= 0 && Keep <= 7, "0 to 7 groups may stay unfinished");
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Keep) : "memory");
  (pinRegisters(d), ...);
}

namespace detail {
template <typename T>
constexpr bool isHalf = false;
template <>
constexpr bool isHalf<__half> = true;
}  // namespace detail

// D = A B + (accumulate ? D : 0), both operands from shared memory; N = 2R.
template <typename T, Major B = Major::k, Major A = Major::k, int R>
__device__ __forceinline__ void wgmma(float (&d)[R], MatrixDescriptor a, MatrixDescriptor b, bool accumulate = true) {
  static_assert(R % 4 == 0 && R >= 4 && R <= 128, "N = 2R is a multiple of 8 from 8 to 256");
  if constexpr (detail::isHalf<T>) {
    detail::WgmmaPtx<2 * R>::template halfSs<A == Major::mn, B == Major::mn>(d, a, b, accumulate);
  } else {
    detail::WgmmaPtx<2 * R>::template bfloatSs<A == Major::mn, B == Major::mn>(d, a, b, accumulate);
  }
}
// A from registers.
template <typename T, Major B = Major::k, int R>
__device__ __forceinline__ void wgmma(float (&d)[R], const unsigned (&a)[4], MatrixDescriptor b,
                                      bool accumulate = true) {
  static_assert(R % 4 == 0 && R >= 4 && R <= 128, "N = 2R is a multiple of 8 from 8 to 256");
  if constexpr (detail::isHalf<T>) {
    detail::WgmmaPtx<2 * R>::template halfRs<B == Major::mn>(d, a, b, accumulate);
  } else {
    detail::WgmmaPtx<2 * R>::template bfloatRs<B == Major::mn>(d, a, b, accumulate);
  }
}

}  // namespace lab

#endif
