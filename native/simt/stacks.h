// The address space that a worker's CUDA threads stand on: one slot each, a guard below every stack.
#pragma once
#include <cstddef>
#include <cstdint>

#include "include/simt_abi.h"

namespace lab::simt {

constexpr size_t kDefaultStackBytes = 256 * 1024;

class Stacks {
 public:
  // Reserves `count` slots with `stackBytes` usable bytes each; nothing is committed until it is touched.
  // Check ok() after.
  Stacks(unsigned count, size_t stackBytes);
  ~Stacks();
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  bool ok() const { return base_ != 0; }
  uintptr_t begin() const { return base_; }
  size_t bytes() const { return size_t(count_) * lab_simt::kSlotBytes; }
  // The view of slot `index`, above its stack.
  lab_simt::ThreadView* view(unsigned index) const;
  // The view of the slot that a stack pointer or guard address lies in.
  static lab_simt::ThreadView* viewAt(uintptr_t address);
  // True when the address lies in this reservation; then also tells whether it lies in a guard.
  bool contains(uintptr_t address, bool* inGuard) const;

 private:
  uintptr_t base_ = 0;
  void* reservation_ = nullptr;
  size_t reserved_ = 0, stackBytes_ = 0;
  unsigned count_ = 0;
};

}  // namespace lab::simt
