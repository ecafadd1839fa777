/// Arithmetic and conversions with a rounding the source names: __fadd_rz, __fdiv_ru, __double2float_rd, ...
///
/// The nearest forms are the host's own instructions behind a barrier that keeps the compiler from contracting them
/// into a fused multiply-add. The directed forms switch the host's rounding mode around one operation: slow
/// (about 20 ns) and exact.
#pragma once

#include <fenv.h>
#include <math.h>

namespace simt_math {

/// Hides a value's origin from the optimiser: what comes out is neither contracted nor folded.
template <class T>
inline T opaque(T v) {
#if defined(__x86_64__)
  asm volatile("" : "+x"(v));
#elif defined(__aarch64__)
  asm volatile("" : "+w"(v));
#else
  volatile T kept = v;
  v = kept;
#endif
  return v;
}

/// Runs one operation in the rounding mode given (FE_UPWARD, ...) and restores the mode.
template <class Operation>
inline auto rounded(int mode, Operation operation) {
  const int before = fegetround();
  fesetround(mode);
  asm volatile("" ::: "memory");
  auto result = operation();
  asm volatile("" ::: "memory");
  fesetround(before);
  return result;
}

/// The directed conversion of an integer, whose value no floating register holds before it.
template <class To, class From>
inline To converted(int mode, From value) {
  volatile From kept = value;
  return rounded(mode, [&] { return opaque(static_cast<To>(kept)); });
}

}  // namespace simt_math

#define SIMT_ROUNDED_UNARY(NAME, T, EXPR)                                                                        \
  inline T NAME##_rn(T a) { return simt_math::opaque(EXPR); }                                                    \
  inline T NAME##_rz(T a) {                                                                                      \
    return simt_math::rounded(FE_TOWARDZERO, [&] { a = simt_math::opaque(a); return simt_math::opaque(EXPR); }); \
  }                                                                                                              \
  inline T NAME##_ru(T a) {                                                                                      \
    return simt_math::rounded(FE_UPWARD, [&] { a = simt_math::opaque(a); return simt_math::opaque(EXPR); });     \
  }                                                                                                              \
  inline T NAME##_rd(T a) {                                                                                      \
    return simt_math::rounded(FE_DOWNWARD, [&] { a = simt_math::opaque(a); return simt_math::opaque(EXPR); });   \
  }

#define SIMT_ROUNDED_BINARY_MODE(NAME, T, EXPR, MODE) \
  inline T NAME(T a, T b) {                           \
    return simt_math::rounded(MODE, [&] {             \
      a = simt_math::opaque(a);                       \
      b = simt_math::opaque(b);                       \
      return simt_math::opaque(EXPR);                 \
    });                                               \
  }
#define SIMT_ROUNDED_BINARY(NAME, T, EXPR)                              \
  inline T NAME##_rn(T a, T b) { return simt_math::opaque(EXPR); }      \
  SIMT_ROUNDED_BINARY_MODE(NAME##_rz, T, EXPR, FE_TOWARDZERO)           \
  SIMT_ROUNDED_BINARY_MODE(NAME##_ru, T, EXPR, FE_UPWARD)               \
  SIMT_ROUNDED_BINARY_MODE(NAME##_rd, T, EXPR, FE_DOWNWARD)

#define SIMT_ROUNDED_TERNARY_MODE(NAME, T, EXPR, MODE) \
  inline T NAME(T a, T b, T c) {                       \
    return simt_math::rounded(MODE, [&] {              \
      a = simt_math::opaque(a);                        \
      b = simt_math::opaque(b);                        \
      c = simt_math::opaque(c);                        \
      return simt_math::opaque(EXPR);                  \
    });                                                \
  }
#define SIMT_ROUNDED_TERNARY(NAME, T, EXPR)                                 \
  inline T NAME##_rn(T a, T b, T c) { return simt_math::opaque(EXPR); }     \
  SIMT_ROUNDED_TERNARY_MODE(NAME##_rz, T, EXPR, FE_TOWARDZERO)              \
  SIMT_ROUNDED_TERNARY_MODE(NAME##_ru, T, EXPR, FE_UPWARD)                  \
  SIMT_ROUNDED_TERNARY_MODE(NAME##_rd, T, EXPR, FE_DOWNWARD)

SIMT_ROUNDED_BINARY(__fadd, float, a + b)
SIMT_ROUNDED_BINARY(__fsub, float, a - b)
SIMT_ROUNDED_BINARY(__fmul, float, a* b)
SIMT_ROUNDED_BINARY(__fdiv, float, a / b)
SIMT_ROUNDED_BINARY(__dadd, double, a + b)
SIMT_ROUNDED_BINARY(__dsub, double, a - b)
SIMT_ROUNDED_BINARY(__dmul, double, a* b)
SIMT_ROUNDED_BINARY(__ddiv, double, a / b)
SIMT_ROUNDED_UNARY(__frcp, float, 1.0f / a)
SIMT_ROUNDED_UNARY(__fsqrt, float, __builtin_sqrtf(a))
SIMT_ROUNDED_UNARY(__drcp, double, 1.0 / a)
SIMT_ROUNDED_UNARY(__dsqrt, double, __builtin_sqrt(a))
SIMT_ROUNDED_TERNARY(__fmaf, float, __builtin_fmaf(a, b, c))
SIMT_ROUNDED_TERNARY(__fma, double, __builtin_fma(a, b, c))

/// The forms that ignore a compiler's flushing of denormals; nothing here flushes.
inline float __fmaf_ieee_rn(float a, float b, float c) { return __fmaf_rn(a, b, c); }
inline float __fmaf_ieee_rz(float a, float b, float c) { return __fmaf_rz(a, b, c); }
inline float __fmaf_ieee_ru(float a, float b, float c) { return __fmaf_ru(a, b, c); }
inline float __fmaf_ieee_rd(float a, float b, float c) { return __fmaf_rd(a, b, c); }

/// 1 / sqrt(x) rounded to nearest: through double, whose 53 bits decide every float.
inline float __frsqrt_rn(float a) { return static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(a))); }

#define SIMT_FROM_INTEGER(PREFIX, SUFFIX, FROM, TO)                                                        \
  inline TO __##PREFIX##2##SUFFIX##_rn(FROM a) { return static_cast<TO>(a); }                              \
  inline TO __##PREFIX##2##SUFFIX##_rz(FROM a) { return simt_math::converted<TO>(FE_TOWARDZERO, a); }      \
  inline TO __##PREFIX##2##SUFFIX##_ru(FROM a) { return simt_math::converted<TO>(FE_UPWARD, a); }          \
  inline TO __##PREFIX##2##SUFFIX##_rd(FROM a) { return simt_math::converted<TO>(FE_DOWNWARD, a); }
SIMT_FROM_INTEGER(int, float, int, float)
SIMT_FROM_INTEGER(uint, float, unsigned int, float)
SIMT_FROM_INTEGER(ll, float, long long, float)
SIMT_FROM_INTEGER(ull, float, unsigned long long, float)
SIMT_FROM_INTEGER(ll, double, long long, double)
SIMT_FROM_INTEGER(ull, double, unsigned long long, double)
SIMT_FROM_INTEGER(double, float, double, float)
#undef SIMT_FROM_INTEGER
inline double __int2double_rn(int a) { return a; }
inline double __uint2double_rn(unsigned int a) { return a; }

#undef SIMT_ROUNDED_UNARY
#undef SIMT_ROUNDED_BINARY
#undef SIMT_ROUNDED_BINARY_MODE
#undef SIMT_ROUNDED_TERNARY
#undef SIMT_ROUNDED_TERNARY_MODE
