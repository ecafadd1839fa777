// The arithmetic, comparison and mathematical intrinsics that half and bfloat16 share, name for name.
//
// Included once for each type, with SIMT_T (the scalar), SIMT_T2 (the pair) and SIMT_FORMAT (its rounding) defined.
// CUDA rounds each operation once from the exact result; mathematical functions go through float.

#define SIMT_WIDE(v) (SIMT_FORMAT::to_float((v).__x))
#define SIMT_NARROW(v) (SIMT_T::from_bits(SIMT_FORMAT::from_float(v)))

// ---- scalar arithmetic ----
inline LAB_LENS_UNSEEN SIMT_T __hadd(SIMT_T a, SIMT_T b) { return SIMT_NARROW(SIMT_WIDE(a) + SIMT_WIDE(b)); }
inline LAB_LENS_UNSEEN SIMT_T __hsub(SIMT_T a, SIMT_T b) { return SIMT_NARROW(SIMT_WIDE(a) - SIMT_WIDE(b)); }
inline LAB_LENS_UNSEEN SIMT_T __hmul(SIMT_T a, SIMT_T b) {
  return SIMT_T::from_bits(SIMT_FORMAT::product(SIMT_WIDE(a), SIMT_WIDE(b)));
}
inline LAB_LENS_UNSEEN SIMT_T __hdiv(SIMT_T a, SIMT_T b) {
  return SIMT_T::from_bits(SIMT_FORMAT::quotient(SIMT_WIDE(a), SIMT_WIDE(b)));
}
inline LAB_LENS_UNSEEN SIMT_T __hfma(SIMT_T a, SIMT_T b, SIMT_T c) {
  return SIMT_T::from_bits(SIMT_FORMAT::fused(SIMT_WIDE(a), SIMT_WIDE(b), SIMT_WIDE(c)));
}
inline SIMT_T __hadd_rn(SIMT_T a, SIMT_T b) { return __hadd(a, b); }
inline SIMT_T __hsub_rn(SIMT_T a, SIMT_T b) { return __hsub(a, b); }
inline SIMT_T __hmul_rn(SIMT_T a, SIMT_T b) { return __hmul(a, b); }
inline SIMT_T __hneg(SIMT_T a) {
  return SIMT_T::from_bits((a.__x & 0x7fff) > SIMT_FORMAT::infinity ? SIMT_FORMAT::nan : a.__x ^ 0x8000);
}
inline SIMT_T __habs(SIMT_T a) {
  return SIMT_T::from_bits((a.__x & 0x7fff) > SIMT_FORMAT::infinity ? SIMT_FORMAT::nan : a.__x & 0x7fff);
}

// ---- scalar classification and comparison ----
inline bool __hisnan(SIMT_T a) { return (a.__x & 0x7fff) > SIMT_FORMAT::infinity; }
/// 1 for +infinity, -1 for -infinity, 0 otherwise.
inline int __hisinf(SIMT_T a) {
  return a.__x == SIMT_FORMAT::infinity ? 1 : a.__x == (SIMT_FORMAT::infinity | 0x8000) ? -1 : 0;
}
inline bool __heq(SIMT_T a, SIMT_T b) { return SIMT_WIDE(a) == SIMT_WIDE(b); }
inline bool __hne(SIMT_T a, SIMT_T b) { return !__hisnan(a) && !__hisnan(b) && SIMT_WIDE(a) != SIMT_WIDE(b); }
inline bool __hlt(SIMT_T a, SIMT_T b) { return SIMT_WIDE(a) < SIMT_WIDE(b); }
inline bool __hle(SIMT_T a, SIMT_T b) { return SIMT_WIDE(a) <= SIMT_WIDE(b); }
inline bool __hgt(SIMT_T a, SIMT_T b) { return SIMT_WIDE(a) > SIMT_WIDE(b); }
inline bool __hge(SIMT_T a, SIMT_T b) { return SIMT_WIDE(a) >= SIMT_WIDE(b); }
// The u forms are also true when either is NaN.
inline bool __hequ(SIMT_T a, SIMT_T b) { return __hisnan(a) || __hisnan(b) || __heq(a, b); }
inline bool __hneu(SIMT_T a, SIMT_T b) { return !__heq(a, b); }
inline bool __hltu(SIMT_T a, SIMT_T b) { return !__hge(a, b); }
inline bool __hleu(SIMT_T a, SIMT_T b) { return !__hgt(a, b); }
inline bool __hgtu(SIMT_T a, SIMT_T b) { return !__hle(a, b); }
inline bool __hgeu(SIMT_T a, SIMT_T b) { return !__hlt(a, b); }

namespace simt_math {
/// Larger of two with +0 above -0; a NaN loses to a number and two give the canonical one.
inline SIMT_T larger(SIMT_T a, SIMT_T b) {
  if (__hisnan(a)) return __hisnan(b) ? SIMT_T::from_bits(SIMT_FORMAT::nan) : b;
  if (__hisnan(b)) return a;
  const float x = SIMT_WIDE(a), y = SIMT_WIDE(b);
  return x > y || (x == y && !(a.__x & 0x8000)) ? a : b;
}
inline SIMT_T smaller(SIMT_T a, SIMT_T b) {
  if (__hisnan(a)) return __hisnan(b) ? SIMT_T::from_bits(SIMT_FORMAT::nan) : b;
  if (__hisnan(b)) return a;
  const float x = SIMT_WIDE(a), y = SIMT_WIDE(b);
  return x < y || (x == y && (a.__x & 0x8000)) ? a : b;
}
/// Clamped to [0, 1]; NaN gives 0.
inline SIMT_T saturate(SIMT_T a) {
  const float v = SIMT_WIDE(a);
  return SIMT_NARROW(v > 0.0f ? (v < 1.0f ? v : 1.0f) : 0.0f);
}
inline SIMT_T positive(SIMT_T a) { return __hisnan(a) || SIMT_WIDE(a) > 0.0f ? a : SIMT_T::from_bits(0); }
}  // namespace simt_math

inline SIMT_T __hmax(SIMT_T a, SIMT_T b) { return simt_math::larger(a, b); }
inline SIMT_T __hmin(SIMT_T a, SIMT_T b) { return simt_math::smaller(a, b); }
inline SIMT_T __hmax_nan(SIMT_T a, SIMT_T b) {
  return __hisnan(a) || __hisnan(b) ? SIMT_T::from_bits(SIMT_FORMAT::nan) : simt_math::larger(a, b);
}
inline SIMT_T __hmin_nan(SIMT_T a, SIMT_T b) {
  return __hisnan(a) || __hisnan(b) ? SIMT_T::from_bits(SIMT_FORMAT::nan) : simt_math::smaller(a, b);
}
inline SIMT_T __hadd_sat(SIMT_T a, SIMT_T b) { return simt_math::saturate(__hadd(a, b)); }
inline SIMT_T __hsub_sat(SIMT_T a, SIMT_T b) { return simt_math::saturate(__hsub(a, b)); }
inline SIMT_T __hmul_sat(SIMT_T a, SIMT_T b) { return simt_math::saturate(__hmul(a, b)); }
inline SIMT_T __hfma_sat(SIMT_T a, SIMT_T b, SIMT_T c) { return simt_math::saturate(__hfma(a, b, c)); }
inline SIMT_T __hfma_relu(SIMT_T a, SIMT_T b, SIMT_T c) { return simt_math::positive(__hfma(a, b, c)); }

// ---- pairs, lane by lane ----
#define SIMT_PAIR_1(NAME, SCALAR) \
  inline LAB_LENS_UNSEEN SIMT_T2 NAME(SIMT_T2 a) { return SIMT_T2(SCALAR(a.x), SCALAR(a.y)); }
#define SIMT_PAIR_2(NAME, SCALAR) \
  inline LAB_LENS_UNSEEN SIMT_T2 NAME(SIMT_T2 a, SIMT_T2 b) { return SIMT_T2(SCALAR(a.x, b.x), SCALAR(a.y, b.y)); }
#define SIMT_PAIR_3(NAME, SCALAR)                               \
  inline LAB_LENS_UNSEEN SIMT_T2 NAME(SIMT_T2 a, SIMT_T2 b, SIMT_T2 c) {        \
    return SIMT_T2(SCALAR(a.x, b.x, c.x), SCALAR(a.y, b.y, c.y)); \
  }
SIMT_PAIR_2(__hadd2, __hadd)
SIMT_PAIR_2(__hsub2, __hsub)
SIMT_PAIR_2(__hmul2, __hmul)
SIMT_PAIR_2(__h2div, __hdiv)
SIMT_PAIR_2(__hadd2_rn, __hadd)
SIMT_PAIR_2(__hsub2_rn, __hsub)
SIMT_PAIR_2(__hmul2_rn, __hmul)
SIMT_PAIR_2(__hadd2_sat, __hadd_sat)
SIMT_PAIR_2(__hsub2_sat, __hsub_sat)
SIMT_PAIR_2(__hmul2_sat, __hmul_sat)
SIMT_PAIR_2(__hmax2, __hmax)
SIMT_PAIR_2(__hmin2, __hmin)
SIMT_PAIR_2(__hmax2_nan, __hmax_nan)
SIMT_PAIR_2(__hmin2_nan, __hmin_nan)
SIMT_PAIR_3(__hfma2, __hfma)
SIMT_PAIR_3(__hfma2_sat, __hfma_sat)
SIMT_PAIR_3(__hfma2_relu, __hfma_relu)
SIMT_PAIR_1(__hneg2, __hneg)
SIMT_PAIR_1(__habs2, __habs)
inline SIMT_T2 __hisnan2(SIMT_T2 a) { return SIMT_T2(SIMT_NARROW(__hisnan(a.x)), SIMT_NARROW(__hisnan(a.y))); }
/// Complex a * b + c.
inline SIMT_T2 __hcmadd(SIMT_T2 a, SIMT_T2 b, SIMT_T2 c) {
  const SIMT_T real = __hfma(a.x, b.x, c.x), imaginary = __hfma(a.x, b.y, c.y);
  return SIMT_T2(__hfma(__hneg(a.y), b.y, real), __hfma(a.y, b.x, imaginary));
}

// Four answers of each comparison: 1.0 or 0.0 a lane, both lanes as one bool, and all-ones masks.
#define SIMT_PAIR_COMPARE(SUFFIX)                                                                   \
  inline SIMT_T2 __h##SUFFIX##2(SIMT_T2 a, SIMT_T2 b) {                                             \
    return SIMT_T2(SIMT_NARROW(__h##SUFFIX(a.x, b.x)), SIMT_NARROW(__h##SUFFIX(a.y, b.y)));         \
  }                                                                                                 \
  inline bool __hb##SUFFIX##2(SIMT_T2 a, SIMT_T2 b) {                                               \
    return __h##SUFFIX(a.x, b.x) && __h##SUFFIX(a.y, b.y);                                          \
  }                                                                                                 \
  inline unsigned int __h##SUFFIX##2_mask(SIMT_T2 a, SIMT_T2 b) {                                   \
    return (__h##SUFFIX(a.x, b.x) ? 0xffffu : 0u) | (__h##SUFFIX(a.y, b.y) ? 0xffff0000u : 0u);     \
  }
SIMT_PAIR_COMPARE(eq)
SIMT_PAIR_COMPARE(ne)
SIMT_PAIR_COMPARE(lt)
SIMT_PAIR_COMPARE(le)
SIMT_PAIR_COMPARE(gt)
SIMT_PAIR_COMPARE(ge)
SIMT_PAIR_COMPARE(equ)
SIMT_PAIR_COMPARE(neu)
SIMT_PAIR_COMPARE(ltu)
SIMT_PAIR_COMPARE(leu)
SIMT_PAIR_COMPARE(gtu)
SIMT_PAIR_COMPARE(geu)

// ---- mathematical functions, scalar and pair ----
#define SIMT_MATH(NAME, EXPR)                                                    \
  inline LAB_LENS_UNSEEN SIMT_T h##NAME(SIMT_T a) {                              \
    const float v = SIMT_WIDE(a);                                                \
    return SIMT_NARROW(EXPR);                                                    \
  }                                                                              \
  SIMT_PAIR_1(h2##NAME, h##NAME)
SIMT_MATH(sqrt, __builtin_sqrtf(v))
SIMT_MATH(rsqrt, static_cast<float>(1.0 / __builtin_sqrt(static_cast<double>(v))))
SIMT_MATH(rcp, 1.0f / v)
SIMT_MATH(exp, expf(v))
SIMT_MATH(exp2, exp2f(v))
SIMT_MATH(exp10, exp10f(v))
SIMT_MATH(log, logf(v))
SIMT_MATH(log2, log2f(v))
SIMT_MATH(log10, log10f(v))
SIMT_MATH(sin, sinf(v))
SIMT_MATH(cos, cosf(v))
SIMT_MATH(tanh, tanhf(v))
SIMT_MATH(tanh_approx, tanhf(v))
SIMT_MATH(ceil, __builtin_ceilf(v))
SIMT_MATH(floor, __builtin_floorf(v))
SIMT_MATH(trunc, __builtin_truncf(v))
SIMT_MATH(rint, __builtin_rintf(v))

// ---- operators ----
inline SIMT_T operator+(SIMT_T a, SIMT_T b) { return __hadd(a, b); }
inline SIMT_T operator-(SIMT_T a, SIMT_T b) { return __hsub(a, b); }
inline SIMT_T operator*(SIMT_T a, SIMT_T b) { return __hmul(a, b); }
inline SIMT_T operator/(SIMT_T a, SIMT_T b) { return __hdiv(a, b); }
inline SIMT_T operator+(SIMT_T a) { return a; }
inline SIMT_T operator-(SIMT_T a) { return __hneg(a); }
inline SIMT_T& operator+=(SIMT_T& a, SIMT_T b) { return a = __hadd(a, b); }
inline SIMT_T& operator-=(SIMT_T& a, SIMT_T b) { return a = __hsub(a, b); }
inline SIMT_T& operator*=(SIMT_T& a, SIMT_T b) { return a = __hmul(a, b); }
inline SIMT_T& operator/=(SIMT_T& a, SIMT_T b) { return a = __hdiv(a, b); }
inline SIMT_T& operator++(SIMT_T& a) { return a = __hadd(a, SIMT_NARROW(1.0f)); }
inline SIMT_T& operator--(SIMT_T& a) { return a = __hsub(a, SIMT_NARROW(1.0f)); }
inline SIMT_T operator++(SIMT_T& a, int) {
  const SIMT_T before = a;
  ++a;
  return before;
}
inline SIMT_T operator--(SIMT_T& a, int) {
  const SIMT_T before = a;
  --a;
  return before;
}
inline bool operator==(SIMT_T a, SIMT_T b) { return __heq(a, b); }
inline bool operator!=(SIMT_T a, SIMT_T b) { return __hneu(a, b); }
inline bool operator<(SIMT_T a, SIMT_T b) { return __hlt(a, b); }
inline bool operator<=(SIMT_T a, SIMT_T b) { return __hle(a, b); }
inline bool operator>(SIMT_T a, SIMT_T b) { return __hgt(a, b); }
inline bool operator>=(SIMT_T a, SIMT_T b) { return __hge(a, b); }

inline SIMT_T2 operator+(SIMT_T2 a, SIMT_T2 b) { return __hadd2(a, b); }
inline SIMT_T2 operator-(SIMT_T2 a, SIMT_T2 b) { return __hsub2(a, b); }
inline SIMT_T2 operator*(SIMT_T2 a, SIMT_T2 b) { return __hmul2(a, b); }
inline SIMT_T2 operator/(SIMT_T2 a, SIMT_T2 b) { return __h2div(a, b); }
inline SIMT_T2 operator+(SIMT_T2 a) { return a; }
inline SIMT_T2 operator-(SIMT_T2 a) { return __hneg2(a); }
inline SIMT_T2& operator+=(SIMT_T2& a, SIMT_T2 b) { return a = __hadd2(a, b); }
inline SIMT_T2& operator-=(SIMT_T2& a, SIMT_T2 b) { return a = __hsub2(a, b); }
inline SIMT_T2& operator*=(SIMT_T2& a, SIMT_T2 b) { return a = __hmul2(a, b); }
inline SIMT_T2& operator/=(SIMT_T2& a, SIMT_T2 b) { return a = __h2div(a, b); }
inline bool operator==(SIMT_T2 a, SIMT_T2 b) { return __hbeq2(a, b); }
inline bool operator!=(SIMT_T2 a, SIMT_T2 b) { return !__hbeq2(a, b); }
inline bool operator<(SIMT_T2 a, SIMT_T2 b) { return __hblt2(a, b); }
inline bool operator<=(SIMT_T2 a, SIMT_T2 b) { return __hble2(a, b); }
inline bool operator>(SIMT_T2 a, SIMT_T2 b) { return __hbgt2(a, b); }
inline bool operator>=(SIMT_T2 a, SIMT_T2 b) { return __hbge2(a, b); }

// ---- atomics: a compare-and-swap loop over the whole value, which rounds as the GPU's own does ----
namespace simt_math {
template <class F>
inline SIMT_T update(SIMT_T* address, F f) {
  lab_simt::spin_hint();
  lab_simt::lens::tell(lab_simt::lens::Operation::kAtomicUpdate, address, sizeof *address);
  lab_simt::lens::Quiet quiet;
  uint16_t* word = reinterpret_cast<uint16_t*>(address);
  uint16_t before = __atomic_load_n(word, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(word, &before, f(SIMT_T::from_bits(before)).__x, true, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED)) {
  }
  return SIMT_T::from_bits(before);
}
}  // namespace simt_math
inline SIMT_T atomicAdd(SIMT_T* address, SIMT_T value) {
  return simt_math::update(address, [value](SIMT_T old) { return __hadd(old, value); });
}
/// Each half of the pair is added atomically; as on the GPU, the pair is not.
inline SIMT_T2 atomicAdd(SIMT_T2* address, SIMT_T2 value) {
  return SIMT_T2(atomicAdd(&address->x, value.x), atomicAdd(&address->y, value.y));
}

#undef SIMT_WIDE
#undef SIMT_NARROW
#undef SIMT_PAIR_1
#undef SIMT_PAIR_2
#undef SIMT_PAIR_3
#undef SIMT_PAIR_COMPARE
#undef SIMT_MATH
