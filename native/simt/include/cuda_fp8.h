/// The eight-bit formats e4m3 (no infinities, largest 448) and e5m2 (largest 57344) with CUDA's conversions.
#pragma once

#include "cuda_bf16.h"
#include "cuda_fp16.h"

using __nv_fp8_storage_t = unsigned char;
using __nv_fp8x2_storage_t = unsigned short;
using __nv_fp8x4_storage_t = unsigned int;

/// What becomes of values too large: infinity (NaN in e4m3), or the largest number.
enum __nv_saturation_t { __NV_NOSAT, __NV_SATFINITE };
enum __nv_fp8_interpretation_t { __NV_E4M3, __NV_E5M2 };

namespace simt_math {

/// The only format without infinities: its all-ones exponent is used, but for the mantissa 7, which is NaN.
inline uint8_t to_e4m3(double value, __nv_saturation_t saturation) {
  if (value != value) return 0x7f;
  const uint8_t sign = bits_as<uint64_t>(value) >> 63 ? 0x80 : 0;
  // Values of 464, half way to the absent 480, and above have left the range; 5 exponent bits hold them all.
  const double size = __builtin_fabs(value);
  if (size > 464.0) return sign | (saturation == __NV_SATFINITE ? 0x7e : 0x7f);
  if (size >= 256.0) {
    const int step = static_cast<int>(__builtin_rint((size - 256.0) / 32.0));
    return sign | static_cast<uint8_t>(0x78 + (step > 6 ? 6 : step));
  }
  return static_cast<uint8_t>(encode<4, 3>(value, Rounding::nearest));
}

inline uint8_t to_e5m2(double value, __nv_saturation_t saturation) {
  if (value != value) return 0x7f;
  const uint8_t bits = static_cast<uint8_t>(encode<5, 2>(value, Rounding::nearest));
  return saturation == __NV_SATFINITE && (bits & 0x7f) == 0x7c ? static_cast<uint8_t>(bits - 1) : bits;
}

inline float from_e4m3(uint8_t bits) {
  return (bits & 0x7f) == 0x7f ? bits_as<float>(0x7fffffffu) : decode_finite<4, 3>(bits);
}
/// e5m2 is the upper byte of a half.
inline float from_e5m2(uint8_t bits) { return HalfFormat::to_float(static_cast<uint16_t>(bits << 8)); }

inline uint8_t to_fp8(double v, __nv_saturation_t saturation, __nv_fp8_interpretation_t kind) {
  return kind == __NV_E4M3 ? to_e4m3(v, saturation) : to_e5m2(v, saturation);
}
inline float from_fp8(uint8_t bits, __nv_fp8_interpretation_t kind) {
  return kind == __NV_E4M3 ? from_e4m3(bits) : from_e5m2(bits);
}

/// Towards zero and into the range; NaN gives 0, or the lone top bit in 64 bits, as CUDA's conversions of half do.
template <class Integer>
inline Integer fp8_as(float value) {
  constexpr auto nan = sizeof(Integer) == 8 ? static_cast<Integer>(0x8000000000000000ull) : Integer{0};
  return saturated<Integer>(toward_zero(value), nan);
}

}  // namespace simt_math

// ---- conversions of bare storage ----
inline __nv_fp8_storage_t __nv_cvt_double_to_fp8(double v, __nv_saturation_t s, __nv_fp8_interpretation_t k) {
  return simt_math::to_fp8(v, s, k);
}
inline __nv_fp8_storage_t __nv_cvt_float_to_fp8(float v, __nv_saturation_t s, __nv_fp8_interpretation_t k) {
  return simt_math::to_fp8(v, s, k);
}
inline __nv_fp8_storage_t __nv_cvt_halfraw_to_fp8(__half_raw v, __nv_saturation_t s, __nv_fp8_interpretation_t k) {
  return simt_math::to_fp8(float(__half(v)), s, k);
}
inline __nv_fp8_storage_t __nv_cvt_bfloat16raw_to_fp8(__nv_bfloat16_raw v, __nv_saturation_t s,
                                                      __nv_fp8_interpretation_t k) {
  return simt_math::to_fp8(float(__nv_bfloat16(v)), s, k);
}
inline __nv_fp8x2_storage_t __nv_cvt_float2_to_fp8x2(float2 v, __nv_saturation_t s, __nv_fp8_interpretation_t k) {
  return static_cast<__nv_fp8x2_storage_t>(simt_math::to_fp8(v.x, s, k) | simt_math::to_fp8(v.y, s, k) << 8);
}
inline __nv_fp8x2_storage_t __nv_cvt_double2_to_fp8x2(double2 v, __nv_saturation_t s, __nv_fp8_interpretation_t k) {
  return static_cast<__nv_fp8x2_storage_t>(simt_math::to_fp8(v.x, s, k) | simt_math::to_fp8(v.y, s, k) << 8);
}
inline __nv_fp8x2_storage_t __nv_cvt_halfraw2_to_fp8x2(__half2_raw v, __nv_saturation_t s,
                                                       __nv_fp8_interpretation_t k) {
  return __nv_cvt_float2_to_fp8x2(__half22float2(__half2(v)), s, k);
}
inline __nv_fp8x2_storage_t __nv_cvt_bfloat16raw2_to_fp8x2(__nv_bfloat162_raw v, __nv_saturation_t s,
                                                           __nv_fp8_interpretation_t k) {
  return __nv_cvt_float2_to_fp8x2(__bfloat1622float2(__nv_bfloat162(v)), s, k);
}
inline __half_raw __nv_cvt_fp8_to_halfraw(__nv_fp8_storage_t v, __nv_fp8_interpretation_t k) {
  return __half(simt_math::from_fp8(v, k));
}
inline __half2_raw __nv_cvt_fp8x2_to_halfraw2(__nv_fp8x2_storage_t v, __nv_fp8_interpretation_t k) {
  return __half2_raw{__nv_cvt_fp8_to_halfraw(v & 0xff, k).x, __nv_cvt_fp8_to_halfraw(v >> 8, k).x};
}

// ---- the classes: one value, and packs of two and four. Construction saturates, as CUDA's does. ----
#define SIMT_FP8(NAME, KIND)                                                                                    \
  struct NAME {                                                                                                 \
    __nv_fp8_storage_t __x;                                                                                     \
    NAME() = default;                                                                                           \
    explicit NAME(float v) : __x(simt_math::to_fp8(v, __NV_SATFINITE, KIND)) {}                                 \
    explicit NAME(double v) : __x(simt_math::to_fp8(v, __NV_SATFINITE, KIND)) {}                                \
    template <class Integer, class = std::enable_if_t<std::is_integral_v<Integer>>>                             \
    explicit NAME(Integer v) : NAME(static_cast<double>(v)) {}                                                  \
    explicit NAME(__half v) : NAME(static_cast<float>(v)) {}                                                    \
    explicit NAME(__nv_bfloat16 v) : NAME(static_cast<float>(v)) {}                                             \
    explicit operator float() const { return simt_math::from_fp8(__x, KIND); }                                  \
    explicit operator double() const { return simt_math::from_fp8(__x, KIND); }                                 \
    explicit operator __half() const { return __half(simt_math::from_fp8(__x, KIND)); }                         \
    explicit operator __nv_bfloat16() const { return __nv_bfloat16(simt_math::from_fp8(__x, KIND)); }           \
    template <class Integer, class = std::enable_if_t<std::is_integral_v<Integer>>>                             \
    explicit operator Integer() const { return simt_math::fp8_as<Integer>(simt_math::from_fp8(__x, KIND)); }    \
    explicit operator bool() const { return (__x & 0x7f) != 0; }                                                \
  }
#define SIMT_FP8X2(NAME, KIND)                                                                                  \
  struct alignas(2) NAME {                                                                                      \
    __nv_fp8x2_storage_t __x;                                                                                   \
    NAME() = default;                                                                                           \
    explicit NAME(float2 v) : __x(__nv_cvt_float2_to_fp8x2(v, __NV_SATFINITE, KIND)) {}                         \
    explicit NAME(double2 v) : __x(__nv_cvt_double2_to_fp8x2(v, __NV_SATFINITE, KIND)) {}                       \
    explicit NAME(__half2 v) : NAME(__half22float2(v)) {}                                                       \
    explicit NAME(__nv_bfloat162 v) : NAME(__bfloat1622float2(v)) {}                                            \
    explicit operator float2() const {                                                                          \
      return float2{simt_math::from_fp8(__x & 0xff, KIND), simt_math::from_fp8(__x >> 8, KIND)};                \
    }                                                                                                           \
    explicit operator __half2() const { return __half2(__nv_cvt_fp8x2_to_halfraw2(__x, KIND)); }                \
  }
#define SIMT_FP8X4(NAME, KIND)                                                                                  \
  struct alignas(4) NAME {                                                                                      \
    __nv_fp8x4_storage_t __x;                                                                                   \
    NAME() = default;                                                                                           \
    explicit NAME(float4 v)                                                                                     \
        : __x(__nv_cvt_float2_to_fp8x2(float2{v.x, v.y}, __NV_SATFINITE, KIND) |                                \
              static_cast<unsigned int>(__nv_cvt_float2_to_fp8x2(float2{v.z, v.w}, __NV_SATFINITE, KIND)) << 16) {} \
    explicit NAME(__half2 low, __half2 high) : NAME(float4{low.x, low.y, high.x, high.y}) {}                    \
    explicit operator float4() const {                                                                          \
      return float4{simt_math::from_fp8(__x & 0xff, KIND), simt_math::from_fp8(__x >> 8 & 0xff, KIND),          \
                    simt_math::from_fp8(__x >> 16 & 0xff, KIND), simt_math::from_fp8(__x >> 24, KIND)};         \
    }                                                                                                           \
  }
SIMT_FP8(__nv_fp8_e4m3, __NV_E4M3);
SIMT_FP8(__nv_fp8_e5m2, __NV_E5M2);
SIMT_FP8X2(__nv_fp8x2_e4m3, __NV_E4M3);
SIMT_FP8X2(__nv_fp8x2_e5m2, __NV_E5M2);
SIMT_FP8X4(__nv_fp8x4_e4m3, __NV_E4M3);
SIMT_FP8X4(__nv_fp8x4_e5m2, __NV_E5M2);
#undef SIMT_FP8
#undef SIMT_FP8X2
#undef SIMT_FP8X4

#include "simt_fp8_scale.h"
