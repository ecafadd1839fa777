/// CUDA's mathematical functions that the host's <math.h> lacks or defines otherwise, and the global min and max.
///
/// The rest (sinf, exp, erff, ldexp, frexp, lgamma, isnan, ...) is the host's own: correctly named already and
/// at least as accurate as CUDA's. Functions of the same name as the host's are defined over its declaration, hence
/// noexcept.
#pragma once

#include <math.h>
#include <stdlib.h>

#include "simt_casts.h"
#include "simt_exp.h"
#include "simt_rounding.h"

// glibc declares __expf and its like in a system header for its own use; ours are those of CUDA.

/// Fast single precision functions: the host's ordinary ones, more accurate than the GPU's and never less defined.
inline LAB_LENS_UNSEEN float __expf(float x) noexcept { return expf(x); }
inline LAB_LENS_UNSEEN float __exp10f(float x) noexcept { return expf(x * 2.302585093f); }
inline LAB_LENS_UNSEEN float __logf(float x) noexcept { return logf(x); }
inline LAB_LENS_UNSEEN float __log2f(float x) noexcept { return log2f(x); }
inline LAB_LENS_UNSEEN float __log10f(float x) noexcept { return log10f(x); }
inline LAB_LENS_UNSEEN float __sinf(float x) noexcept { return sinf(x); }
inline LAB_LENS_UNSEEN float __cosf(float x) noexcept { return cosf(x); }
inline LAB_LENS_UNSEEN float __tanf(float x) noexcept { return tanf(x); }
inline LAB_LENS_UNSEEN float __tanhf(float x) noexcept { return tanhf(x); }
inline LAB_LENS_UNSEEN float __powf(float x, float y) noexcept { return powf(x, y); }
inline void __sincosf(float x, float* sine, float* cosine) noexcept {
  *sine = sinf(x);
  *cosine = cosf(x);
}
/// x / y, except that a divisor between 2^126 and 2^128 gives 0 (NaN for an infinite x), as on the GPU.
inline LAB_LENS_UNSEEN float __fdividef(float x, float y) noexcept {
  const float size = __builtin_fabsf(y);
  if (size > 0x1p126f && size < __builtin_inff()) return x * 0.0f;
  return x / y;
}
inline float fdividef(float x, float y) { return x / y; }
/// Clamped to [0, 1]; NaN gives 0.
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

// A NaN beside a number loses; the host's own versions are calls that nothing inlines.
inline float fmaxf(float a, float b) noexcept { return a > b || b != b ? a : b; }
inline float fminf(float a, float b) noexcept { return a < b || b != b ? a : b; }
inline double fmax(double a, double b) noexcept { return a > b || b != b ? a : b; }
inline double fmin(double a, double b) noexcept { return a < b || b != b ? a : b; }

// Before glibc 2.42 the host has none of these; from then on they are its own.
#if !defined(__GLIBC_PREREQ) || !__GLIBC_PREREQ(2, 42)
inline LAB_LENS_UNSEEN float rsqrtf(float x) noexcept { return 1.0f / __builtin_sqrtf(x); }
inline LAB_LENS_UNSEEN double rsqrt(double x) noexcept { return 1.0 / __builtin_sqrt(x); }
#endif
#if !defined(__GLIBC_PREREQ) || !__GLIBC_PREREQ(2, 41)
/// sin and cos of pi x. The argument is reduced before the product, so integers and halves come out exact.
inline double sinpi(double x) noexcept {
  const double r = x - 2.0 * __builtin_rint(0.5 * x);  // [-1, 1]
  const double folded = r > 0.5 ? 1.0 - r : r < -0.5 ? -1.0 - r : r;
  return folded == 0.0 ? copysign(0.0, x) : sin(folded * 3.14159265358979323846);
}
inline double cospi(double x) noexcept {
  const double r = fabs(x - 2.0 * __builtin_rint(0.5 * x));  // [0, 1]
  return r <= 0.25 ? cos(r * 3.14159265358979323846) : sin((0.5 - r) * 3.14159265358979323846);
}
inline float sinpif(float x) noexcept { return static_cast<float>(sinpi(static_cast<double>(x))); }
inline float cospif(float x) noexcept { return static_cast<float>(cospi(static_cast<double>(x))); }
#endif
inline void sincospi(double x, double* sine, double* cosine) {
  *sine = sinpi(x);
  *cosine = cospi(x);
}
inline void sincospif(float x, float* sine, float* cosine) {
  *sine = sinpif(x);
  *cosine = cospif(x);
}

inline double rcbrt(double x) { return 1.0 / cbrt(x); }
inline float rcbrtf(float x) { return static_cast<float>(1.0 / cbrt(static_cast<double>(x))); }
inline double rhypot(double x, double y) { return 1.0 / hypot(x, y); }
inline float rhypotf(float x, float y) { return static_cast<float>(1.0 / hypot(double(x), double(y))); }
inline double norm3d(double x, double y, double z) { return hypot(hypot(x, y), z); }
inline double norm4d(double x, double y, double z, double w) { return hypot(hypot(x, y), hypot(z, w)); }
inline double rnorm3d(double x, double y, double z) { return 1.0 / norm3d(x, y, z); }
inline double rnorm4d(double x, double y, double z, double w) { return 1.0 / norm4d(x, y, z, w); }
inline float norm3df(float x, float y, float z) {
  return static_cast<float>(sqrt(double(x) * x + double(y) * y + double(z) * z));
}
inline float norm4df(float x, float y, float z, float w) {
  return static_cast<float>(sqrt(double(x) * x + double(y) * y + double(z) * z + double(w) * w));
}
inline float rnorm3df(float x, float y, float z) {
  return static_cast<float>(1.0 / sqrt(double(x) * x + double(y) * y + double(z) * z));
}
inline float rnorm4df(float x, float y, float z, float w) {
  return static_cast<float>(1.0 / sqrt(double(x) * x + double(y) * y + double(z) * z + double(w) * w));
}
/// Euclidean length of `dimension` values.
inline float normf(int dimension, const float* values) {
  double sum = 0;
  for (int i = 0; i < dimension; ++i) sum += double(values[i]) * values[i];
  return static_cast<float>(sqrt(sum));
}
inline double norm(int dimension, const double* values) {
  double length = 0;
  for (int i = 0; i < dimension; ++i) length = hypot(length, values[i]);
  return length;
}

inline float rnormf(int dimension, const float* values) { return 1.0f / normf(dimension, values); }
inline double rnorm(int dimension, const double* values) { return 1.0 / norm(dimension, values); }

/// The normal distribution's cumulative function and its inverse, the scaled erfc, and the inverses of erf and erfc.
inline double normcdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }
inline float normcdff(float x) { return static_cast<float>(normcdf(static_cast<double>(x))); }

namespace simt_math {

/// Winitzki's closed form, polished by Newton steps on whichever of erf and erfc keeps its digits.
inline double erf_inverse(double y, double one_minus_y) {
  const double log_term = log(one_minus_y * (1.0 + y)), half = 4.3307467508 + 0.5 * log_term;
  double x = sqrt(sqrt(half * half - log_term * 6.8027210884) - half);
  for (int i = 0; i < 4; ++i) {
    const double miss = one_minus_y < 0.5 ? one_minus_y - erfc(x) : erf(x) - y;
    const double slope = 1.12837916709551257390 * exp(-x * x);
    if (slope == 0.0) break;
    const double step = miss / slope;
    x -= step / (1.0 + x * step);
  }
  return x;
}

}  // namespace simt_math

inline double erfinv(double y) {
  if (!(y > -1.0 && y < 1.0)) return y == 1.0 || y == -1.0 ? y * __builtin_inf() : __builtin_nan("");
  if (y == 0.0) return y;
  return copysign(simt_math::erf_inverse(fabs(y), 1.0 - fabs(y)), y);
}
inline double erfcinv(double y) {
  if (!(y > 0.0 && y < 2.0)) return y == 0.0 ? __builtin_inf() : y == 2.0 ? -__builtin_inf() : __builtin_nan("");
  if (y == 1.0) return 0.0;
  return y < 1.0 ? simt_math::erf_inverse(1.0 - y, y) : -simt_math::erf_inverse(y - 1.0, 2.0 - y);
}
inline double normcdfinv(double y) { return -1.41421356237309504880 * erfcinv(2.0 * y); }
inline float erfinvf(float y) { return static_cast<float>(erfinv(static_cast<double>(y))); }
inline float erfcinvf(float y) { return static_cast<float>(erfcinv(static_cast<double>(y))); }
inline float normcdfinvf(float y) { return static_cast<float>(normcdfinv(static_cast<double>(y))); }

/// exp(x^2) erfc(x): direct while erfc has digits, the continued fraction beyond.
inline double erfcx(double x) {
  if (x < 10.0) return exp(x * x) * erfc(x);
  double tail = 0.0;
  for (int k = 30; k > 0; --k) tail = 0.5 * k / (x + tail);
  return 0.56418958354775628695 / (x + tail);
}
inline float erfcxf(float x) { return static_cast<float>(erfcx(static_cast<double>(x))); }

namespace simt_math {

/// Modified Bessel function of the first kind by its series, or asymptotically where the series grows long.
inline double bessel_i(int order, double x) {
  const double size = fabs(x);
  double sum = 1.0, term = 1.0;
  if (size < 30.0) {
    for (int k = 1; k < 200 && term > sum * 1e-17; ++k) sum += term *= 0.25 * size * size / (double(k) * (k + order));
    return order == 0 ? sum : 0.5 * x * sum;
  }
  for (int k = 1; k < 30; ++k) {
    const double next = -term * (4.0 * order * order - (2.0 * k - 1) * (2.0 * k - 1)) / (8.0 * k * size);
    if (fabs(next) >= fabs(term)) break;
    sum += term = next;
  }
  const double value = exp(size) * sum / sqrt(6.28318530717958647693 * size);
  return order != 0 && x < 0.0 ? -value : value;
}

}  // namespace simt_math

inline double cyl_bessel_i0(double x) { return simt_math::bessel_i(0, x); }
inline double cyl_bessel_i1(double x) { return simt_math::bessel_i(1, x); }
inline float cyl_bessel_i0f(float x) { return static_cast<float>(simt_math::bessel_i(0, x)); }
inline float cyl_bessel_i1f(float x) { return static_cast<float>(simt_math::bessel_i(1, x)); }

// float overloads of names that CUDA has without a suffix
inline float rsqrt(float x) { return rsqrtf(x); }
inline float rcbrt(float x) { return rcbrtf(x); }
inline float normcdf(float x) { return normcdff(x); }
inline float sinpi(float x) { return sinpif(x); }
inline float cospi(float x) { return cospif(x); }
inline float erfinv(float x) { return erfinvf(x); }
inline float erfcx(float x) { return erfcxf(x); }
inline float erfcinv(float x) { return erfcinvf(x); }
inline float normcdfinv(float x) { return normcdfinvf(x); }
inline float exp10(float x) { return exp10f(x); }
inline float cyl_bessel_i0(float x) { return cyl_bessel_i0f(x); }
inline float cyl_bessel_i1(float x) { return cyl_bessel_i1f(x); }
inline float j0(float x) { return j0f(x); }
inline float j1(float x) { return j1f(x); }
inline float jn(int order, float x) { return jnf(order, x); }
inline float y0(float x) { return y0f(x); }
inline float y1(float x) { return y1f(x); }
inline float yn(int order, float x) { return ynf(order, x); }
inline float fdivide(float x, float y) { return fdividef(x, y); }
inline double fdivide(double x, double y) { return x / y; }
inline void sincos(float x, float* sine, float* cosine) { sincosf(x, sine, cosine); }
inline void sincospi(float x, float* sine, float* cosine) { sincospif(x, sine, cosine); }

#define SIMT_EXTREMES(T)                              \
  inline constexpr T max(T a, T b) { return a < b ? b : a; } \
  inline constexpr T min(T a, T b) { return b < a ? b : a; }
SIMT_EXTREMES(int)
SIMT_EXTREMES(unsigned int)
SIMT_EXTREMES(long)
SIMT_EXTREMES(unsigned long)
SIMT_EXTREMES(long long)
SIMT_EXTREMES(unsigned long long)
#undef SIMT_EXTREMES
inline float max(float a, float b) { return fmaxf(a, b); }
inline float min(float a, float b) { return fminf(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
inline double min(double a, double b) { return fmin(a, b); }

// A pair of different types compares as CUDA's overloads do: the unsigned, the wider or the floating type wins.
#define SIMT_MIXED_EXTREMES(A, B, R)                                                              \
  inline R max(A a, B b) { return max(static_cast<R>(a), static_cast<R>(b)); }                    \
  inline R max(B a, A b) { return max(static_cast<R>(a), static_cast<R>(b)); }                    \
  inline R min(A a, B b) { return min(static_cast<R>(a), static_cast<R>(b)); }                    \
  inline R min(B a, A b) { return min(static_cast<R>(a), static_cast<R>(b)); }
SIMT_MIXED_EXTREMES(int, unsigned int, unsigned int)
SIMT_MIXED_EXTREMES(long, unsigned long, unsigned long)
SIMT_MIXED_EXTREMES(long long, unsigned long long, unsigned long long)
SIMT_MIXED_EXTREMES(float, double, double)
#undef SIMT_MIXED_EXTREMES

inline unsigned int umin(unsigned int a, unsigned int b) { return min(a, b); }
inline unsigned int umax(unsigned int a, unsigned int b) { return max(a, b); }
inline long long llmin(long long a, long long b) { return min(a, b); }
inline long long llmax(long long a, long long b) { return max(a, b); }
inline unsigned long long ullmin(unsigned long long a, unsigned long long b) { return min(a, b); }
inline unsigned long long ullmax(unsigned long long a, unsigned long long b) { return max(a, b); }
