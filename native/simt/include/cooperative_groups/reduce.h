/// cg::reduce over a tile or coalesced threads.
#pragma once

#include "../cooperative_groups.h"
#include "simt_operators.h"

namespace cooperative_groups {

/// Everybody gets the values of all, joined as a balanced tree in rank order.
template <class T, class Operator>
inline T reduce(const simt::lane_group& group, T value, Operator&& join) {
  const T* shown = group.show(value);
  T values[32];
  unsigned int count = 0;
  for (unsigned int lanes = group.mask(); lanes != 0; lanes &= lanes - 1) values[count++] = shown[__builtin_ctz(lanes)];
  for (; count > 1; count = (count + 1) / 2) {
    for (unsigned int i = 0; i < count / 2; ++i) values[i] = join(values[2 * i], values[2 * i + 1]);
    if (count % 2 != 0) values[count / 2] = values[count - 1];
  }
  return values[0];
}

/// The same over the warps of a larger tile: each warp's value first, then those in order.
template <class T, unsigned int Size, class Operator>
inline T reduce(const simt::wide_tile<Size>& group, T value, Operator&& join) {
  const T warp = reduce(simt::lane_group(~0u, 0, 1), value, join);
  T result{};
  bool first = true;
  group.for_each_warp(warp, [&](const T& next) {
    result = first ? next : static_cast<T>(join(result, next));
    first = false;
  });
  return result;
}

}  // namespace cooperative_groups
