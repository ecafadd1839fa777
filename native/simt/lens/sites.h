// The places of a traced launch where something happens, each with a small number by which all else is indexed.
#pragma once
#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "call_stacks.h"
#include "events.h"

namespace lab::simt::lens {

// Where in the module, under which calls (CallStacks), what kind of thing; of an access which memory and how wide.
class Site {
 public:
  Site(uint32_t pc, uint16_t stack, Kind kind, Space space = Space::kLocal, uint32_t bytes = 0)
      : place_(uint64_t(std::min(bytes, 0xffffu)) << 48 | uint64_t(stack) << 32 | pc),
        kinds_(uint64_t(space) << 8 | uint64_t(kind)) {}
  bool operator==(const Site& other) const { return place_ == other.place_ && kinds_ == other.kinds_; }

  uint32_t pc() const { return uint32_t(place_); }
  uint16_t stack() const { return uint16_t(place_ >> 32); }
  uint32_t bytes() const { return uint32_t(place_ >> 48); }
  Kind kind() const { return Kind(kinds_ & 0xff); }
  Space space() const { return Space(kinds_ >> 8); }
  bool touches() const {
    return kind() <= Kind::kMatrixRead || kind() == Kind::kAsyncIssue || kind() == Kind::kAsyncWrite;
  }
  // What goes first of lanes that are equally deep in calls: the lower address.
  uint64_t order() const { return uint64_t(pc()) << 8 | uint64_t(kind()); }
  uint64_t hash() const { return (place_ ^ kinds_ << 20) * 0x9e3779b97f4a7c15ull; }

 private:
  uint64_t place_, kinds_;
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
  struct Recent {
    Site site{0, 0, Kind::kBlockEnd};  // no site is of this kind
    SiteId id = 0;
  };
  SiteId lookUp(const Site& site) {
    auto [known, fresh] = ids_.try_emplace(site, size());
    if (fresh) list_.push_back(site);
    return known->second;
  }

  static constexpr unsigned kRecentLog2 = 9;
  std::vector<Site> list_;
  std::unordered_map<Site, SiteId, Hash> ids_;
  Recent recent_[1 << kRecentLog2];  // a loop comes to few sites, again and again
};

// The sites of control flow. Half of all that a kernel tells is of these, so they are found by a way of their own.
class FlowSites {
 public:
  struct Found {
    SiteId site;
    uint16_t stack;  // the calls that the thread is in from then on
  };
  // What a mark means of a thread that was in `stack`.
  Found of(const FlowMark& mark, uint16_t stack, Sites& sites, CallStacks& stacks) {
    const uint64_t key = uint64_t(mark.flow) << 48 | uint64_t(stack) << 32 | mark.pc;
    Recent& recent = recent_[(mark.pc ^ mark.pc >> 8 ^ stack) % kRemembered];
    if (__builtin_expect(recent.key != key, 0)) recent = {key, lookUp(mark, stack, sites, stacks)};
    return recent.found;
  }

 private:
  struct Recent {
    uint64_t key = ~0ull;
    Found found{0, 0};
  };
  static Found lookUp(const FlowMark& mark, uint16_t stack, Sites& sites, CallStacks& stacks) {
    switch (mark.flow) {
      case Flow::kEnter: return {sites.of({mark.pc, stack, Kind::kEnter}), stacks.enter(stack, mark.pc)};
      case Flow::kLeave: {
        const uint16_t outside = stacks.leave(stack);
        return {sites.of({mark.pc, outside, Kind::kLeave}), outside};
      }
      default: return {sites.of({mark.pc, stack, Kind::kBranch}), stack};
    }
  }

  static constexpr uint32_t kRemembered = 512;
  Recent recent_[kRemembered];
};

}  // namespace lab::simt::lens
