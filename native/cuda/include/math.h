// <math.h> for NVRTC, which declares the mathematical functions by itself but none of the constants.
// NVRTC knows no builtin for the infinities that a constant expression may use, so that they are quotients; constants hold
// them, as a quotient within an expression is divided when the kernel runs (seen in the SASS: a call of the slow path).
#pragma once

#ifndef INFINITY
namespace lab_math {
constexpr float infinity = 1.0f / 0.0f, nan = 0.0f / 0.0f;
constexpr double wideInfinity = 1.0 / 0.0;
}  // namespace lab_math
#define INFINITY (::lab_math::infinity)
#define NAN (::lab_math::nan)
#define HUGE_VAL (::lab_math::wideInfinity)
#define HUGE_VALF (::lab_math::infinity)
#endif

#ifndef M_PI
#define M_E 2.7182818284590452354
#define M_LOG2E 1.4426950408889634074
#define M_LOG10E 0.43429448190325182765
#define M_LN2 0.69314718055994530942
#define M_LN10 2.30258509299404568402
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_1_PI 0.31830988618379067154
#define M_2_PI 0.63661977236758134308
#define M_2_SQRTPI 1.12837916709551257390
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440
#endif
