// Runs the blocks of a traced launch on one worker. One after another; or, where they must meet (a cooperative launch) or
// a schedule is drawn, several in turns.
//
// Blocks that take turns have one shared memory: what lies in it is exchanged with the turn, so an address means the same in
// every block.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "../block.h"
#include "../grid.h"
#include "../stacks.h"

namespace lab::simt::lens {

class Tracer;

class Residents {
 public:
  // `first` is the worker's own block, on its own stacks; `dynamicShared` the shared memory of all.
  Residents(Block& first, const Stacks& stacks, size_t stackBytes, void* dynamicShared);
  ~Residents();
  Residents(const Residents&) = delete;
  Residents& operator=(const Residents&) = delete;

  // Runs the whole launch. `onStacks` is told whose stacks run from now on. False: the host has no room for so many blocks.
  bool run(GridRun& grid, Tracer& tracer, void (*onStacks)(void*, const Stacks*), void* context);

 private:
  struct Resident {
    std::unique_ptr<Stacks> ownStacks;
    std::unique_ptr<Block> ownBlock;
    const Stacks* stacks = nullptr;
    Block* block = nullptr;
    bool live = false;
    uint64_t index = 0;
    std::vector<uint8_t> shared;  // while another has the turn
  };

  bool ensure(size_t count);
  void take(Resident& resident);

  std::vector<std::unique_ptr<Resident>> residents_;
  Resident* holder_ = nullptr;  // whose shared memory lies in place
  size_t stackBytes_;
  void* dynamicShared_;
  uint8_t* staticShared_ = nullptr;
  uint64_t staticBytes_ = 0, dynamicBytes_ = 0;
};

}  // namespace lab::simt::lens
