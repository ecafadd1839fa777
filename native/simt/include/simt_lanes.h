/// CUDA's SIMD-in-a-word intrinsics: __vadd4, __vmaxs2, __vcmpeq4, __vsadu4 and their kin.
#pragma once

#include <stdint.h>

namespace simt_math {

/// Applies `f` to each lane of a and b read as Lane and packs the low bits of what it returns.
template <class Lane, class F>
inline unsigned int by_lane(unsigned int a, unsigned int b, F f) {
  constexpr int bits = sizeof(Lane) * 8;
  constexpr unsigned int mask = (1u << bits) - 1;
  unsigned int result = 0;
  for (int at = 0; at < 32; at += bits) {
    const int x = static_cast<Lane>(a >> at), y = static_cast<Lane>(b >> at);
    result |= (static_cast<unsigned int>(f(x, y)) & mask) << at;
  }
  return result;
}

template <class Lane>
inline int clamp_to(int v) {
  constexpr bool is_signed = static_cast<Lane>(-1) < 0;
  constexpr int high = (1 << (sizeof(Lane) * 8 - (is_signed ? 1 : 0))) - 1, low = is_signed ? -high - 1 : 0;
  return v > high ? high : v < low ? low : v;
}

}  // namespace simt_math

#define SIMT_LANES(NAME, LANE, EXPR)                                                    \
  inline unsigned int NAME(unsigned int a, unsigned int b) {                            \
    return simt_math::by_lane<LANE>(a, b, [](int x, int y) { (void)y; return EXPR; });  \
  }
#define SIMT_LANES_1(NAME, LANE, EXPR)                                                  \
  inline unsigned int NAME(unsigned int a) {                                            \
    return simt_math::by_lane<LANE>(a, 0, [](int x, int) { return EXPR; });             \
  }
#define SIMT_LANES_SUM(NAME, LANE, EXPR)                                                \
  inline unsigned int NAME(unsigned int a, unsigned int b) {                            \
    unsigned int sum = 0;                                                               \
    simt_math::by_lane<LANE>(a, b, [&](int x, int y) { return sum += (EXPR), 0; });     \
    return sum;                                                                         \
  }

#define SIMT_LANES_OF(N, S, U)                                            \
  SIMT_LANES(__vadd##N, U, x + y)                                         \
  SIMT_LANES(__vsub##N, U, x - y)                                         \
  SIMT_LANES(__vaddss##N, S, simt_math::clamp_to<S>(x + y))               \
  SIMT_LANES(__vaddus##N, U, simt_math::clamp_to<U>(x + y))               \
  SIMT_LANES(__vsubss##N, S, simt_math::clamp_to<S>(x - y))               \
  SIMT_LANES(__vsubus##N, U, simt_math::clamp_to<U>(x - y))               \
  SIMT_LANES(__vmaxs##N, S, x > y ? x : y)                                \
  SIMT_LANES(__vmaxu##N, U, x > y ? x : y)                                \
  SIMT_LANES(__vmins##N, S, x < y ? x : y)                                \
  SIMT_LANES(__vminu##N, U, x < y ? x : y)                                \
  SIMT_LANES(__vabsdiffs##N, S, x > y ? x - y : y - x)                    \
  SIMT_LANES(__vabsdiffu##N, U, x > y ? x - y : y - x)                    \
  SIMT_LANES(__vavgs##N, S, (x + y + (x + y >= 0)) >> 1)                  \
  SIMT_LANES(__vavgu##N, U, (x + y + 1) >> 1)                             \
  SIMT_LANES(__vhaddu##N, U, (x + y) >> 1)                                \
  SIMT_LANES(__vcmpeq##N, U, x == y ? -1 : 0)                             \
  SIMT_LANES(__vcmpne##N, U, x != y ? -1 : 0)                             \
  SIMT_LANES(__vcmpgts##N, S, x > y ? -1 : 0)                             \
  SIMT_LANES(__vcmpgtu##N, U, x > y ? -1 : 0)                             \
  SIMT_LANES(__vcmpges##N, S, x >= y ? -1 : 0)                            \
  SIMT_LANES(__vcmpgeu##N, U, x >= y ? -1 : 0)                            \
  SIMT_LANES(__vcmplts##N, S, x < y ? -1 : 0)                             \
  SIMT_LANES(__vcmpltu##N, U, x < y ? -1 : 0)                             \
  SIMT_LANES(__vcmples##N, S, x <= y ? -1 : 0)                            \
  SIMT_LANES(__vcmpleu##N, U, x <= y ? -1 : 0)                            \
  SIMT_LANES(__vseteq##N, U, x == y)                                      \
  SIMT_LANES(__vsetne##N, U, x != y)                                      \
  SIMT_LANES(__vsetgts##N, S, x > y)                                      \
  SIMT_LANES(__vsetgtu##N, U, x > y)                                      \
  SIMT_LANES(__vsetges##N, S, x >= y)                                     \
  SIMT_LANES(__vsetgeu##N, U, x >= y)                                     \
  SIMT_LANES(__vsetlts##N, S, x < y)                                      \
  SIMT_LANES(__vsetltu##N, U, x < y)                                      \
  SIMT_LANES(__vsetles##N, S, x <= y)                                     \
  SIMT_LANES(__vsetleu##N, U, x <= y)                                     \
  SIMT_LANES_1(__vabs##N, S, x < 0 ? -x : x)                              \
  SIMT_LANES_1(__vabsss##N, S, simt_math::clamp_to<S>(x < 0 ? -x : x))    \
  SIMT_LANES_1(__vneg##N, S, -x)                                          \
  SIMT_LANES_1(__vnegss##N, S, simt_math::clamp_to<S>(-x))                \
  SIMT_LANES_SUM(__vsads##N, S, static_cast<unsigned int>(x > y ? x - y : y - x)) \
  SIMT_LANES_SUM(__vsadu##N, U, static_cast<unsigned int>(x > y ? x - y : y - x))

SIMT_LANES_OF(2, int16_t, uint16_t)
SIMT_LANES_OF(4, int8_t, uint8_t)
#undef SIMT_LANES_OF
#undef SIMT_LANES
#undef SIMT_LANES_1
#undef SIMT_LANES_SUM
