/// CUDA's integer intrinsics: bit counting, byte permutation, funnel shifts, wide products, dot products.
#pragma once

#include <stdint.h>

#include "vector_types.h"

inline int __popc(unsigned int a) { return __builtin_popcount(a); }
inline int __popcll(unsigned long long a) { return __builtin_popcountll(a); }
inline int __clz(int a) { return a == 0 ? 32 : __builtin_clz(static_cast<unsigned int>(a)); }
inline int __clzll(long long a) { return a == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(a)); }
inline int __ffs(int a) { return __builtin_ffs(a); }
inline int __ffsll(long long a) { return __builtin_ffsll(a); }

inline unsigned long long __brevll(unsigned long long a) {
  a = (a >> 1 & 0x5555555555555555ull) | (a & 0x5555555555555555ull) << 1;
  a = (a >> 2 & 0x3333333333333333ull) | (a & 0x3333333333333333ull) << 2;
  a = (a >> 4 & 0x0f0f0f0f0f0f0f0full) | (a & 0x0f0f0f0f0f0f0f0full) << 4;
  return __builtin_bswap64(a);
}
inline unsigned int __brev(unsigned int a) { return static_cast<unsigned int>(__brevll(a) >> 32); }

/// Four bytes picked out of the eight of (b:a) by the selector's nibbles; a nibble's top bit replicates the sign.
inline unsigned int __byte_perm(unsigned int a, unsigned int b, unsigned int selector) {
  const uint64_t source = static_cast<uint64_t>(b) << 32 | a;
  unsigned int result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned int nibble = selector >> (4 * i) & 0xf;
    unsigned int byte = static_cast<unsigned int>(source >> (8 * (nibble & 7))) & 0xff;
    if (nibble & 8) byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result;
}

/// Funnel shifts of (high:low): l and r take the shift modulo 32, lc and rc clamp it at 32.
inline unsigned int __funnelshift_l(unsigned int low, unsigned int high, unsigned int shift) {
  return static_cast<unsigned int>((static_cast<uint64_t>(high) << 32 | low) << (shift & 31) >> 32);
}
inline unsigned int __funnelshift_lc(unsigned int low, unsigned int high, unsigned int shift) {
  return shift >= 32 ? low : __funnelshift_l(low, high, shift);
}
inline unsigned int __funnelshift_r(unsigned int low, unsigned int high, unsigned int shift) {
  return static_cast<unsigned int>((static_cast<uint64_t>(high) << 32 | low) >> (shift & 31));
}
inline unsigned int __funnelshift_rc(unsigned int low, unsigned int high, unsigned int shift) {
  return shift >= 32 ? high : __funnelshift_r(low, high, shift);
}

inline int __mulhi(int a, int b) { return static_cast<int>(static_cast<int64_t>(a) * b >> 32); }
inline unsigned int __umulhi(unsigned int a, unsigned int b) {
  return static_cast<unsigned int>(static_cast<uint64_t>(a) * b >> 32);
}
inline long long __mul64hi(long long a, long long b) {
  return static_cast<long long>(static_cast<__int128>(a) * b >> 64);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>(static_cast<unsigned __int128>(a) * b >> 64);
}
inline int mulhi(int a, int b) { return __mulhi(a, b); }
inline unsigned int umulhi(unsigned int a, unsigned int b) { return __umulhi(a, b); }
inline long long mul64hi(long long a, long long b) { return __mul64hi(a, b); }
inline unsigned long long umul64hi(unsigned long long a, unsigned long long b) { return __umul64hi(a, b); }

/// Low 32 bits of the product of the 24 low bits of each.
inline unsigned int __umul24(unsigned int a, unsigned int b) { return (a & 0xffffff) * (b & 0xffffff); }
inline int __mul24(int a, int b) {
  const auto low24 = [](int v) { return static_cast<int>(static_cast<unsigned int>(v) << 8) >> 8; };
  return static_cast<int>(static_cast<unsigned int>(low24(a)) * static_cast<unsigned int>(low24(b)));
}
inline int mul24(int a, int b) { return __mul24(a, b); }
inline unsigned int umul24(unsigned int a, unsigned int b) { return __umul24(a, b); }

/// |a - b| + c.
inline unsigned int __sad(int a, int b, unsigned int c) {
  return (a > b ? static_cast<unsigned int>(a) - static_cast<unsigned int>(b)
                : static_cast<unsigned int>(b) - static_cast<unsigned int>(a)) + c;
}
inline unsigned int __usad(unsigned int a, unsigned int b, unsigned int c) { return (a > b ? a - b : b - a) + c; }

/// Averages without overflow; the r forms round up.
inline int __hadd(int a, int b) { return static_cast<int>((static_cast<int64_t>(a) + b) >> 1); }
inline int __rhadd(int a, int b) { return static_cast<int>((static_cast<int64_t>(a) + b + 1) >> 1); }
inline unsigned int __uhadd(unsigned int a, unsigned int b) {
  return static_cast<unsigned int>((static_cast<uint64_t>(a) + b) >> 1);
}
inline unsigned int __urhadd(unsigned int a, unsigned int b) {
  return static_cast<unsigned int>((static_cast<uint64_t>(a) + b + 1) >> 1);
}

/// Position of the offset-th set bit of mask counted from base (up when offset > 0), or 0xffffffff.
inline unsigned int __fns(unsigned int mask, unsigned int base, int offset) {
  if (offset == 0) return base < 32 && (mask >> base & 1) ? base : 0xffffffffu;
  const int step = offset > 0 ? 1 : -1;
  int left = offset > 0 ? offset : -offset;
  for (int position = static_cast<int>(base); position >= 0 && position < 32; position += step) {
    if ((mask >> position & 1) && --left == 0) return static_cast<unsigned int>(position);
  }
  return 0xffffffffu;
}

inline unsigned short __nv_bswap16(unsigned short a) { return __builtin_bswap16(a); }
inline unsigned int __nv_bswap32(unsigned int a) { return __builtin_bswap32(a); }
inline unsigned long long __nv_bswap64(unsigned long long a) { return __builtin_bswap64(a); }

namespace simt_math {

/// Sum over the four bytes of a and b, each read as Lane, added to c with wrap-around.
template <class Lane>
inline unsigned int dot4(unsigned int a, unsigned int b, unsigned int c) {
  for (int i = 0; i < 4; ++i) {
    const int x = static_cast<Lane>(a >> (8 * i)), y = static_cast<Lane>(b >> (8 * i));
    c += static_cast<unsigned int>(x * y);
  }
  return c;
}

/// Two 16-bit lanes of a against two bytes of b, which start at byte `first`.
template <class Wide, class Lane>
inline unsigned int dot2(unsigned int a, unsigned int b, unsigned int c, int first) {
  for (int i = 0; i < 2; ++i) {
    const int x = static_cast<Wide>(a >> (16 * i)), y = static_cast<Lane>(b >> (8 * (first + i)));
    c += static_cast<unsigned int>(x * y);
  }
  return c;
}

template <class Vector>
inline unsigned int word(Vector v) {
  static_assert(sizeof(Vector) == 4, "four bytes");
  unsigned int bits;
  __builtin_memcpy(&bits, &v, 4);
  return bits;
}

}  // namespace simt_math

inline int __dp4a(int a, int b, int c) { return static_cast<int>(simt_math::dot4<int8_t>(a, b, c)); }
inline unsigned int __dp4a(unsigned int a, unsigned int b, unsigned int c) { return simt_math::dot4<uint8_t>(a, b, c); }
inline int __dp4a(char4 a, char4 b, int c) {
  return static_cast<int>(simt_math::dot4<int8_t>(simt_math::word(a), simt_math::word(b), c));
}
inline unsigned int __dp4a(uchar4 a, uchar4 b, unsigned int c) {
  return simt_math::dot4<uint8_t>(simt_math::word(a), simt_math::word(b), c);
}
inline int __dp2a_lo(int a, int b, int c) { return static_cast<int>(simt_math::dot2<int16_t, int8_t>(a, b, c, 0)); }
inline int __dp2a_hi(int a, int b, int c) { return static_cast<int>(simt_math::dot2<int16_t, int8_t>(a, b, c, 2)); }
inline unsigned int __dp2a_lo(unsigned int a, unsigned int b, unsigned int c) {
  return simt_math::dot2<uint16_t, uint8_t>(a, b, c, 0);
}
inline unsigned int __dp2a_hi(unsigned int a, unsigned int b, unsigned int c) {
  return simt_math::dot2<uint16_t, uint8_t>(a, b, c, 2);
}
inline int __dp2a_lo(short2 a, char4 b, int c) {
  return __dp2a_lo(static_cast<int>(simt_math::word(a)), static_cast<int>(simt_math::word(b)), c);
}
inline int __dp2a_hi(short2 a, char4 b, int c) {
  return __dp2a_hi(static_cast<int>(simt_math::word(a)), static_cast<int>(simt_math::word(b)), c);
}
inline unsigned int __dp2a_lo(ushort2 a, uchar4 b, unsigned int c) {
  return __dp2a_lo(simt_math::word(a), simt_math::word(b), c);
}
inline unsigned int __dp2a_hi(ushort2 a, uchar4 b, unsigned int c) {
  return __dp2a_hi(simt_math::word(a), simt_math::word(b), c);
}
