// setmaxnreg: registers move from a warpgroup that needs few to those that compute (sm_90a).
//
// All four warps of the warpgroup call it, each role in one branch of a single if/else. Count: a multiple of 8 from 24
// to 256, a thread. It needs __launch_bounds__(threads, 1), with the 1; a block starts with 65536 / threads a thread
// rounded down to 8 (168 for 384 threads, 128 for 512), and the sum over its warpgroups may not grow:
// 24 + 2 x 240 = 3 x 168. Nothing happens on the CPU device, which only checks the count.
//
//   if (warpgroup == 0) { lab::releaseRegisters<24>(); produce(); } else { lab::takeRegisters<240>(); consume(); }
#pragma once

namespace lab {

// Gives registers back, down to Count.
template <int Count>
__device__ __forceinline__ void releaseRegisters() {
  static_assert(Count >= 24 && Count <= 256 && Count % 8 == 0, "a multiple of 8 from 24 to 256");
#ifndef __KERNEL_LAB_CPU__
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Count));
#endif
}

// Waits until the block has registers to spare, then holds Count.
template <int Count>
__device__ __forceinline__ void takeRegisters() {
  static_assert(Count >= 24 && Count <= 256 && Count % 8 == 0, "a multiple of 8 from 24 to 256");
#ifndef __KERNEL_LAB_CPU__
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Count));
#endif
}

}  // namespace lab
