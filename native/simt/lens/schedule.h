// Who goes on next, drawn from a seed: the same seed gives the same run, bit for bit.
#pragma once
#include <cstdint>

namespace lab::simt::lens {

class Schedule {
 public:
  explicit Schedule(uint64_t seed) : state_(seed) { rest(); }

  // Blocks that take turns.
  static constexpr uint32_t kResidents = 4;

  uint32_t below(uint32_t n) { return uint32_t((next() >> 32) * n >> 32); }
  // One of the set bits, which must not be none.
  uint32_t oneOf(uint32_t bits) {
    for (uint32_t skip = below(uint32_t(__builtin_popcount(bits))); skip > 0; skip--) bits &= bits - 1;
    return uint32_t(__builtin_ctz(bits));
  }
  // Asked at every memory access: true when another thread is to run before it.
  bool interrupts() {
    if (--left_ > 0) return false;
    rest();
    return true;
  }
  // Asked when one is: true when another block is to run.
  bool leavesBlock() { return below(64) == 0; }

 private:
  uint64_t next() {  // splitmix64
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  // Short and long stretches alike: a race of neighbours wants few accesses between, one of distant places many.
  void rest() { left_ = int32_t(1 + below(2u << below(8))); }

  uint64_t state_;
  int32_t left_ = 0;
};

}  // namespace lab::simt::lens
