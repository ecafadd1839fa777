// Which memory an address is in, while a launch is traced.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "events.h"

namespace lab::simt::lens {

// Disjoint ranges of addresses; what lies in none is Space::kUnknown. Space::kLocal is memory that is nobody's
// business: stacks, and the device's own.
class AddressMap {
 public:
  void clear() { ranges_.clear(); }
  void add(uint64_t base, uint64_t bytes, Space space) {
    if (bytes == 0) return;
    Range range{base, base + bytes, space};
    ranges_.insert(std::upper_bound(ranges_.begin(), ranges_.end(), range, before), range);
  }
  // For memory that may have been added already.
  void addOnce(uint64_t base, uint64_t bytes, Space space) {
    if (find(base, bytes) == Space::kUnknown) add(base, bytes, space);
  }
  // All of [begin, end) that is in no range yet.
  void fill(uint64_t begin, uint64_t end, Space space) {
    std::vector<Range> ranges = ranges_;
    for (const Range& range : ranges) {
      if (range.end <= begin) continue;
      if (range.begin >= end) break;
      if (range.begin > begin) add(begin, range.begin - begin, space);
      begin = range.end;
    }
    if (begin < end) add(begin, end - begin, space);
  }
  // The space that holds all of [address, address + bytes). An instruction mostly touches one range: that of the last time
  // for its `pc` is tried first.
  Space find(uint64_t address, uint64_t bytes, uint64_t pc = 0) {
    uint32_t& last = last_[(pc ^ pc >> 10) % kRemembered];
    if (last < ranges_.size() && inside(last, address, bytes)) return ranges_[last].space;
    auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                  [](uint64_t at, const Range& range) { return at < range.begin; });
    if (after == ranges_.begin()) return Space::kUnknown;
    size_t at = size_t(after - ranges_.begin()) - 1;
    if (!inside(at, address, bytes)) return Space::kUnknown;
    last = uint32_t(at);
    return ranges_[at].space;
  }

 private:
  struct Range {
    uint64_t begin, end;
    Space space;
  };
  static constexpr size_t kRemembered = 1024;
  static bool before(const Range& a, const Range& b) { return a.begin < b.begin; }
  bool inside(size_t at, uint64_t address, uint64_t bytes) const {
    return address >= ranges_[at].begin && address + bytes <= ranges_[at].end;
  }

  std::vector<Range> ranges_;
  uint32_t last_[kRemembered] = {};
};

}  // namespace lab::simt::lens
