// elect.sync: one lane of a converged warp, chosen cheaply, to issue what one thread must (sm_90).
//
// All 32 lanes call together. True in exactly one lane, always the same one of a warp (the lowest on the CPU device).
//
//   if (warp == 0 && lab::electOne()) lab::tmaLoad(...);
#pragma once

namespace lab {

__device__ __forceinline__ bool electOne() {
#ifdef __KERNEL_LAB_CPU__
  return lab_simt::lane_id() == 0;
#else
  unsigned elected;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "elect.sync _|p, 0xffffffff;\n"
      "selp.b32 %0, 1, 0, p;\n"
      "}"
      : "=r"(elected));
  return elected != 0;
#endif
}

}  // namespace lab
