// Element types: their size, and rounding a double to each of them (to nearest, ties to even).
#pragma once
#include <cstdint>
#include <cstring>

#include "commands.h"

namespace lab {

// Bytes of one element; 0 for a number that is no dtype.
inline uint32_t elementBytes(uint32_t dtype) {
  switch (static_cast<DType>(dtype)) {
    case DType::kF64:
    case DType::kI64: return 8;
    case DType::kF32:
    case DType::kI32:
    case DType::kU32: return 4;
    case DType::kF16:
    case DType::kBF16: return 2;
    case DType::kI8:
    case DType::kU8:
    case DType::kE4M3:
    case DType::kE5M2: return 1;
  }
  return 0;
}

// A small binary float: how many mantissa bits, the exponent's bias, the largest finite code, and the codes
// of what does not fit. Formats without an infinity (e4m3), and fp8 in general, saturate as CUDA's
// conversions do.
struct SmallFloat {
  int mantissaBits;
  int bias;
  uint32_t maxFinite;
  uint32_t overflow;
  uint32_t infinity;
  uint32_t nan;
  int signBit;
};
constexpr SmallFloat kHalf{10, 15, 0x7bff, 0x7c00, 0x7c00, 0x7fff, 15};
constexpr SmallFloat kBfloat16{7, 127, 0x7f7f, 0x7f80, 0x7f80, 0x7fff, 15};
constexpr SmallFloat kE4M3{3, 7, 0x7e, 0x7e, 0x7e, 0x7f, 7};
constexpr SmallFloat kE5M2{2, 15, 0x7b, 0x7b, 0x7b, 0x7f, 7};

// Rounds once, from the double: going through float first would round twice.
inline uint32_t encodeSmallFloat(double value, const SmallFloat& f) {
  uint64_t bits;
  std::memcpy(&bits, &value, 8);
  const uint32_t sign = static_cast<uint32_t>(bits >> 63) << f.signBit;
  const int biased = static_cast<int>((bits >> 52) & 0x7ff);
  const uint64_t fraction = bits & 0xfffffffffffffull;
  if (biased == 0x7ff) return sign | (fraction ? f.nan : f.infinity);
  if (biased == 0) return sign;  // zero, or a double too small for any of these formats
  const int exponent = biased - 1023, smallest = 1 - f.bias;
  const int shift = 52 - f.mantissaBits + (exponent < smallest ? smallest - exponent : 0);
  if (shift > 53) return sign;  // under half of the smallest subnormal
  const uint64_t significand = fraction | (1ull << 52);
  const uint64_t kept = significand >> shift, rest = significand & ((1ull << shift) - 1),
                 half = 1ull << (shift - 1);
  const uint64_t rounded = kept + (rest > half || (rest == half && (kept & 1)) ? 1 : 0);
  // The significand's leading bit carries into the exponent field, so the base is one exponent lower.
  const uint64_t base =
      exponent < smallest ? 0 : static_cast<uint64_t>(exponent + f.bias - 1) << f.mantissaBits;
  const uint64_t code = base + rounded;
  return sign | (code > f.maxFinite ? f.overflow : static_cast<uint32_t>(code));
}

// Nearest integer (ties to even) held inside [low, high]; NaN gives 0. `high` is exclusive when it is not an
// integer of the type, as 2^63 is not.
template <typename T>
T saturate(double value, double low, double high, T lowest, T highest) {
  if (!(value > low)) return value <= low ? lowest : T{0};
  if (value >= high) return highest;
  constexpr double kIntegral = 4503599627370496.0;  // 2^52: from here on every double is an integer
  if (value < kIntegral && value > -kIntegral) {
    const double whole = value < 0 ? -((-value + kIntegral) - kIntegral) : (value + kIntegral) - kIntegral;
    return static_cast<T>(whole);
  }
  return static_cast<T>(value);
}

}  // namespace lab
