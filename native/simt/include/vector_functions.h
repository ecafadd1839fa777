/// make_char1 .. make_double4: CUDA's constructors of the vector types.
#pragma once

#include "vector_types.h"

#define SIMT_MAKE_VECTOR(NAME, T)                                                                 \
  inline constexpr NAME##1 make_##NAME##1(T x) { return NAME##1{x}; }                             \
  inline constexpr NAME##2 make_##NAME##2(T x, T y) { return NAME##2{x, y}; }                     \
  inline constexpr NAME##3 make_##NAME##3(T x, T y, T z) { return NAME##3{x, y, z}; }             \
  inline constexpr NAME##4 make_##NAME##4(T x, T y, T z, T w) { return NAME##4{x, y, z, w}; }

SIMT_MAKE_VECTOR(char, signed char)
SIMT_MAKE_VECTOR(uchar, unsigned char)
SIMT_MAKE_VECTOR(short, short)
SIMT_MAKE_VECTOR(ushort, unsigned short)
SIMT_MAKE_VECTOR(int, int)
SIMT_MAKE_VECTOR(uint, unsigned int)
SIMT_MAKE_VECTOR(long, long)
SIMT_MAKE_VECTOR(ulong, unsigned long)
SIMT_MAKE_VECTOR(longlong, long long)
SIMT_MAKE_VECTOR(ulonglong, unsigned long long)
SIMT_MAKE_VECTOR(float, float)
SIMT_MAKE_VECTOR(double, double)
#undef SIMT_MAKE_VECTOR

#define SIMT_MAKE_WIDE_VECTOR(NAME, T)                                                       \
  inline constexpr NAME##4_16a make_##NAME##4_16a(T x, T y, T z, T w) { return {x, y, z, w}; } \
  inline constexpr NAME##4_32a make_##NAME##4_32a(T x, T y, T z, T w) { return {x, y, z, w}; }
SIMT_MAKE_WIDE_VECTOR(long, long)
SIMT_MAKE_WIDE_VECTOR(ulong, unsigned long)
SIMT_MAKE_WIDE_VECTOR(longlong, long long)
SIMT_MAKE_WIDE_VECTOR(ulonglong, unsigned long long)
SIMT_MAKE_WIDE_VECTOR(double, double)
#undef SIMT_MAKE_WIDE_VECTOR
