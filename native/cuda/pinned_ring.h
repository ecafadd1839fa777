// Blocks of page-locked memory through which host-made data flows to the device: one is filled while others
// are on their way.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "driver.h"

namespace lab::cuda {

class PinnedRing {
 public:
  // Nothing is allocated before the first use.
  PinnedRing(const Driver& driver, size_t blockBytes, size_t blocks)
      : driver_(driver), blockBytes_(blockBytes), blocks_(blocks) {}
  size_t blockBytes() const { return blockBytes_; }
  // Must run while the context lives.
  void release();
  // A block whose last copy has finished; null with `result` set when there is no memory.
  uint8_t* next(Result* result);
  // Copies the first bytes of the block next() gave to the device, in the stream's order.
  Result send(DevicePointer to, size_t bytes, Stream stream);

 private:
  struct Block {
    void* memory = nullptr;
    Event sent = nullptr;
    bool busy = false;
  };
  const Driver& driver_;
  const size_t blockBytes_;
  std::vector<Block> blocks_;
  size_t current_ = 0;
};

}  // namespace lab::cuda
