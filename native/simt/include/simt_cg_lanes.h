/// A set of lanes of one warp and what they do together: the base of tiles and coalesced groups.
#pragma once

#include "simt_api.h"
#include "simt_integer.h"
#include "vector_types.h"

namespace cooperative_groups {
namespace simt {

inline dim3 extents(lab_simt::Id3 v) { return dim3(v.x, v.y, v.z); }

class lane_group {
 public:
  lane_group(unsigned int mask, unsigned int index, unsigned int groups) : mask_(mask), index_(index), groups_(groups) {}

  unsigned int mask() const { return mask_; }
  unsigned int size() const { return static_cast<unsigned int>(__popc(mask_)); }
  unsigned int num_threads() const { return size(); }
  unsigned int thread_rank() const { return rank_of(lab_simt::lane_id()); }
  /// Which of its parent's parts this is, and of how many.
  unsigned int meta_group_rank() const { return index_; }
  unsigned int meta_group_size() const { return groups_; }
  void sync() const { lab_simt::warp_sync(mask_); }

  /// The warp lane of a rank of the group.
  unsigned int lane_of(unsigned int rank) const { return __fns(mask_, 0, static_cast<int>(rank) + 1); }
  unsigned int rank_of(unsigned int lane) const { return static_cast<unsigned int>(__popc(mask_ & ((1u << lane) - 1))); }

  /// Everybody's value, by warp lane.
  template <class T>
  const T* show(const T& value) const {
    return lab_simt::warp_exchange(mask_, value);
  }

  // A source outside the group gives the caller's own value, or wraps around for a plain shfl.
  template <class T>
  T shfl(T value, int source) const {
    return show(value)[lane_of(static_cast<unsigned int>(source) % size())];
  }
  template <class T>
  T shfl_up(T value, unsigned int delta) const {
    const unsigned int rank = thread_rank();
    const T* shown = show(value);
    return rank >= delta ? shown[lane_of(rank - delta)] : value;
  }
  template <class T>
  T shfl_down(T value, unsigned int delta) const {
    const unsigned int rank = thread_rank();
    const T* shown = show(value);
    return rank + delta < size() ? shown[lane_of(rank + delta)] : value;
  }
  template <class T>
  T shfl_xor(T value, unsigned int bits) const {
    const unsigned int source = thread_rank() ^ bits;
    const T* shown = show(value);
    return source < size() ? shown[lane_of(source)] : value;
  }

  /// Bit r of a ballot is the vote of rank r.
  unsigned int ballot(int predicate) const {
    const int vote = predicate != 0;
    const int* shown = show(vote);
    return by_rank([&](unsigned int lane) { return shown[lane] != 0; });
  }
  int any(int predicate) const { return ballot(predicate) != 0; }
  int all(int predicate) const { return ballot(!predicate) == 0; }
  template <class T>
  unsigned int match_any(T value) const {
    const T* shown = show(value);
    return by_rank([&](unsigned int lane) { return shown[lane] == value; });
  }
  template <class T>
  unsigned int match_all(T value, int& predicate) const {
    const unsigned int same = match_any(value), everyone = size() == 32 ? ~0u : (1u << size()) - 1;
    predicate = same == everyone;
    return predicate ? everyone : 0;
  }

 private:
  template <class F>
  unsigned int by_rank(F f) const {
    unsigned int result = 0, rank = 0;
    for (unsigned int lanes = mask_; lanes != 0; lanes &= lanes - 1, ++rank) {
      result |= static_cast<unsigned int>(f(static_cast<unsigned int>(__builtin_ctz(lanes)))) << rank;
    }
    return result;
  }

  unsigned int mask_, index_, groups_;
};

}  // namespace simt
}  // namespace cooperative_groups
