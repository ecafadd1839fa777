// The hazards of a launch, one entry a pair of source places, counted; written as JSON.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "events.h"

namespace lab::simt::lens {

// Who did something where; `does` is a word of the report: "read", "write", "barrier".
struct Act {
  uint64_t pc = 0, block = 0;
  uint16_t thread = 0;
  const char* does = "";
  uint32_t threads = 1;  // that do the same
};

constexpr uint32_t kMostActs = 6;

struct Hazard {
  const char* kind = "";     // "race", "out-of-bounds" ...
  Act acts[kMostActs];
  uint32_t actCount = 1;
  Space space = Space::kUnknown;
  uint64_t address = 0;
  uint32_t bytes = 0;        // 0: not about memory
  // What lay there before, and what the last act read or wrote; as many bytes as are known.
  uint8_t before[kValueBytes] = {}, after[kValueBytes] = {};
  uint32_t beforeBytes = 0, afterBytes = 0;
  int64_t number = 0;        // an index, a lane, an alignment: by kind
  uint64_t base = 0, extent = 0;  // the allocation that is meant, where one is
  uint64_t count = 0;
  uint64_t sameValue = 0;    // of the count: both wrote the same value
};

class HazardLog {
 public:
  // Counts a hazard; only the first of one kind and place is kept. `event` tells one event's findings from the next's, so
  // that a wide access that races in several words counts once.
  void add(const Hazard& hazard, uint64_t event, bool sameValue = false);
  bool empty() const { return hazards_.empty(); }
  // An array of hazards in the order they were found. `threadIdx` of a thread comes from the block's shape.
  std::string json(const LaunchFacts& facts) const;
  uint64_t left() const { return left_; }

 private:
  using Key = std::tuple<const char*, uint64_t, uint64_t, const char*, const char*, Space>;
  struct Entry {
    Hazard hazard;
    uint64_t event;
  };
  static constexpr size_t kMost = 1000;

  std::vector<Entry> hazards_;
  std::map<Key, size_t> places_;
  uint64_t left_ = 0;  // hazards of further places than kMost
};

}  // namespace lab::simt::lens
