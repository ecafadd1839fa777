/// expf, inlined: the host's is a call that also spills every register of the loop around it.
#pragma once

#include "simt_casts.h"
#include "simt_lens.h"

#if defined(__FMA__) || defined(__aarch64__)
/// e to the x, within one unit in the last place; overflow gives infinity, underflow denormals and then 0.
inline LAB_LENS_INLINED float expf(float x) noexcept {
  // x = n ln 2 + r with |r| <= ln 2 / 2, then a polynomial in r times 2^n. Adding 1.5 * 2^23 rounds to an integer.
  const float shifted = __builtin_fmaf(x, 1.442695041f, 12582912.0f);
  const float n = shifted - 12582912.0f;
  float r = __builtin_fmaf(n, -0.693145752f, x);
  r = __builtin_fmaf(n, -1.42860677e-6f, r);
  float p = 1.37805939e-3f;
  p = __builtin_fmaf(p, r, 8.37312452e-3f);
  p = __builtin_fmaf(p, r, 4.16695364e-2f);
  p = __builtin_fmaf(p, r, 1.66664720e-1f);
  p = __builtin_fmaf(p, r, 4.99999851e-1f);
  p = __builtin_fmaf(p, r, 1.0f);
  p = __builtin_fmaf(p, r, 1.0f);
  // 2^n in two factors, since n itself may lie outside a float's exponents at either end.
  const unsigned int exponent = simt_math::bits_as<unsigned int>(shifted) << 23;
  const unsigned int offset = n > 0.0f ? 0u : 0x83000000u;
  p = p * simt_math::bits_as<float>(0x7f000000u + offset) * simt_math::bits_as<float>(exponent - offset);
  if (__builtin_fabsf(x) >= 104.0f) p = x > 0.0f ? __builtin_inff() : 0.0f;
  return p;
}
#endif
