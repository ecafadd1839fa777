// Tensor-core building blocks of a warp (sm_80 on): ldmatrix and mma.sync with float accumulators.
//
// Registers of lane l, with g = l / 4 and t = l % 4, as the PTX manual lays them out:
//   A 16x16 (16-bit): a[0] row g, columns 2t, 2t+1; a[1] row g+8; a[2] row g, columns 2t+8, 2t+9; a[3] row g+8
//   B 16x8  (16-bit): b[0] rows 2t, 2t+1, column g; b[1] rows 2t+8, 2t+9
//   C 16x8  (float):  c[0], c[1] row g, columns 2t, 2t+1; c[2], c[3] row g+8
//   A 16x8  (tf32):   a[0] row g, column t; a[1] row g+8; a[2] row g, column t+4; a[3] row g+8, column t+4
//   B 8x8   (tf32):   b[0] row t, column g; b[1] row t+4
// ldmatrix reads 8x8 matrices of 16-bit elements; lane 8i + r gives the address of row r of matrix i (16 bytes,
// aligned to 16), and register i of lane l then holds row l/4, columns 2(l%4) and 2(l%4)+1 of matrix i (of its
// transpose in the Trans forms). All 32 lanes call each function together.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#ifdef __KERNEL_LAB_CPU__
#include "cpu/mma_cpu.cuh"
#else

namespace lab {

namespace detail {
__device__ __forceinline__ unsigned matrixAddress(const void* row) {
  return static_cast<unsigned>(__cvta_generic_to_shared(row));
}
}  // namespace detail

__device__ __forceinline__ void ldmatrix(unsigned (&d)[1], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(d[0]) : "r"(detail::matrixAddress(row)) : "memory");
}
__device__ __forceinline__ void ldmatrix(unsigned (&d)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(d[0]), "=r"(d[1])
               : "r"(detail::matrixAddress(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrix(unsigned (&d)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(detail::matrixAddress(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrixTrans(unsigned (&d)[1], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];"
               : "=r"(d[0])
               : "r"(detail::matrixAddress(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrixTrans(unsigned (&d)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(d[0]), "=r"(d[1])
               : "r"(detail::matrixAddress(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrixTrans(unsigned (&d)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(detail::matrixAddress(row))
               : "memory");
}

// c += a b, 16x8x16 of half or bfloat16 (T) into float.
template <typename T>
__device__ __forceinline__ void mma16816(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]);

template <>
__device__ __forceinline__ void mma16816<__half>(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <>
__device__ __forceinline__ void mma16816<__nv_bfloat16>(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// c += a b, 16x8x8 of tf32 (floats whose low 13 bits are ignored) into float.
__device__ __forceinline__ void mma1688Tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// A float as tf32, rounded to nearest with ties away from zero.
__device__ __forceinline__ unsigned toTf32(float v) {
  unsigned bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(v));
  return bits;
}

}  // namespace lab

#endif

namespace lab {

// Two 16-bit values as the register that mma wants, the first in the low half.
__device__ __forceinline__ unsigned packPair(__half low, __half high) {
  return __half_as_ushort(low) | static_cast<unsigned>(__half_as_ushort(high)) << 16;
}
__device__ __forceinline__ unsigned packPair(__nv_bfloat16 low, __nv_bfloat16 high) {
  return __bfloat16_as_ushort(low) | static_cast<unsigned>(__bfloat16_as_ushort(high)) << 16;
}

}  // namespace lab
