/// Compare-and-swap and exchange of plain types of 16 bytes, as sm_90 has them.
#pragma once

#include <string.h>

#include "simt_api.h"
#include "simt_lens.h"

namespace lab_simt {

using Wide = unsigned __int128;

/// Replaces *address by `value` if it holds `expected`, in one step; answers what it held.
inline Wide swap_wide(Wide* address, Wide expected, Wide value) {
#if defined(__x86_64__)
  uint64_t low = static_cast<uint64_t>(expected), high = static_cast<uint64_t>(expected >> 64);
  asm volatile("lock cmpxchg16b %2"
               : "+a"(low), "+d"(high), "+m"(*address)
               : "b"(static_cast<uint64_t>(value)), "c"(static_cast<uint64_t>(value >> 64))
               : "cc", "memory");
#else
  const uint64_t want_low = static_cast<uint64_t>(expected), want_high = static_cast<uint64_t>(expected >> 64);
  const uint64_t new_low = static_cast<uint64_t>(value), new_high = static_cast<uint64_t>(value >> 64);
  uint64_t low, high;
  uint32_t failed;
  do {
    asm volatile("ldaxp %0, %1, [%2]" : "=&r"(low), "=&r"(high) : "r"(address) : "memory");
    // What was read is one value only if it can be stored back unchanged.
    const bool equal = low == want_low && high == want_high;
    asm volatile("stlxp %w0, %1, %2, [%3]"
                 : "=&r"(failed)
                 : "r"(equal ? new_low : low), "r"(equal ? new_high : high), "r"(address)
                 : "memory");
  } while (failed);
#endif
  return static_cast<Wide>(high) << 64 | low;
}

template <class T>
inline constexpr bool is_wide = sizeof(T) == 16 && alignof(T) >= 16 && __is_trivially_copyable(T);

inline void check_wide(const void* address) {
  if (reinterpret_cast<uintptr_t>(address) % 16 != 0) fault("misaligned-address", "a 16-byte atomic at an odd address");
}

template <class T>
inline T wide_compare_swap(T* address, T expected, T value) {
  check_wide(address);
  lens::tell(lens::Operation::kAtomicUpdate, address, 16);
  lens::Quiet quiet;
  Wide want, with;
  memcpy(&want, &expected, 16);
  memcpy(&with, &value, 16);
  const Wide seen = swap_wide(reinterpret_cast<Wide*>(address), want, with);
  spin_hint(seen == want ? 1 : 16);
  T old;
  memcpy(&old, &seen, 16);
  return old;
}

template <class T>
inline T wide_exchange(T* address, T value) {
  check_wide(address);
  lens::tell(lens::Operation::kAtomicUpdate, address, 16);
  lens::Quiet quiet;
  spin_hint(4);
  Wide with;
  memcpy(&with, &value, 16);
  Wide* bits = reinterpret_cast<Wide*>(address);
  Wide seen = 0;
  for (Wide old = swap_wide(bits, seen, with); old != seen; old = swap_wide(bits, seen, with)) seen = old;
  T old;
  memcpy(&old, &seen, 16);
  return old;
}

}  // namespace lab_simt

#define LAB_SIMT_WIDE(SUFFIX, SCOPE)                                                \
  template <class T, class = std::enable_if_t<lab_simt::is_wide<T>>>                \
  inline T atomicCAS##SUFFIX(T* address, T expected, T value) {                     \
    lab_simt::lens::Reach reach(SCOPE);                                             \
    return lab_simt::wide_compare_swap(address, expected, value);                   \
  }                                                                                 \
  template <class T, class = std::enable_if_t<lab_simt::is_wide<T>>>                \
  inline T atomicExch##SUFFIX(T* address, T value) {                                \
    lab_simt::lens::Reach reach(SCOPE);                                             \
    return lab_simt::wide_exchange(address, value);                                 \
  }
LAB_SIMT_WIDE(, 1)
LAB_SIMT_WIDE(_block, 0)
LAB_SIMT_WIDE(_system, 2)
#undef LAB_SIMT_WIDE
