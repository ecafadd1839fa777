/// The scale format e8m0: a byte that is a power of two, 2^-127 .. 2^127, or NaN (0xff); it has no sign and no zero.
#pragma once

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "device_types.h"
#include "simt_casts.h"

namespace simt_math {

/// |v| to a power of two, towards zero or up. What lies above 2^127 becomes NaN, or 2^127 where it is to saturate.
inline uint8_t to_e8m0(double v, bool saturate, bool up) {
  if (v != v) return 0xff;
  const double size = __builtin_fabs(v);
  int exponent = -127;
  if (size == __builtin_inf()) {
    exponent = 128;
  } else if (size > 0x1p-127) {
    const double fraction = frexp(size, &exponent);  // [0.5, 1)
    exponent -= !(up && fraction > 0.5);
  }
  if (exponent > 127) return saturate ? 0xfe : 0xff;
  return static_cast<uint8_t>(exponent + 127);
}
inline float from_e8m0(uint8_t bits) {
  return bits == 0xff ? bits_as<float>(0x7fffffffu) : bits == 0 ? 0x1p-127f : bits_as<float>(uint32_t{bits} << 23);
}

}  // namespace simt_math

inline __nv_fp8_storage_t __nv_cvt_double_to_e8m0(double v, __nv_saturation_t s, cudaRoundMode mode) {
  return simt_math::to_e8m0(v, s == __NV_SATFINITE, mode == cudaRoundPosInf);
}
inline __nv_fp8_storage_t __nv_cvt_float_to_e8m0(float v, __nv_saturation_t s, cudaRoundMode mode) {
  return __nv_cvt_double_to_e8m0(v, s, mode);
}
inline __nv_fp8_storage_t __nv_cvt_bfloat16raw_to_e8m0(__nv_bfloat16_raw v, __nv_saturation_t s, cudaRoundMode mode) {
  return __nv_cvt_double_to_e8m0(float(__nv_bfloat16(v)), s, mode);
}
inline __nv_fp8x2_storage_t __nv_cvt_double2_to_e8m0x2(double2 v, __nv_saturation_t s, cudaRoundMode mode) {
  return static_cast<__nv_fp8x2_storage_t>(__nv_cvt_double_to_e8m0(v.x, s, mode) |
                                           __nv_cvt_double_to_e8m0(v.y, s, mode) << 8);
}
inline __nv_fp8x2_storage_t __nv_cvt_float2_to_e8m0x2(float2 v, __nv_saturation_t s, cudaRoundMode mode) {
  return __nv_cvt_double2_to_e8m0x2(double2{v.x, v.y}, s, mode);
}
inline __nv_fp8x2_storage_t __nv_cvt_bfloat162raw_to_e8m0x2(__nv_bfloat162_raw v, __nv_saturation_t s,
                                                            cudaRoundMode mode) {
  return __nv_cvt_float2_to_e8m0x2(__bfloat1622float2(__nv_bfloat162(v)), s, mode);
}
inline __nv_bfloat16_raw __nv_cvt_e8m0_to_bf16raw(__nv_fp8_storage_t v) {
  return __nv_bfloat16(simt_math::from_e8m0(v));
}
inline __nv_bfloat162_raw __nv_cvt_e8m0x2_to_bf162raw(__nv_fp8x2_storage_t v) {
  return __nv_bfloat162_raw{__nv_cvt_e8m0_to_bf16raw(v & 0xff).x, __nv_cvt_e8m0_to_bf16raw(v >> 8).x};
}

/// Construction rounds up and saturates, as CUDA's does: a scale is never too small for what it scales.
struct __nv_fp8_e8m0 {
  __nv_fp8_storage_t __x;

  __nv_fp8_e8m0() = default;
  explicit __nv_fp8_e8m0(double v) : __x(__nv_cvt_double_to_e8m0(v, __NV_SATFINITE, cudaRoundPosInf)) {}
  explicit __nv_fp8_e8m0(float v) : __nv_fp8_e8m0(static_cast<double>(v)) {}
  explicit __nv_fp8_e8m0(int v) : __nv_fp8_e8m0(static_cast<double>(v)) {}
  explicit __nv_fp8_e8m0(unsigned int v) : __nv_fp8_e8m0(static_cast<double>(v)) {}
  explicit __nv_fp8_e8m0(__half v) : __nv_fp8_e8m0(static_cast<float>(v)) {}
  explicit __nv_fp8_e8m0(__nv_bfloat16 v) : __nv_fp8_e8m0(static_cast<float>(v)) {}
  explicit operator float() const { return simt_math::from_e8m0(__x); }
  explicit operator double() const { return simt_math::from_e8m0(__x); }
  explicit operator __half() const { return __half(simt_math::from_e8m0(__x)); }
  explicit operator __nv_bfloat16() const { return __nv_bfloat16(simt_math::from_e8m0(__x)); }
  explicit operator bool() const { return true; }
};
struct alignas(2) __nv_fp8x2_e8m0 {
  __nv_fp8x2_storage_t __x;

  __nv_fp8x2_e8m0() = default;
  explicit __nv_fp8x2_e8m0(double2 v) : __x(__nv_cvt_double2_to_e8m0x2(v, __NV_SATFINITE, cudaRoundPosInf)) {}
  explicit __nv_fp8x2_e8m0(float2 v) : __nv_fp8x2_e8m0(double2{v.x, v.y}) {}
  explicit __nv_fp8x2_e8m0(__half2 v) : __nv_fp8x2_e8m0(__half22float2(v)) {}
  explicit __nv_fp8x2_e8m0(__nv_bfloat162 v) : __nv_fp8x2_e8m0(__bfloat1622float2(v)) {}
  explicit operator float2() const {
    return float2{simt_math::from_e8m0(__x & 0xff), simt_math::from_e8m0(__x >> 8)};
  }
};
struct alignas(4) __nv_fp8x4_e8m0 {
  __nv_fp8x4_storage_t __x;

  __nv_fp8x4_e8m0() = default;
  explicit __nv_fp8x4_e8m0(float4 v)
      : __x(__nv_fp8x2_e8m0(float2{v.x, v.y}).__x |
            static_cast<unsigned int>(__nv_fp8x2_e8m0(float2{v.z, v.w}).__x) << 16) {}
  explicit operator float4() const {
    return float4{simt_math::from_e8m0(__x & 0xff), simt_math::from_e8m0(__x >> 8 & 0xff),
                  simt_math::from_e8m0(__x >> 16 & 0xff), simt_math::from_e8m0(__x >> 24)};
  }
};
