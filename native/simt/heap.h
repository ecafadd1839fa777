// The heap of device code: malloc and new of kernels, of a fixed size like a GPU's.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>

namespace lab::simt {

class DeviceHeap {
 public:
  // The process's one: what a kernel does not free stays until the process ends, whatever launch or module it was.
  static DeviceHeap& instance();

  // Null where the heap has no room for it.
  void* allocate(uint64_t bytes);
  // Frees what `allocate` gave; a pointer that it did not give, or that was freed, is a fault.
  void free(void* memory);
  // Whether these bytes lie within one living allocation.
  bool holds(uint64_t address, uint64_t bytes);

 private:
  std::mutex mutex_;
  std::map<uint64_t, uint64_t> sizes_;  // by address
  uint64_t used_ = 0;
};

}  // namespace lab::simt
