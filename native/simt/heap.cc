#include "heap.h"

#include <cstdlib>

#include "fault.h"
#include "limits.h"

namespace lab::simt {

DeviceHeap& DeviceHeap::instance() {
  static DeviceHeap heap;
  return heap;
}

void* DeviceHeap::allocate(uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (bytes > kHeapBytes - used_) return nullptr;
  void* memory = std::malloc(bytes ? bytes : 1);
  if (!memory) return nullptr;
  sizes_[reinterpret_cast<uintptr_t>(memory)] = bytes;
  used_ += bytes;
  return memory;
}

void DeviceHeap::free(void* memory) {
  if (!memory) return;
  bool known = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto at = sizes_.find(reinterpret_cast<uintptr_t>(memory));
    if ((known = at != sizes_.end())) {
      used_ -= at->second;
      sizes_.erase(at);
      std::free(memory);
    }
  }
  if (!known) {
    raiseFault("invalid-free", "the kernel freed memory that its malloc or new did not give, or that it had freed");
  }
}

bool DeviceHeap::holds(uint64_t address, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto after = sizes_.upper_bound(address);
  if (after == sizes_.begin()) return false;
  const auto& [base, size] = *--after;
  return address + bytes <= base + size;
}

}  // namespace lab::simt
