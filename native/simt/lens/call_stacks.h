// The chains of calls that lanes are in, each with a small number.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace lab::simt::lens {

class CallStacks {
 public:
  // The chain of a call at `pc` from within `stack`; 0 is the chain of no call, and of one too many to number.
  uint16_t enter(uint16_t stack, uint32_t pc) {
    auto [known, fresh] = numbers_.try_emplace(uint64_t(stack) << 32 | pc, uint16_t(calls_.size()));
    if (!fresh) return known->second;
    if (calls_.size() > 0xffff) {
      known->second = 0;
      return 0;
    }
    calls_.push_back({stack, pc});
    return known->second;
  }
  uint16_t leave(uint16_t stack) const { return calls_[stack].from; }
  // "[pc, ...]": where each call was made, the innermost first.
  std::string json(uint16_t stack) const {
    std::string text = "[";
    for (; stack != 0; stack = calls_[stack].from) {
      if (text.size() > 1) text += ',';
      text += std::to_string(calls_[stack].pc);
    }
    return text + "]";
  }

 private:
  struct Call {
    uint16_t from;
    uint32_t pc;
  };
  std::vector<Call> calls_{{0, 0}};
  std::unordered_map<uint64_t, uint16_t> numbers_;
};

}  // namespace lab::simt::lens
