// A thread's cp.async copies: kept back until a wait asks for them, which is as late as the hardware may do them.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "include/simt_abi.h"

namespace lab::simt {

class AsyncQueue {
 public:
  void defer(void (*effect)(void*), const void* payload, uint32_t bytes) {
    effects_.emplace_back();
    effects_.back().run = effect;
    std::memcpy(effects_.back().payload, payload, bytes);
  }
  void commit() { groups_.push_back(effects_.size()); }
  // Runs every group but the newest `keep`; ~0u: everything, committed or not.
  void wait(uint32_t keep) {
    if (keep == ~0u) {
      perform(effects_.size());
    } else if (groups_.size() > keep) {
      perform(groups_[groups_.size() - keep - 1]);
    }
  }
  // How many effects have been deferred so far, and running those up to such a number: for an mbarrier that waits for
  // this thread's copies. A thread that exits leaves no such copy undone.
  uint64_t deferred() const { return performed_ + effects_.size(); }
  void promise() { promised_ = deferred(); }
  void waitThrough(uint64_t number) {
    if (number > performed_) perform(size_t(number - performed_));
  }
  // Forgets what nobody waited for.
  void clear() {
    waitThrough(promised_);
    performed_ += effects_.size();
    effects_.clear();
    groups_.clear();
  }

 private:
  struct Effect {
    void (*run)(void*);
    alignas(16) unsigned char payload[lab_simt::kMaxDeferBytes];
  };

  void perform(size_t count) {
    for (size_t i = 0; i < count; i++) effects_[i].run(effects_[i].payload);
    effects_.erase(effects_.begin(), effects_.begin() + long(count));
    performed_ += count;
    size_t finished = 0;
    for (size_t& end : groups_) {
      finished += end <= count;
      end -= end < count ? end : count;
    }
    groups_.erase(groups_.begin(), groups_.begin() + long(finished));
  }

  std::vector<Effect> effects_;
  std::vector<size_t> groups_;  // each group's end in effects_
  uint64_t performed_ = 0, promised_ = 0;
};

}  // namespace lab::simt
