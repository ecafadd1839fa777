/// Rounding to and reading from the small floating formats: half, bfloat16 and the two of eight bits.
#pragma once

#include <math.h>
#include <stdint.h>

#include "simt_casts.h"
#include "simt_rounding.h"

namespace simt_math {

enum class Rounding { nearest, zero, up, down };

/// A double rounded to a sign, Exponent and Mantissa bits, denormals included; never NaN in.
/// Values too large become the all-ones exponent with an empty mantissa where the mode rounds away, else the largest
/// number below it: for a format without infinities the caller clamps first.
template <int Exponent, int Mantissa>
inline uint32_t encode(double value, Rounding mode) {
  constexpr int lowest = 2 - (1 << (Exponent - 1));
  constexpr uint32_t infinity = ((1u << Exponent) - 1) << Mantissa;
  const uint64_t bits = bits_as<uint64_t>(value);
  const bool negative = bits >> 63;
  const uint32_t sign = static_cast<uint32_t>(negative) << (Exponent + Mantissa);
  const bool away = (mode == Rounding::up && !negative) || (mode == Rounding::down && negative);
  int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  if (exponent < lowest) exponent = lowest;
  if (exponent > -lowest + 1) {
    const bool infinite = exponent == 1024;
    return sign | (infinite || away || mode == Rounding::nearest ? infinity : infinity - 1);
  }
  const double scaled = ldexp(fabs(value), Mantissa - exponent);
  uint64_t whole = static_cast<uint64_t>(scaled);
  const double rest = scaled - static_cast<double>(whole);
  if (mode == Rounding::nearest) {
    whole += rest > 0.5 || (rest == 0.5 && (whole & 1));
  } else {
    whole += away && rest > 0.0;
  }
  // The implicit bit of a normal number carries into the exponent field by itself.
  const uint32_t magnitude = (static_cast<uint32_t>(exponent - lowest) << Mantissa) + static_cast<uint32_t>(whole);
  return sign | magnitude;
}

/// The float of a small format's bits, all-ones exponents read as ordinary numbers.
template <int Exponent, int Mantissa>
inline float decode_finite(uint32_t bits) {
  constexpr int bias = (1 << (Exponent - 1)) - 1;
  const float magnitude = bits_as<float>((bits & ((1u << (Exponent + Mantissa)) - 1)) << (23 - Mantissa));
  const float scale = bits_as<float>(static_cast<uint32_t>(127 + 127 - bias) << 23);
  const float value = magnitude * scale;
  return bits >> (Exponent + Mantissa) & 1 ? -value : value;
}

/// A double as a float rounded to odd: a second rounding to at most 22 bits then gives what one would have.
inline float to_odd(double value) {
  const float near = static_cast<float>(value);
  uint32_t bits = bits_as<uint32_t>(near);
  bits -= __builtin_fabs(static_cast<double>(near)) > __builtin_fabs(value);
  bits |= static_cast<double>(near) != value;
  return bits_as<float>(bits);
}

/// a * b + c rounded to odd, for factors whose product a double holds exactly.
inline double fma_to_odd(double a, double b, double c) {
  const double product = opaque(a * b), sum = opaque(product + c);
  const double shown = opaque(sum - product);
  const double error = opaque(product - opaque(sum - shown)) + opaque(c - shown);
  if (!(error != 0.0) || error != error) return sum;
  uint64_t bits = bits_as<uint64_t>(sum);
  if (!(bits & 1)) bits += (error > 0.0) == (sum > 0.0) ? 1 : -1;
  return bits_as<double>(bits);
}

/// A 64-bit integer as a double rounded to odd, so that rounding on to 11 bits or fewer is right in every mode.
inline double to_odd(bool negative, uint64_t magnitude) {
  if (magnitude >> 53) magnitude = (magnitude >> 11 | ((magnitude & 0x7ff) != 0)) << 11;
  const double value = static_cast<double>(magnitude);
  return negative ? -value : value;
}

/// Any integer of at most 64 bits to a sign, Exponent and Mantissa bits.
template <int Exponent, int Mantissa, class Integer>
inline uint16_t encode_integer(Integer value, Rounding mode) {
  const bool negative = value < 0;
  const uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  return static_cast<uint16_t>(encode<Exponent, Mantissa>(to_odd(negative, magnitude), mode));
}

/// IEEE half: 5 exponent bits, 10 of mantissa. Every NaN made here is the GPU's 0x7fff.
struct HalfFormat {
  static constexpr uint16_t nan = 0x7fff, infinity = 0x7c00;

  static uint16_t from_float(float value) {
#if defined(__F16C__)
    typedef float Lanes __attribute__((vector_size(16)));
    typedef short Packed __attribute__((vector_size(16)));
    const Packed packed = __builtin_ia32_vcvtps2ph(Lanes{value, 0, 0, 0}, 0);
    return value != value ? nan : static_cast<uint16_t>(packed[0]);
#elif defined(__aarch64__)
    const __fp16 half = value;
    return value != value ? nan : bits_as<uint16_t>(half);
#else
    return from_float(value, Rounding::nearest);
#endif
  }
  static uint16_t from_float(float value, Rounding mode) {
    return value != value ? nan : static_cast<uint16_t>(encode<5, 10>(value, mode));
  }
  template <class Integer>
  static uint16_t from_integer(Integer value, Rounding mode) {
    return encode_integer<5, 10>(value, mode);
  }
  static uint16_t from_double(double value) { return from_float(to_odd(value)); }
  static float to_float(uint16_t bits) {
#if defined(__F16C__)
    typedef short Packed __attribute__((vector_size(16)));
    return __builtin_ia32_vcvtph2ps(Packed{static_cast<short>(bits), 0, 0, 0, 0, 0, 0, 0})[0];
#elif defined(__aarch64__)
    return bits_as<__fp16>(bits);
#else
    if ((bits & 0x7c00) == 0x7c00) return bits_as<float>((bits & 0x8000u) << 16 | 0x7f800000u | (bits & 0x3ffu) << 13);
    return decode_finite<5, 10>(bits);
#endif
  }
  static uint16_t product(float a, float b) { return from_float(a * b); }
  static uint16_t quotient(float a, float b) { return from_float(a / b); }
  static uint16_t fused(float a, float b, float c) { return from_double(double(a) * b + c); }
};

/// bfloat16: the upper half of a float.
struct Bfloat16Format {
  static constexpr uint16_t nan = 0x7fff, infinity = 0x7f80;

  static uint16_t from_float(float value) {
    const uint32_t bits = bits_as<uint32_t>(value);
    return value != value ? nan : static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
  }
  static uint16_t from_float(float value, Rounding mode) {
    return value != value ? nan : static_cast<uint16_t>(encode<8, 7>(value, mode));
  }
  template <class Integer>
  static uint16_t from_integer(Integer value, Rounding mode) {
    return encode_integer<8, 7>(value, mode);
  }
  static uint16_t from_double(double value) { return from_float(to_odd(value)); }
  static float to_float(uint16_t bits) { return bits_as<float>(static_cast<uint32_t>(bits) << 16); }
  static uint16_t product(float a, float b) { return from_double(double(a) * b); }
  static uint16_t quotient(float a, float b) { return from_double(double(a) / b); }
  static uint16_t fused(float a, float b, float c) { return from_double(fma_to_odd(a, b, c)); }
};

}  // namespace simt_math
