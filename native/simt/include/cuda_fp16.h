/// half and half2 with CUDA's conversions, arithmetic, comparisons, mathematics, shuffles and atomics.
#pragma once

#include "simt_api.h"
#include "simt_library.h"
#include "simt_small_float.h"
#include "simt_small_float_shuffles.h"

struct __half_raw {
  unsigned short x;
};
struct alignas(4) __half2_raw {
  unsigned short x, y;
};

/// IEEE binary16, held as its bits.
struct alignas(2) __half {
  unsigned short __x;

  __half() = default;
  __half(float v) : __x(simt_math::HalfFormat::from_float(v)) {}
  __half(double v) : __x(simt_math::HalfFormat::from_double(v)) {}
  __half(short v) : __x(simt_math::HalfFormat::from_float(v)) {}
  __half(unsigned short v) : __x(simt_math::HalfFormat::from_float(v)) {}
  __half(int v) : __x(simt_math::HalfFormat::from_double(v)) {}
  __half(unsigned int v) : __x(simt_math::HalfFormat::from_double(v)) {}
  __half(long v) : __x(simt_math::HalfFormat::from_integer(v, simt_math::Rounding::nearest)) {}
  __half(unsigned long v) : __x(simt_math::HalfFormat::from_integer(v, simt_math::Rounding::nearest)) {}
  __half(long long v) : __x(simt_math::HalfFormat::from_integer(v, simt_math::Rounding::nearest)) {}
  __half(unsigned long long v) : __x(simt_math::HalfFormat::from_integer(v, simt_math::Rounding::nearest)) {}
  __half(__half_raw raw) : __x(raw.x) {}
  operator float() const { return simt_math::HalfFormat::to_float(__x); }
  operator __half_raw() const { return __half_raw{__x}; }

  /// The half of these very bits.
  static __half from_bits(unsigned int bits) {
    __half h;
    h.__x = static_cast<unsigned short>(bits);
    return h;
  }
};

/// Two halves in one word; x is the low one.
struct alignas(4) __half2 {
  __half x, y;

  __half2() = default;
  __half2(__half low, __half high) : x(low), y(high) {}
  __half2(__half2_raw raw) : x(__half::from_bits(raw.x)), y(__half::from_bits(raw.y)) {}
  operator __half2_raw() const { return __half2_raw{x.__x, y.__x}; }
};

using half = __half;
using half2 = __half2;
using nv_half = __half;
using nv_half2 = __half2;

#define CUDART_INF_FP16 __ushort_as_half(0x7c00)
#define CUDART_NAN_FP16 __ushort_as_half(0x7fff)
#define CUDART_MAX_NORMAL_FP16 __ushort_as_half(0x7bff)
#define CUDART_MIN_DENORM_FP16 __ushort_as_half(0x0001)
#define CUDART_ONE_FP16 __ushort_as_half(0x3c00)
#define CUDART_ZERO_FP16 __ushort_as_half(0x0000)
#define CUDART_NEG_ZERO_FP16 __ushort_as_half(0x8000)

// ---- conversions ----
inline __half __float2half(float v) { return __half(v); }
inline __half __float2half_rn(float v) { return __half(v); }
inline __half __float2half_rz(float v) {
  return __half::from_bits(simt_math::HalfFormat::from_float(v, simt_math::Rounding::zero));
}
inline __half __float2half_ru(float v) {
  return __half::from_bits(simt_math::HalfFormat::from_float(v, simt_math::Rounding::up));
}
inline __half __float2half_rd(float v) {
  return __half::from_bits(simt_math::HalfFormat::from_float(v, simt_math::Rounding::down));
}
inline __half __double2half(double v) { return __half(v); }
inline float __half2float(__half v) { return v; }
inline __half2 __float2half2_rn(float v) { return __half2(__half(v), __half(v)); }
inline __half2 __floats2half2_rn(float low, float high) { return __half2(__half(low), __half(high)); }
inline __half2 __float22half2_rn(float2 v) { return __half2(__half(v.x), __half(v.y)); }
inline float2 __half22float2(__half2 v) { return float2{v.x, v.y}; }
inline float __low2float(__half2 v) { return v.x; }
inline float __high2float(__half2 v) { return v.y; }

#define SIMT_T __half
#define SIMT_T2 __half2
#define SIMT_FORMAT simt_math::HalfFormat
#define SIMT_NAME half
#include "simt_small_float_integers.inc.h"
#include "simt_small_float_ops.inc.h"
#undef SIMT_T
#undef SIMT_T2
#undef SIMT_FORMAT
#undef SIMT_NAME

SIMT_SHUFFLES(__half)
SIMT_SHUFFLES(__half2)

// ---- pairs ----
inline __half2 make_half2(__half low, __half high) { return __half2(low, high); }
inline __half2 __halves2half2(__half low, __half high) { return __half2(low, high); }
inline __half2 __half2half2(__half v) { return __half2(v, v); }
inline __half __low2half(__half2 v) { return v.x; }
inline __half __high2half(__half2 v) { return v.y; }
inline __half2 __low2half2(__half2 v) { return __half2(v.x, v.x); }
inline __half2 __high2half2(__half2 v) { return __half2(v.y, v.y); }
inline __half2 __lows2half2(__half2 a, __half2 b) { return __half2(a.x, b.x); }
inline __half2 __highs2half2(__half2 a, __half2 b) { return __half2(a.y, b.y); }
inline __half2 __lowhigh2highlow(__half2 v) { return __half2(v.y, v.x); }
