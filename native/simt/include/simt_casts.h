/// Bit casts and float-to-integer conversions with CUDA's saturation and NaN rules.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

namespace simt_math {

/// The bits of one type as another of the same size.
template <class To, class From>
inline To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From), "a bit cast keeps the size");
  To to;
  memcpy(&to, &from, sizeof(to));
  return to;
}

/// A rounded floating value as an integer: clamped to the range; NaN gives `nan`, as the PTX manual says of cvt.
template <class To, class From>
inline To saturated(From rounded, To nan) {
  constexpr bool is_signed = static_cast<To>(-1) < static_cast<To>(0);
  constexpr int bits = sizeof(To) * 8 - (is_signed ? 1 : 0);
  constexpr To highest = static_cast<To>(is_signed ? (static_cast<uint64_t>(1) << bits) - 1 : ~static_cast<uint64_t>(0));
  constexpr To lowest = is_signed ? static_cast<To>(-highest - 1) : static_cast<To>(0);
  const From limit = static_cast<From>(static_cast<uint64_t>(1) << (bits - 1)) * 2;
  if (rounded != rounded) return nan;
  if (rounded >= limit) return highest;
  if (rounded <= (is_signed ? -limit : static_cast<From>(0))) return lowest;
  return static_cast<To>(rounded);
}

inline float nearest(float a) { return __builtin_rintf(a); }
inline double nearest(double a) { return __builtin_rint(a); }
inline float toward_zero(float a) { return __builtin_truncf(a); }
inline double toward_zero(double a) { return __builtin_trunc(a); }
inline float upward(float a) { return __builtin_ceilf(a); }
inline double upward(double a) { return __builtin_ceil(a); }
inline float downward(float a) { return __builtin_floorf(a); }
inline double downward(double a) { return __builtin_floor(a); }

}  // namespace simt_math

inline int __float_as_int(float a) { return simt_math::bits_as<int>(a); }
inline unsigned int __float_as_uint(float a) { return simt_math::bits_as<unsigned int>(a); }
inline float __int_as_float(int a) { return simt_math::bits_as<float>(a); }
inline float __uint_as_float(unsigned int a) { return simt_math::bits_as<float>(a); }
inline long long __double_as_longlong(double a) { return simt_math::bits_as<long long>(a); }
inline unsigned long long __double_as_ulonglong(double a) { return simt_math::bits_as<unsigned long long>(a); }
inline double __longlong_as_double(long long a) { return simt_math::bits_as<double>(a); }
inline double __ulonglong_as_double(unsigned long long a) { return simt_math::bits_as<double>(a); }
inline int __double2hiint(double a) { return static_cast<int>(__double_as_longlong(a) >> 32); }
inline int __double2loint(double a) { return static_cast<int>(__double_as_longlong(a)); }
inline double __hiloint2double(int high, int low) {
  return __ulonglong_as_double(static_cast<unsigned long long>(static_cast<unsigned int>(high)) << 32 |
                               static_cast<unsigned int>(low));
}

// NaN becomes 0 only from float to 32 bits; every other pair gives the lone top bit.
#define SIMT_TO_INTEGER(FROM, FROM_NAME, TO, TO_NAME, NAN_VALUE)                     \
  inline TO __##FROM_NAME##2##TO_NAME##_rn(FROM a) {                                 \
    return simt_math::saturated<TO>(simt_math::nearest(a), NAN_VALUE);               \
  }                                                                                  \
  inline TO __##FROM_NAME##2##TO_NAME##_rz(FROM a) {                                 \
    return simt_math::saturated<TO>(simt_math::toward_zero(a), NAN_VALUE);           \
  }                                                                                  \
  inline TO __##FROM_NAME##2##TO_NAME##_ru(FROM a) {                                 \
    return simt_math::saturated<TO>(simt_math::upward(a), NAN_VALUE);                \
  }                                                                                  \
  inline TO __##FROM_NAME##2##TO_NAME##_rd(FROM a) {                                 \
    return simt_math::saturated<TO>(simt_math::downward(a), NAN_VALUE);              \
  }
SIMT_TO_INTEGER(float, float, int, int, 0)
SIMT_TO_INTEGER(float, float, unsigned int, uint, 0u)
SIMT_TO_INTEGER(float, float, long long, ll, INT64_MIN)
SIMT_TO_INTEGER(float, float, unsigned long long, ull, 0x8000000000000000ull)
SIMT_TO_INTEGER(double, double, int, int, INT32_MIN)
SIMT_TO_INTEGER(double, double, unsigned int, uint, 0x80000000u)
SIMT_TO_INTEGER(double, double, long long, ll, INT64_MIN)
SIMT_TO_INTEGER(double, double, unsigned long long, ull, 0x8000000000000000ull)
#undef SIMT_TO_INTEGER

