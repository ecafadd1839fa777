/// cg::inclusive_scan and cg::exclusive_scan over a tile or coalesced threads.
#pragma once

#include "../cooperative_groups.h"
#include "simt_operators.h"

namespace cooperative_groups {

namespace simt {
/// The values of the first `ranks` members joined in order; T() of none.
template <class T, class Operator>
inline T prefix(const lane_group& group, T value, unsigned int ranks, Operator& join) {
  const T* shown = group.show(value);
  T result{};
  unsigned int taken = 0;
  for (unsigned int lanes = group.mask(); taken < ranks; lanes &= lanes - 1, ++taken) {
    const T& next = shown[__builtin_ctz(lanes)];
    result = taken == 0 ? next : static_cast<T>(join(result, next));
  }
  return result;
}
}  // namespace simt

template <class T, class Operator>
inline T inclusive_scan(const simt::lane_group& group, T value, Operator&& join) {
  return simt::prefix(group, value, group.thread_rank() + 1, join);
}
template <class T, class Operator>
inline T exclusive_scan(const simt::lane_group& group, T value, Operator&& join) {
  return simt::prefix(group, value, group.thread_rank(), join);
}
template <class T>
inline T inclusive_scan(const simt::lane_group& group, T value) {
  return inclusive_scan(group, value, plus<T>());
}
template <class T>
inline T exclusive_scan(const simt::lane_group& group, T value) {
  return exclusive_scan(group, value, plus<T>());
}

}  // namespace cooperative_groups
