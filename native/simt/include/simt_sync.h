/// Barriers, fences and the collectives of a warp.
#pragma once

#include "simt_api.h"
#include "simt_small_float_shuffles.h"

// --- the block ----------------------------------------------------------------------------------------------------

inline void __syncthreads() { lab_simt::barrier(); }
inline int __syncthreads_count(int predicate) { return static_cast<int>(lab_simt::barrier_vote(predicate != 0).trues); }
inline int __syncthreads_and(int predicate) {
  const lab_simt::Votes votes = lab_simt::barrier_vote(predicate != 0);
  return votes.trues == votes.total;
}
inline int __syncthreads_or(int predicate) { return lab_simt::barrier_vote(predicate != 0).trues != 0; }

/// The barrier of that number: all of the block, or the first `threads` (whole warps) to come.
inline void __barrier_sync(unsigned int id) { lab_simt::barrier(id, 0); }
inline void __barrier_sync_count(unsigned int id, unsigned int threads) { lab_simt::barrier(id, threads); }

// Code spins around fences, so they let the rest of the block run now and then.
inline void __threadfence() {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  lab_simt::spin_hint();
}
inline void __threadfence_system() { __threadfence(); }
inline void __threadfence_cluster() { __threadfence(); }
inline void __threadfence_block() {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  lab_simt::spin_hint();
}

// --- the warp -----------------------------------------------------------------------------------------------------

inline void __syncwarp(unsigned int mask = 0xffffffffu) { lab_simt::warp_sync(mask); }
inline __attribute__((always_inline)) unsigned int __lab_activemask(unsigned int place) {
  return lab_simt::active_mask(place);
}
// Numbered by where it stands in the text: a compiler that makes one call of two branches' must not make one group.
#define __activemask() __lab_activemask(__COUNTER__ + 1)
inline unsigned int __lanemask_lt() { return (1u << lab_simt::lane_id()) - 1; }

SIMT_SHUFFLES(int)
SIMT_SHUFFLES(unsigned int)
SIMT_SHUFFLES(long)
SIMT_SHUFFLES(unsigned long)
SIMT_SHUFFLES(long long)
SIMT_SHUFFLES(unsigned long long)
SIMT_SHUFFLES(float)
SIMT_SHUFFLES(double)

namespace lab_simt {

/// A lane's contribution; lanes that have exited show zeros, so `present` is 0 there.
template <class T>
struct Shown {
  T value;
  uint32_t present;
};

/// Calls visit(lane, value) for every lane of the mask that takes part.
template <class T, class F>
inline void for_each_shown(uint32_t mask, T value, F visit) {
  const Shown<T>* shown = warp_exchange(mask, Shown<T>{value, 1});
  for (uint32_t lanes = mask; lanes; lanes &= lanes - 1) {
    const int lane = __builtin_ctz(lanes);
    if (shown[lane].present) visit(lane, shown[lane].value);
  }
}

/// The value of all lanes folded from the lowest lane up.
template <class T, class F>
inline T reduce(uint32_t mask, T value, F fold) {
  T result{};
  bool first = true;
  for_each_shown(mask, value, [&](int, T other) {
    result = first ? other : fold(result, other);
    first = false;
  });
  return result;
}

template <class Bits>
inline unsigned int match_any(uint32_t mask, Bits value) {
  unsigned int same = 0;
  for_each_shown(mask, value, [&](int lane, Bits other) { same |= static_cast<unsigned int>(other == value) << lane; });
  return same;
}

template <class Bits>
inline unsigned int match_all(uint32_t mask, Bits value, int* predicate) {
  bool all = true;
  unsigned int taking_part = 0;
  for_each_shown(mask, value, [&](int lane, Bits other) {
    all = all && other == value;
    taking_part |= 1u << lane;
  });
  *predicate = all;
  return all ? taking_part : 0;
}

}  // namespace lab_simt

inline unsigned int __ballot_sync(unsigned int mask, int predicate) {
  unsigned int ballot = 0;
  lab_simt::for_each_shown(mask, predicate != 0 ? 1u : 0u, [&](int lane, unsigned int vote) { ballot |= vote << lane; });
  return ballot;
}
inline int __any_sync(unsigned int mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned int mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }
inline int __uni_sync(unsigned int mask, int predicate) {
  bool same = true;
  lab_simt::for_each_shown(mask, predicate != 0, [&](int, bool other) { same = same && other == (predicate != 0); });
  return same;
}

#define LAB_SIMT_MATCH(T, BITS)                                                                    \
  inline unsigned int __match_any_sync(unsigned int mask, T value) {                               \
    return lab_simt::match_any(mask, __builtin_bit_cast(BITS, value));                             \
  }                                                                                                \
  inline unsigned int __match_all_sync(unsigned int mask, T value, int* predicate) {               \
    return lab_simt::match_all(mask, __builtin_bit_cast(BITS, value), predicate);                  \
  }
LAB_SIMT_MATCH(int, unsigned int)
LAB_SIMT_MATCH(unsigned int, unsigned int)
LAB_SIMT_MATCH(long, unsigned long)
LAB_SIMT_MATCH(unsigned long, unsigned long)
LAB_SIMT_MATCH(long long, unsigned long long)
LAB_SIMT_MATCH(unsigned long long, unsigned long long)
LAB_SIMT_MATCH(float, unsigned int)
LAB_SIMT_MATCH(double, unsigned long long)
#undef LAB_SIMT_MATCH

#define LAB_SIMT_REDUCE(NAME, T, EXPR) \
  inline T NAME(unsigned int mask, T value) { return lab_simt::reduce(mask, value, [](T a, T b) -> T { return EXPR; }); }
LAB_SIMT_REDUCE(__reduce_add_sync, unsigned int, a + b)
LAB_SIMT_REDUCE(__reduce_min_sync, unsigned int, a < b ? a : b)
LAB_SIMT_REDUCE(__reduce_max_sync, unsigned int, a > b ? a : b)
LAB_SIMT_REDUCE(__reduce_and_sync, unsigned int, a & b)
LAB_SIMT_REDUCE(__reduce_or_sync, unsigned int, a | b)
LAB_SIMT_REDUCE(__reduce_xor_sync, unsigned int, a ^ b)
LAB_SIMT_REDUCE(__reduce_add_sync, int, static_cast<int>(static_cast<unsigned>(a) + static_cast<unsigned>(b)))
LAB_SIMT_REDUCE(__reduce_min_sync, int, a < b ? a : b)
LAB_SIMT_REDUCE(__reduce_max_sync, int, a > b ? a : b)
#undef LAB_SIMT_REDUCE
