// Where a warp's lanes went from each execution of a basic block: whether it split them.
#pragma once
#include <cstdint>
#include <vector>

#include "sites.h"

namespace lab::simt::lens {

class Trail {
 public:
  void clear() {
    instances_.clear();
    for (int32_t& of : of_) of = kNone;
    group_ = 0;
    groupOf_ = kNone;
  }
  // Lanes of `mask` together enter the block at `site`, whose address is `pc`.
  void enter(uint32_t mask, SiteId site, uint32_t pc) {
    auto mine = int32_t(instances_.size());
    instances_.push_back({site, 0, false});
    if (mask == group_) {
      went(groupOf_, pc);
    } else {
      spread();
      for (uint32_t left = mask; left; left &= left - 1) went(of_[__builtin_ctz(left)], pc);
      group_ = mask;
    }
    groupOf_ = mine;
  }
  // Calls split(site) for every execution that split its lanes and that all of them have left, or `all`, and forgets it.
  template <typename F>
  void settle(bool all, F split) {
    spread();
    moved_.assign(instances_.size(), kNone);
    kept_.clear();
    for (int32_t& of : of_) {
      if (of == kNone || all) continue;
      int32_t& to = moved_[size_t(of)];
      if (to == kNone) {
        to = int32_t(kept_.size());
        kept_.push_back(instances_[size_t(of)]);
      }
      of = to;
    }
    for (size_t i = 0; i < instances_.size(); i++)
      if (moved_[i] == kNone && instances_[i].split) split(instances_[i].site);
    instances_.swap(kept_);
  }

 private:
  static constexpr int32_t kNone = -1;
  // One execution by some lanes, and where the first of them went.
  struct Instance {
    SiteId site;
    uint32_t next;
    bool split;
  };

  void went(int32_t from, uint32_t pc) {
    if (from == kNone) return;
    Instance& before = instances_[size_t(from)];
    if (before.next == 0) before.next = pc;
    before.split = before.split || before.next != pc;
  }
  // Lanes that stay together are followed as one; here each is told its own again.
  void spread() {
    for (uint32_t left = group_; left; left &= left - 1) of_[__builtin_ctz(left)] = groupOf_;
    group_ = 0;
  }

  std::vector<Instance> instances_;   // that some lane may still leave
  int32_t of_[lab_simt::kWarpSize];   // by lane: the block that it entered last
  uint32_t group_ = 0;                // lanes whose block is `groupOf_` instead
  int32_t groupOf_ = kNone;
  std::vector<Instance> kept_;        // of settle(), kept for their memory
  std::vector<int32_t> moved_;
};

}  // namespace lab::simt::lens
