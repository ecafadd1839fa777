// Device memory of the CPU device: every allocation ends at a guard page, and a freed one is gone.
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
  MemoryReading reading() const { return {used_, limit_ > used_ ? limit_ - used_ : 0, limit_}; }

  // Three quarters of what the host has free.
  static uint64_t defaultLimit();

 private:
  struct Region {
    void* mapping;
    uint64_t mapped, bytes;
  };
  std::map<uint64_t, Region> regions_;  // by address
  uint64_t limit_, used_ = 0;
};

}  // namespace lab::simt
