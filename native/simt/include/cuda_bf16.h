/// __nv_bfloat16 and __nv_bfloat162 with CUDA's conversions, arithmetic, comparisons, mathematics and atomics.
#pragma once

#include "simt_api.h"
#include "simt_library.h"
#include "simt_small_float.h"
#include "simt_small_float_shuffles.h"

struct __nv_bfloat16_raw {
  unsigned short x;
};
struct alignas(4) __nv_bfloat162_raw {
  unsigned short x, y;
};

/// The upper half of an IEEE float, held as its bits.
struct alignas(2) __nv_bfloat16 {
  unsigned short __x;

  __nv_bfloat16() = default;
  __nv_bfloat16(float v) : __x(simt_math::Bfloat16Format::from_float(v)) {}
  __nv_bfloat16(double v) : __x(simt_math::Bfloat16Format::from_double(v)) {}
  __nv_bfloat16(short v) : __x(simt_math::Bfloat16Format::from_float(v)) {}
  __nv_bfloat16(unsigned short v) : __x(simt_math::Bfloat16Format::from_float(v)) {}
  __nv_bfloat16(int v) : __x(simt_math::Bfloat16Format::from_double(v)) {}
  __nv_bfloat16(unsigned int v) : __x(simt_math::Bfloat16Format::from_double(v)) {}
  __nv_bfloat16(long v) : __x(simt_math::Bfloat16Format::from_integer(v, simt_math::Rounding::nearest)) {}
  __nv_bfloat16(unsigned long v) : __x(simt_math::Bfloat16Format::from_integer(v, simt_math::Rounding::nearest)) {}
  __nv_bfloat16(long long v) : __x(simt_math::Bfloat16Format::from_integer(v, simt_math::Rounding::nearest)) {}
  __nv_bfloat16(unsigned long long v) : __x(simt_math::Bfloat16Format::from_integer(v, simt_math::Rounding::nearest)) {}
  __nv_bfloat16(__nv_bfloat16_raw raw) : __x(raw.x) {}
  operator float() const { return simt_math::Bfloat16Format::to_float(__x); }
  operator __nv_bfloat16_raw() const { return __nv_bfloat16_raw{__x}; }

  /// The bfloat16 of these very bits.
  static __nv_bfloat16 from_bits(unsigned int bits) {
    __nv_bfloat16 h;
    h.__x = static_cast<unsigned short>(bits);
    return h;
  }
};

/// Two bfloat16 in one word; x is the low one.
struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;

  __nv_bfloat162() = default;
  __nv_bfloat162(__nv_bfloat16 low, __nv_bfloat16 high) : x(low), y(high) {}
  __nv_bfloat162(__nv_bfloat162_raw raw) : x(__nv_bfloat16::from_bits(raw.x)), y(__nv_bfloat16::from_bits(raw.y)) {}
  operator __nv_bfloat162_raw() const { return __nv_bfloat162_raw{x.__x, y.__x}; }
};

using nv_bfloat16 = __nv_bfloat16;
using nv_bfloat162 = __nv_bfloat162;

#define CUDART_INF_BF16 __ushort_as_bfloat16(0x7f80)
#define CUDART_NAN_BF16 __ushort_as_bfloat16(0x7fff)
#define CUDART_MIN_DENORM_BF16 __ushort_as_bfloat16(0x0001)
#define CUDART_MAX_NORMAL_BF16 __ushort_as_bfloat16(0x7f7f)
#define CUDART_ONE_BF16 __ushort_as_bfloat16(0x3f80)
#define CUDART_ZERO_BF16 __ushort_as_bfloat16(0x0000)
#define CUDART_NEG_ZERO_BF16 __ushort_as_bfloat16(0x8000)

// ---- conversions ----
inline __nv_bfloat16 __float2bfloat16(float v) { return __nv_bfloat16(v); }
inline __nv_bfloat16 __float2bfloat16_rn(float v) { return __nv_bfloat16(v); }
inline __nv_bfloat16 __float2bfloat16_rz(float v) {
  return __nv_bfloat16::from_bits(simt_math::Bfloat16Format::from_float(v, simt_math::Rounding::zero));
}
inline __nv_bfloat16 __float2bfloat16_ru(float v) {
  return __nv_bfloat16::from_bits(simt_math::Bfloat16Format::from_float(v, simt_math::Rounding::up));
}
inline __nv_bfloat16 __float2bfloat16_rd(float v) {
  return __nv_bfloat16::from_bits(simt_math::Bfloat16Format::from_float(v, simt_math::Rounding::down));
}
inline __nv_bfloat16 __double2bfloat16(double v) { return __nv_bfloat16(v); }
inline float __bfloat162float(__nv_bfloat16 v) { return v; }
inline __nv_bfloat162 __float2bfloat162_rn(float v) { return __nv_bfloat162(__nv_bfloat16(v), __nv_bfloat16(v)); }
inline __nv_bfloat162 __floats2bfloat162_rn(float low, float high) {
  return __nv_bfloat162(__nv_bfloat16(low), __nv_bfloat16(high));
}
inline __nv_bfloat162 __float22bfloat162_rn(float2 v) { return __floats2bfloat162_rn(v.x, v.y); }
inline float2 __bfloat1622float2(__nv_bfloat162 v) { return float2{v.x, v.y}; }
inline float __low2float(__nv_bfloat162 v) { return v.x; }
inline float __high2float(__nv_bfloat162 v) { return v.y; }

#define SIMT_T __nv_bfloat16
#define SIMT_T2 __nv_bfloat162
#define SIMT_FORMAT simt_math::Bfloat16Format
#define SIMT_NAME bfloat16
#include "simt_small_float_integers.inc.h"
#include "simt_small_float_ops.inc.h"
#undef SIMT_T
#undef SIMT_T2
#undef SIMT_FORMAT
#undef SIMT_NAME

SIMT_SHUFFLES(__nv_bfloat16)
SIMT_SHUFFLES(__nv_bfloat162)

// ---- pairs ----
inline __nv_bfloat162 make_bfloat162(__nv_bfloat16 low, __nv_bfloat16 high) { return __nv_bfloat162(low, high); }
inline __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 low, __nv_bfloat16 high) { return __nv_bfloat162(low, high); }
inline __nv_bfloat162 __bfloat162bfloat162(__nv_bfloat16 v) { return __nv_bfloat162(v, v); }
inline __nv_bfloat16 __low2bfloat16(__nv_bfloat162 v) { return v.x; }
inline __nv_bfloat16 __high2bfloat16(__nv_bfloat162 v) { return v.y; }
inline __nv_bfloat162 __low2bfloat162(__nv_bfloat162 v) { return __nv_bfloat162(v.x, v.x); }
inline __nv_bfloat162 __high2bfloat162(__nv_bfloat162 v) { return __nv_bfloat162(v.y, v.y); }
inline __nv_bfloat162 __lows2bfloat162(__nv_bfloat162 a, __nv_bfloat162 b) { return __nv_bfloat162(a.x, b.x); }
inline __nv_bfloat162 __highs2bfloat162(__nv_bfloat162 a, __nv_bfloat162 b) { return __nv_bfloat162(a.y, b.y); }
inline __nv_bfloat162 __lowhigh2highlow(__nv_bfloat162 v) { return __nv_bfloat162(v.y, v.x); }
