// What the "steps" observer keeps of a traced block: each thread's way through the kernel's statements, later merged
// into what each warp does together.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "events.h"

namespace lab::simt::lens {

struct StepAccess {
  uint64_t pc, address;
  uint32_t bytes, order;  // `order` counts through the launch
  Kind kind;
  uint8_t valueBytes;
  uint8_t value[kValueBytes];
};

// An element of a local has a new value; `gone`: its scope has ended.
struct StepChange {
  uint32_t local, element;
  bool gone;
  uint64_t bits;
};

enum StepFlag : uint8_t { kMeetsWarp = 1, kMeetsBlock = 2 };

// A thread runs one statement; what it touched and changed stands in the thread's lists up to the next step's.
struct LaneStep {
  uint32_t key;         // the statement's place in the text
  uint32_t phase;       // barriers of the whole block passed before it
  uint16_t depth;       // functions of the text being run
  uint8_t flags;
  uint32_t firstAccess, firstChange;
};

// A named local or shared variable, by the place of its declaration.
struct StepVariable {
  std::string name;
  char type;
  uint32_t elementBytes;
  std::vector<uint32_t> extents;
  uint32_t key = 0;
  uint64_t address = 0;  // of shared memory
  uint64_t elements() const;
};

struct StepThread {
  struct Alive {
    uint64_t watch, address;
    uint32_t local, elements, elementBytes;
    std::vector<uint8_t> last;
  };
  std::vector<LaneStep> steps;
  std::vector<StepAccess> accesses;
  std::vector<StepChange> changes;
  std::vector<Alive> alive;
  std::vector<uint32_t> ended;  // locals whose scope has ended since the last step: gone with the next one
  std::vector<uint32_t> keys;  // by depth: the statement that runs there
  uint32_t phase = 0, depth = 0;

  size_t lastAccess(size_t step) const { return step + 1 < steps.size() ? steps[step + 1].firstAccess : accesses.size(); }
  size_t lastChange(size_t step) const { return step + 1 < steps.size() ? steps[step + 1].firstChange : changes.size(); }
};

// The lanes of a warp that do one access together.
struct WarpRequest {
  uint64_t pc;
  Kind kind;
  uint32_t bytes, mask;
  const StepAccess* lanes[lab_simt::kWarpSize];
};

// A statement run by the lanes of `mask` together, `count` times in a row where nothing told the times apart.
struct WarpStep {
  uint32_t key, phase, mask, count;
  uint8_t flags;
  std::vector<WarpRequest> requests;
  // By local and element; a lane's newest change, or null.
  std::map<std::pair<uint32_t, uint32_t>, const StepChange* [lab_simt::kWarpSize]> changes;
};

// The lanes' ways merged as a GPU would run them: those deepest in calls first, then those furthest back in the text,
// so that lanes that split meet again where the branches join.
std::vector<WarpStep> mergeWarp(const StepThread* lanes, uint32_t count);

}  // namespace lab::simt::lens
