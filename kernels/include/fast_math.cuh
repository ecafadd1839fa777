// One-instruction mathematics that C++ has no name for: the special function unit's, packed conversions.
//
//   p = lab::exp2Approx(fmaf(x, scale, -m * scale));         // ex2.approx.ftz: about 2 ulp, denormals give 0
//   y = x * lab::reciprocalApprox(sum);                      // rcp.approx.ftz: 1 ulp, no branch for odd divisors
//   lse = m + lab::log2Approx(sum) * ln2;                    // lg2.approx.ftz: 2^-22 absolute near 1, else relative
//   unsigned pair = lab::packFloats<__half>(low, high);      // one cvt.rn: low in the low half
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace lab {

// 2 to the x; -infinity gives 0.
__device__ __forceinline__ float exp2Approx(float x) {
#ifdef __KERNEL_LAB_CPU__
  // x = n + r with |r| <= 1/2: expf, which is inlined there, of r ln 2, times 2^n. Below the smallest normal number
  // ex2.approx.ftz gives 0.
  if (!(x >= -126.0f)) return x != x ? x : 0.0f;
  if (x >= 128.0f) return __int_as_float(0x7f800000);
  const float n = rintf(x);
  const int power = static_cast<int>(n), part = power / 2;  // 2^128 itself is no float
  return expf((x - n) * 0.6931471806f) * __int_as_float((part + 127) << 23) * __int_as_float((power - part + 127) << 23);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// 1 / x; 0 gives infinity, infinity 0, and so do denormals.
__device__ __forceinline__ float reciprocalApprox(float x) {
#ifdef __KERNEL_LAB_CPU__
  return 1.0f / (fabsf(x) < 1.17549435e-38f ? copysignf(0.0f, x) : x);
#else
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// Logarithm to the base 2; 0 and denormals give -infinity, negative numbers NaN.
__device__ __forceinline__ float log2Approx(float x) {
#ifdef __KERNEL_LAB_CPU__
  return log2f(fabsf(x) < 1.17549435e-38f ? 0.0f : x);
#else
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// Two floats rounded to nearest even as a register of two T, the first in the low half.
template <typename T>
__device__ __forceinline__ unsigned packFloats(float low, float high);

#ifdef __KERNEL_LAB_CPU__

template <>
inline unsigned packFloats<__half>(float low, float high) {
  return __half_as_ushort(__float2half_rn(low)) | static_cast<unsigned>(__half_as_ushort(__float2half_rn(high))) << 16;
}
template <>
inline unsigned packFloats<__nv_bfloat16>(float low, float high) {
  return __bfloat16_as_ushort(__float2bfloat16_rn(low)) |
         static_cast<unsigned>(__bfloat16_as_ushort(__float2bfloat16_rn(high))) << 16;
}

#else

template <>
__device__ __forceinline__ unsigned packFloats<__half>(float low, float high) {
  unsigned pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
template <>
__device__ __forceinline__ unsigned packFloats<__nv_bfloat16>(float low, float high) {
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

#endif

}  // namespace lab
