// Conversions between a small float and the integers, in every rounding; SIMT_T, SIMT_FORMAT and SIMT_NAME defined.

#define SIMT_JOIN_(A, B, C) A##B##C
#define SIMT_JOIN(A, B, C) SIMT_JOIN_(A, B, C)

// No integer of up to 64 bits needs more than the double's 53 to round to 11, once its low bits are made sticky.
#define SIMT_FROM_MODE(FROM, TYPE, SUFFIX, MODE)                                                              \
  inline SIMT_T SIMT_JOIN(__##FROM##2, SIMT_NAME, SUFFIX)(TYPE v) {                                           \
    return SIMT_T::from_bits(SIMT_FORMAT::from_integer(v, simt_math::Rounding::MODE));                        \
  }
#define SIMT_TO_MODE(TO, TYPE, SUFFIX, ROUND, NAN_VALUE)                                                      \
  inline TYPE SIMT_JOIN(__, SIMT_NAME, 2##TO##SUFFIX)(SIMT_T v) {                                             \
    return simt_math::saturated<TYPE>(simt_math::ROUND(SIMT_FORMAT::to_float(v.__x)), NAN_VALUE);             \
  }
#define SIMT_INTEGER(NAME, TYPE, NAN_VALUE)              \
  SIMT_FROM_MODE(NAME, TYPE, _rn, nearest)               \
  SIMT_FROM_MODE(NAME, TYPE, _rz, zero)                  \
  SIMT_FROM_MODE(NAME, TYPE, _ru, up)                    \
  SIMT_FROM_MODE(NAME, TYPE, _rd, down)                  \
  SIMT_TO_MODE(NAME, TYPE, _rn, nearest, NAN_VALUE)      \
  SIMT_TO_MODE(NAME, TYPE, _rz, toward_zero, NAN_VALUE)  \
  SIMT_TO_MODE(NAME, TYPE, _ru, upward, NAN_VALUE)       \
  SIMT_TO_MODE(NAME, TYPE, _rd, downward, NAN_VALUE)
SIMT_INTEGER(short, short, 0)
SIMT_INTEGER(ushort, unsigned short, 0)
SIMT_INTEGER(int, int, 0)
SIMT_INTEGER(uint, unsigned int, 0u)
SIMT_INTEGER(ll, long long, INT64_MIN)
SIMT_INTEGER(ull, unsigned long long, 0x8000000000000000ull)
inline signed char SIMT_JOIN(__, SIMT_NAME, 2char_rz)(SIMT_T v) {
  return simt_math::saturated<signed char>(simt_math::toward_zero(SIMT_FORMAT::to_float(v.__x)), 0);
}
inline unsigned char SIMT_JOIN(__, SIMT_NAME, 2uchar_rz)(SIMT_T v) {
  return simt_math::saturated<unsigned char>(simt_math::toward_zero(SIMT_FORMAT::to_float(v.__x)), 0);
}
inline short SIMT_JOIN(__, SIMT_NAME, _as_short)(SIMT_T v) { return static_cast<short>(v.__x); }
inline unsigned short SIMT_JOIN(__, SIMT_NAME, _as_ushort)(SIMT_T v) { return v.__x; }
inline SIMT_T SIMT_JOIN(__short_as_, SIMT_NAME, )(short v) { return SIMT_T::from_bits(static_cast<uint16_t>(v)); }
inline SIMT_T SIMT_JOIN(__ushort_as_, SIMT_NAME, )(unsigned short v) { return SIMT_T::from_bits(v); }

#undef SIMT_JOIN_
#undef SIMT_JOIN
#undef SIMT_FROM_MODE
#undef SIMT_TO_MODE
#undef SIMT_INTEGER
