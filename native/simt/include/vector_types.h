/// CUDA's vector types (char1 .. double4) with CUDA's sizes and alignments, dim3 and uint3.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>  // uint, ushort, ulong: kernels use them without asking

/// The four widths of one element type; A1..A4 are the alignments in bytes that CUDA gives them.
#define SIMT_VECTOR_TYPES(NAME, T, A1, A2, A3, A4) \
  struct alignas(A1) NAME##1 { T x; };             \
  struct alignas(A2) NAME##2 { T x, y; };          \
  struct alignas(A3) NAME##3 { T x, y, z; };       \
  struct alignas(A4) NAME##4 { T x, y, z, w; };

SIMT_VECTOR_TYPES(char, signed char, 1, 2, 1, 4)
SIMT_VECTOR_TYPES(uchar, unsigned char, 1, 2, 1, 4)
SIMT_VECTOR_TYPES(short, short, 2, 4, 2, 8)
SIMT_VECTOR_TYPES(ushort, unsigned short, 2, 4, 2, 8)
SIMT_VECTOR_TYPES(int, int, 4, 8, 4, 16)
SIMT_VECTOR_TYPES(uint, unsigned int, 4, 8, 4, 16)
SIMT_VECTOR_TYPES(long, long, 8, 16, 8, 16)
SIMT_VECTOR_TYPES(ulong, unsigned long, 8, 16, 8, 16)
SIMT_VECTOR_TYPES(longlong, long long, 8, 16, 8, 16)
SIMT_VECTOR_TYPES(ulonglong, unsigned long long, 8, 16, 8, 16)
SIMT_VECTOR_TYPES(float, float, 4, 8, 4, 16)
SIMT_VECTOR_TYPES(double, double, 8, 16, 8, 16)
#undef SIMT_VECTOR_TYPES

// CUDA 13 names the two alignments of the 32-byte types apart.
#define SIMT_WIDE_VECTOR_TYPE(NAME, T)                            \
  struct alignas(16) NAME##4_16a { T x, y, z, w; };               \
  struct alignas(32) NAME##4_32a { T x, y, z, w; };
SIMT_WIDE_VECTOR_TYPE(long, long)
SIMT_WIDE_VECTOR_TYPE(ulong, unsigned long)
SIMT_WIDE_VECTOR_TYPE(longlong, long long)
SIMT_WIDE_VECTOR_TYPE(ulonglong, unsigned long long)
SIMT_WIDE_VECTOR_TYPE(double, double)
#undef SIMT_WIDE_VECTOR_TYPE

/// Three extents of a launch, x fastest; what is left out is 1.
struct dim3 {
  unsigned int x, y, z;
  constexpr dim3(unsigned int vx = 1, unsigned int vy = 1, unsigned int vz = 1) : x(vx), y(vy), z(vz) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return uint3{x, y, z}; }
};
