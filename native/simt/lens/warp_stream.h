// From the streams of a warp's lanes back to the instructions that the warp would have executed.
//
// The CPU device runs a lane from one meeting to the next before its neighbour begins. A GPU runs the lanes that are at
// one instruction together. This keeps what each lane did since the warp last met and then replays it: of all lanes, those
// go first that are deepest in calls and, there, at the lowest address, and all lanes at that very place go together. With
// blocks laid out in the order of the source this reconverges where the hardware does, behind an if and behind a loop.
#pragma once
#include <cstdint>
#include <vector>

#include "events.h"

namespace lab::simt::lens {

// One thing a lane did. Kinds that have no address leave it 0.
struct Item {
  uint64_t address : 48;
  uint64_t stack : 16;  // the calls that led here (CallStacks)
  uint32_t pc;
  uint16_t bytes;
  Kind kind;
  Space space;
};

// A step of the warp: the item of `mask`'s lanes, which are all at one place. lane i's is items[i].
struct Step {
  uint32_t mask;
  const Item* items[lab_simt::kWarpSize];
  const Item& first() const { return *items[__builtin_ctz(mask)]; }
};

class WarpStream {
 public:
  void reset(uint32_t lanes) {
    alive_ = lanes;
    stopped_ = 0;
    for (auto& lane : lanes_) lane.clear();
  }
  void add(uint32_t lane, const Item& item) { lanes_[lane].push_back(item); }
  // True when a meeting of these lanes is one of the whole warp, which nobody passes before all have come.
  bool whole(uint32_t mask) const { return (mask & alive_) == alive_; }
  // The lane waits for its whole warp. True when every lane does, or has ended: time to replay.
  bool stop(uint32_t lane) {
    stopped_ |= 1u << lane;
    return complete();
  }
  bool end(uint32_t lane) {
    alive_ &= ~(1u << lane);
    stopped_ &= ~(1u << lane);
    return complete();
  }
  // Calls visit(step) for every step and forgets them.
  template <typename F>
  void replay(F visit);

 private:
  bool complete() {
    if (stopped_ != alive_) return false;
    stopped_ = 0;
    return true;
  }

  static constexpr uint32_t kLanes = lab_simt::kWarpSize;
  std::vector<Item> lanes_[kLanes];
  uint32_t alive_ = 0, stopped_ = 0;
};

template <typename F>
void WarpStream::replay(F visit) {
  const Item* at[kLanes];
  const Item* end[kLanes];
  uint64_t key[kLanes];  // what goes first: deeper calls, then lower addresses
  uint32_t depth[kLanes];
  uint32_t active = 0;
  auto aim = [&](uint32_t lane) {
    key[lane] = uint64_t(0xffffu - depth[lane]) << 48 | uint64_t(at[lane]->pc) << 8 | uint64_t(at[lane]->kind);
  };
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    at[lane] = lanes_[lane].data();
    end[lane] = at[lane] + lanes_[lane].size();
    depth[lane] = 0x1000;  // relative: every lane was at the warp's last meeting together
    if (at[lane] == end[lane]) continue;
    active |= 1u << lane;
    aim(lane);
  }
  Step step;
  while (active) {
    // Mostly they are all at one place.
    uint64_t lowest = key[__builtin_ctz(active)], differ = 0;
    for (uint32_t left = active; left; left &= left - 1) differ |= key[__builtin_ctz(left)] ^ lowest;
    uint32_t mask = active;
    if (differ) {
      lowest = ~0ull;
      for (uint32_t left = active; left; left &= left - 1) {
        uint32_t lane = uint32_t(__builtin_ctz(left));
        if (key[lane] > lowest) continue;
        mask = key[lane] == lowest ? mask | 1u << lane : 1u << lane;
        lowest = key[lane];
      }
    }
    step.mask = mask;
    for (uint32_t left = mask; left; left &= left - 1) {
      uint32_t lane = uint32_t(__builtin_ctz(left));
      step.items[lane] = at[lane];
    }
    visit(step);
    Kind kind = step.first().kind;
    for (uint32_t left = mask; left; left &= left - 1) {
      uint32_t lane = uint32_t(__builtin_ctz(left));
      if (kind == Kind::kEnter) depth[lane]++;
      if (kind == Kind::kLeave) depth[lane]--;
      if (++at[lane] == end[lane]) {
        active &= ~(1u << lane);
      } else {
        aim(lane);
      }
    }
  }
  for (auto& lane : lanes_) lane.clear();
}

}  // namespace lab::simt::lens
