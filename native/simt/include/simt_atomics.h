/// Atomic functions: atomic across the device's workers, relaxed in order, as CUDA's are.
///
/// Code that waits spins on these, so each counts against the thread's budget and now and then lets the rest of the
/// block run; a compare-and-swap that fails counts more.
#pragma once

#include <string.h>

#include "simt_api.h"
#include "simt_lens.h"
#include "vector_types.h"

namespace lab_simt {

template <size_t Bytes> struct BitsOf;
template <> struct BitsOf<2> { using type = uint16_t; };
template <> struct BitsOf<4> { using type = uint32_t; };
template <> struct BitsOf<8> { using type = uint64_t; };

/// Replaces *address by change(old) in one step and answers old; T is any plain type of 2, 4 or 8 bytes.
template <class T, class F>
inline T atomic_update(T* address, F change) {
  using Bits = typename BitsOf<sizeof(T)>::type;
  spin_hint();
  lens::tell(lens::Operation::kAtomicUpdate, address, sizeof(T));
  lens::Quiet quiet;
  Bits* bits = reinterpret_cast<Bits*>(address);
  Bits seen = __atomic_load_n(bits, __ATOMIC_RELAXED);
  for (;;) {
    T old;
    memcpy(&old, &seen, sizeof old);
    const T next = change(old);
    Bits wanted;
    memcpy(&wanted, &next, sizeof wanted);
    if (__atomic_compare_exchange_n(bits, &seen, wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return old;
  }
}

template <class T>
inline T atomic_exchange(T* address, T value) {
  using Bits = typename BitsOf<sizeof(T)>::type;
  spin_hint(4);
  Bits bits;
  memcpy(&bits, &value, sizeof bits);
  bits = __atomic_exchange_n(reinterpret_cast<Bits*>(address), bits, __ATOMIC_RELAXED);
  memcpy(&value, &bits, sizeof bits);
  return value;
}

template <class T>
inline T atomic_compare_swap(T* address, T expected, T value) {
  T seen = expected;
  const bool swapped = __atomic_compare_exchange_n(address, &seen, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  spin_hint(swapped ? 1 : 16);
  return seen;
}

}  // namespace lab_simt

// Each function exists at device scope and, with the same meaning here, at block and system scope.
#define LAB_SIMT_SCOPES(NAME, T, BODY)                        \
  inline T NAME(T* address, T value) { BODY }                 \
  inline T NAME##_block(T* address, T value) {                \
    lab_simt::lens::Reach block(0);                           \
    BODY                                                      \
  }                                                           \
  inline T NAME##_system(T* address, T value) {               \
    lab_simt::lens::Reach system(2);                          \
    BODY                                                      \
  }
#define LAB_SIMT_FETCH(NAME, T, OP) \
  LAB_SIMT_SCOPES(NAME, T, lab_simt::spin_hint(); return __atomic_fetch_##OP(address, value, __ATOMIC_RELAXED);)
#define LAB_SIMT_UPDATE(NAME, T, EXPR) \
  LAB_SIMT_SCOPES(NAME, T, return lab_simt::atomic_update(address, [value](T old) -> T { return EXPR; });)

LAB_SIMT_FETCH(atomicAdd, int, add)
LAB_SIMT_FETCH(atomicAdd, unsigned int, add)
LAB_SIMT_FETCH(atomicAdd, unsigned long long, add)
LAB_SIMT_UPDATE(atomicAdd, float, old + value)
LAB_SIMT_UPDATE(atomicAdd, double, old + value)
LAB_SIMT_FETCH(atomicSub, int, sub)
LAB_SIMT_FETCH(atomicSub, unsigned int, sub)

#define LAB_SIMT_FETCH_BITS(NAME, OP)          \
  LAB_SIMT_FETCH(NAME, int, OP)                \
  LAB_SIMT_FETCH(NAME, unsigned int, OP)       \
  LAB_SIMT_FETCH(NAME, long long, OP)          \
  LAB_SIMT_FETCH(NAME, unsigned long long, OP)
LAB_SIMT_FETCH_BITS(atomicAnd, and)
LAB_SIMT_FETCH_BITS(atomicOr, or)
LAB_SIMT_FETCH_BITS(atomicXor, xor)
#undef LAB_SIMT_FETCH_BITS

#define LAB_SIMT_EXTREMES(T)                            \
  LAB_SIMT_UPDATE(atomicMin, T, old < value ? old : value) \
  LAB_SIMT_UPDATE(atomicMax, T, old > value ? old : value)
LAB_SIMT_EXTREMES(int)
LAB_SIMT_EXTREMES(unsigned int)
LAB_SIMT_EXTREMES(long long)
LAB_SIMT_EXTREMES(unsigned long long)
#undef LAB_SIMT_EXTREMES

LAB_SIMT_UPDATE(atomicInc, unsigned int, old >= value ? 0 : old + 1)
LAB_SIMT_UPDATE(atomicDec, unsigned int, old == 0 || old > value ? value : old - 1)

#define LAB_SIMT_EXCHANGE(T) LAB_SIMT_SCOPES(atomicExch, T, return lab_simt::atomic_exchange(address, value);)
LAB_SIMT_EXCHANGE(int)
LAB_SIMT_EXCHANGE(unsigned int)
LAB_SIMT_EXCHANGE(unsigned long long)
LAB_SIMT_EXCHANGE(float)
#undef LAB_SIMT_EXCHANGE

#define LAB_SIMT_SWAP(NAME, T) \
  inline T NAME(T* address, T expected, T value) { return lab_simt::atomic_compare_swap(address, expected, value); }
#define LAB_SIMT_SWAPS(T)           \
  LAB_SIMT_SWAP(atomicCAS, T)       \
  LAB_SIMT_SWAP(atomicCAS_block, T) \
  LAB_SIMT_SWAP(atomicCAS_system, T)
LAB_SIMT_SWAPS(int)
LAB_SIMT_SWAPS(unsigned int)
LAB_SIMT_SWAPS(unsigned long long)
LAB_SIMT_SWAPS(unsigned short)
#undef LAB_SIMT_SWAPS
#undef LAB_SIMT_SWAP

// Vectors are added element by element, as sm_90 does: each element in one step, not the whole.
#define LAB_SIMT_ADD_VECTOR(NAME)                                                                       \
  inline float2 NAME(float2* address, float2 value) {                                                   \
    return float2{NAME(&address->x, value.x), NAME(&address->y, value.y)};                              \
  }                                                                                                     \
  inline float4 NAME(float4* address, float4 value) {                                                   \
    return float4{NAME(&address->x, value.x), NAME(&address->y, value.y), NAME(&address->z, value.z),   \
                  NAME(&address->w, value.w)};                                                          \
  }
LAB_SIMT_ADD_VECTOR(atomicAdd)
LAB_SIMT_ADD_VECTOR(atomicAdd_block)
LAB_SIMT_ADD_VECTOR(atomicAdd_system)
#undef LAB_SIMT_ADD_VECTOR

#undef LAB_SIMT_UPDATE
#undef LAB_SIMT_FETCH
#undef LAB_SIMT_SCOPES
