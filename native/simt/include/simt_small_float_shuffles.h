/// __shfl*_sync of half, bfloat16 and their pairs, over the device's warp exchange.
#pragma once

#include <stdint.h>

#include "simt_api.h"
#include "simt_lens.h"

namespace simt_math {

/// What lane `source` showed, if the warp's segment of `width` lanes around the caller holds it, else the own value.
template <class T>
inline T taken(unsigned int mask, T value, int source, int low, int high) {
  const bool within = source >= low && source <= high;
  if (within) lab_simt::lens::shuffle_source(source);
  const T* shown = lab_simt::warp_exchange(mask, value);
  return within ? shown[source] : value;
}

#define SIMT_SHUFFLES(T)                                                                                  \
  inline T __shfl_sync(unsigned int mask, T value, int source, int width = 32) {                          \
    const int first = static_cast<int>(lab_simt::lane_id()) & ~(width - 1);                               \
    return simt_math::taken(mask, value, first + (source & (width - 1)), 0, 31);                          \
  }                                                                                                       \
  inline T __shfl_up_sync(unsigned int mask, T value, unsigned int delta, int width = 32) {               \
    const int lane = static_cast<int>(lab_simt::lane_id()), first = lane & ~(width - 1);                  \
    return simt_math::taken(mask, value, lane - static_cast<int>(delta), first, 31);                      \
  }                                                                                                       \
  inline T __shfl_down_sync(unsigned int mask, T value, unsigned int delta, int width = 32) {             \
    const int lane = static_cast<int>(lab_simt::lane_id()), last = lane | (width - 1);                    \
    return simt_math::taken(mask, value, lane + static_cast<int>(delta), 0, last);                        \
  }                                                                                                       \
  inline T __shfl_xor_sync(unsigned int mask, T value, int bits, int width = 32) {                        \
    const int lane = static_cast<int>(lab_simt::lane_id());                                               \
    return simt_math::taken(mask, value, lane ^ bits, 0, lane | (width - 1));                             \
  }

}  // namespace simt_math
