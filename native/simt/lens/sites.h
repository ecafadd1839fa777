// The places of a traced launch where something happens, each with a small number by which all else is indexed.
#pragma once
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "events.h"

namespace lab::simt::lens {

// Where in the module, under which calls (CallStacks), what kind of thing; of an access which memory and how wide.
struct Site {
  uint32_t pc;
  uint16_t stack, bytes;
  Kind kind;
  Space space;

  bool operator==(const Site& other) const { return place() == other.place() && kinds() == other.kinds(); }
  bool touches() const {
    return kind <= Kind::kMatrixRead || kind == Kind::kAsyncIssue || kind == Kind::kAsyncWrite;
  }
  // What goes first of lanes that are equally deep in calls: the lower address.
  uint64_t order() const { return uint64_t(pc) << 8 | uint64_t(kind); }
  uint64_t hash() const { return (place() ^ kinds() << 24) * 0x9e3779b97f4a7c15ull; }

 private:
  uint64_t place() const { return uint64_t(bytes) << 48 | uint64_t(stack) << 32 | pc; }
  uint64_t kinds() const { return uint64_t(space) << 8 | uint64_t(kind); }
};

using SiteId = uint32_t;

class Sites {
 public:
  SiteId of(const Site& site) {
    Recent& recent = recent_[site.hash() >> (64 - kRecentLog2)];
    if (!(recent.site == site)) recent = {site, lookUp(site)};
    return recent.id;
  }
  const Site& operator[](SiteId id) const { return list_[id]; }
  SiteId size() const { return SiteId(list_.size()); }

 private:
  struct Hash {
    size_t operator()(const Site& site) const { return size_t(site.hash() >> 20); }
  };
  SiteId lookUp(const Site& site) {
    auto [known, fresh] = ids_.try_emplace(site, size());
    if (fresh) list_.push_back(site);
    return known->second;
  }

  static constexpr unsigned kRecentLog2 = 10;
  std::vector<Site> list_;
  std::unordered_map<Site, SiteId, Hash> ids_;
  struct Recent {
    Site site{0, 0, 0, Kind::kBlockEnd, Space::kLocal};  // no site is of this kind
    SiteId id = 0;
  };
  Recent recent_[1 << kRecentLog2];  // a loop comes to few sites, again and again
};

}  // namespace lab::simt::lens
