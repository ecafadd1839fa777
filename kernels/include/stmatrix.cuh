// stmatrix: a warp stores 8x8 matrices of 16-bit elements from mma fragments to shared memory (sm_90 on).
//
// The mirror image of ldmatrix: lane 8i + r gives the address of row r of matrix i (16 bytes, aligned to 16);
// register i of lane l holds row l/4, columns 2(l%4) and 2(l%4)+1 of matrix i, or of its transpose in the Trans forms.
// All 32 lanes call together. The stores are ordinary ones: fenceProxyAsync() before TMA or wgmma reads them.
//
//   lab::stmatrix(&tile[row + lane % 16][column + lane / 16 * 8], packed);   // packed: unsigned[4], a 16x16 tile
#pragma once

#include "shared_address.cuh"

#ifdef __KERNEL_LAB_CPU__
#include "cpu/stmatrix_cpu.cuh"
#else

namespace lab {

__device__ __forceinline__ void stmatrix(void* row, const unsigned (&d)[1]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x1.shared.b16 [%0], {%1};" ::"r"(sharedAddress(row)), "r"(d[0]) : "memory");
}
__device__ __forceinline__ void stmatrix(void* row, const unsigned (&d)[2]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x2.shared.b16 [%0], {%1, %2};" ::"r"(sharedAddress(row)), "r"(d[0]), "r"(d[1])
               : "memory");
}
__device__ __forceinline__ void stmatrix(void* row, const unsigned (&d)[4]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(sharedAddress(row)), "r"(d[0]),
               "r"(d[1]), "r"(d[2]), "r"(d[3])
               : "memory");
}
__device__ __forceinline__ void stmatrixTrans(void* row, const unsigned (&d)[1]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%0], {%1};" ::"r"(sharedAddress(row)), "r"(d[0])
               : "memory");
}
__device__ __forceinline__ void stmatrixTrans(void* row, const unsigned (&d)[2]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(sharedAddress(row)), "r"(d[0]),
               "r"(d[1])
               : "memory");
}
__device__ __forceinline__ void stmatrixTrans(void* row, const unsigned (&d)[4]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(sharedAddress(row)),
               "r"(d[0]), "r"(d[1]), "r"(d[2]), "r"(d[3])
               : "memory");
}

}  // namespace lab

#endif
