/// DPX: CUDA's fused integer minima and maxima of dynamic programming (__viaddmax_s32, __vimax3_s16x2_relu, ...).
///
/// Names read left to right: add the first two, then the extreme; `3` of three; `relu` at least 0; `s16x2` and `u16x2`
/// by halves of the word. Sums wrap around, as the hardware's do.
#pragma once

#include <stdint.h>

#include "math_functions.h"
#include "simt_lanes.h"

namespace simt_math {

/// Applies `f` to the two 16-bit lanes of a, b and c.
template <class Lane, class F>
inline unsigned int by_halves(unsigned int a, unsigned int b, unsigned int c, F f) {
  const auto lane = [&](int at) {
    const int result = f(static_cast<Lane>(a >> at), static_cast<Lane>(b >> at), static_cast<Lane>(c >> at));
    return static_cast<unsigned int>(static_cast<uint16_t>(result)) << at;
  };
  return lane(16) | lane(0);
}

inline int wrapping_sum(int a, int b) { return static_cast<int>(static_cast<unsigned int>(a) + static_cast<unsigned int>(b)); }
inline unsigned int wrapping_sum(unsigned int a, unsigned int b) { return a + b; }

}  // namespace simt_math

/// One function of words and its twin of halves; `sum` wraps within the element.
#define SIMT_DPX_OF(NAME, SUFFIX, TAIL, T, LANE, EXPR)                                              \
  inline T NAME##_##SUFFIX##32##TAIL(T a, T b, T c) {                                               \
    const auto sum = [](T x, T y) { return simt_math::wrapping_sum(x, y); };                        \
    (void)sum;                                                                                      \
    return EXPR;                                                                                    \
  }                                                                                                 \
  inline unsigned int NAME##_##SUFFIX##16x2##TAIL(unsigned int x, unsigned int y, unsigned int z) { \
    return simt_math::by_halves<LANE>(x, y, z, [](LANE a, LANE b, LANE c) -> int {                  \
      const auto sum = [](LANE v, LANE w) { return static_cast<LANE>(v + w); };                     \
      (void)sum;                                                                                    \
      return EXPR;                                                                                  \
    });                                                                                             \
  }
#define SIMT_DPX(NAME, EXPR)                              \
  SIMT_DPX_OF(NAME, s, , int, int16_t, EXPR)              \
  SIMT_DPX_OF(NAME, u, , unsigned int, uint16_t, EXPR)    \
  SIMT_DPX_OF(NAME, s, _relu, int, int16_t, max(static_cast<int>(EXPR), 0))

SIMT_DPX(__vimax3, max(max(a, b), c))
SIMT_DPX(__vimin3, min(min(a, b), c))
SIMT_DPX(__viaddmax, max(sum(a, b), c))
SIMT_DPX(__viaddmin, min(sum(a, b), c))
#undef SIMT_DPX
#undef SIMT_DPX_OF

inline int __vimax_s32_relu(int a, int b) { return max(max(a, b), 0); }
inline int __vimin_s32_relu(int a, int b) { return max(min(a, b), 0); }
inline unsigned int __vimax_s16x2_relu(unsigned int a, unsigned int b) { return __vimax3_s16x2(a, b, 0); }
inline unsigned int __vimin_s16x2_relu(unsigned int a, unsigned int b) { return __vimin3_s16x2_relu(a, b, b); }

/// The extreme of two, and whether it is the first (a tie is).
#define SIMT_DPX_CHOICE(NAME, SUFFIX, T, LANE, BETTER)                                                        \
  inline T NAME##_##SUFFIX##32(T a, T b, bool* first) {                                                       \
    *first = a BETTER b;                                                                                      \
    return *first ? a : b;                                                                                    \
  }                                                                                                           \
  inline unsigned int NAME##_##SUFFIX##16x2(unsigned int a, unsigned int b, bool* high_first, bool* low_first) { \
    *high_first = static_cast<LANE>(a >> 16) BETTER static_cast<LANE>(b >> 16);                               \
    *low_first = static_cast<LANE>(a) BETTER static_cast<LANE>(b);                                            \
    return ((*high_first ? a : b) & 0xffff0000u) | ((*low_first ? a : b) & 0xffffu);                          \
  }
SIMT_DPX_CHOICE(__vibmax, s, int, int16_t, >=)
SIMT_DPX_CHOICE(__vibmax, u, unsigned int, uint16_t, >=)
SIMT_DPX_CHOICE(__vibmin, s, int, int16_t, <=)
SIMT_DPX_CHOICE(__vibmin, u, unsigned int, uint16_t, <=)
#undef SIMT_DPX_CHOICE
