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
    size_t until = 0;
    if (keep == ~0u) {
      until = effects_.size();
      groups_.clear();
    } else if (groups_.size() > keep) {
      size_t finished = groups_.size() - keep;
      until = groups_[finished - 1];
      groups_.erase(groups_.begin(), groups_.begin() + long(finished));
    }
    for (size_t i = 0; i < until; i++) effects_[i].run(effects_[i].payload);
    effects_.erase(effects_.begin(), effects_.begin() + long(until));
    for (size_t& end : groups_) end -= until;
  }
  void clear() {
    effects_.clear();
    groups_.clear();
  }

 private:
  struct Effect {
    void (*run)(void*);
    alignas(16) unsigned char payload[lab_simt::kMaxDeferBytes];
  };
  std::vector<Effect> effects_;
  std::vector<size_t> groups_;  // each group's end in effects_
};

}  // namespace lab::simt
