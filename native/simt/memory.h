// Device memory of the CPU device: every allocation ends at memory that nobody has, so far from the next that an index
// gone wrong does not land in another tensor, and a freed one is gone.
#pragma once
#include <cstdint>
#include <map>

#include "../core/backend.h"

namespace lab::simt {

class Memory {
 public:
  explicit Memory(uint64_t limit) : limit_(limit) {}
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // 256-byte aligned; its last 256 bytes touch the guard, so that running past the end faults at once.
  Status alloc(uint64_t bytes, uint64_t* address);
  Status free(uint64_t address);
  // A host command or a launch has written to the allocation that holds the address, or to any of them.
  void written(uint64_t address);
  void allWritten();
  // Calls visit(address, bytes, initialised) for every allocation, ascending.
  template <typename F>
  void each(F visit) const {
    for (auto& [address, region] : regions_) visit(address, region.bytes, region.initialised);
  }
  MemoryReading reading() const { return {used_, limit_ > used_ ? limit_ - used_ : 0, limit_}; }

  // Three quarters of what the host has free.
  static uint64_t defaultLimit();

 private:
  struct Region {
    void* mapping;
    uint64_t mapped, bytes;
    bool initialised = false;
  };
  std::map<uint64_t, Region> regions_;  // by address
  uint64_t limit_, used_ = 0;
};

}  // namespace lab::simt
