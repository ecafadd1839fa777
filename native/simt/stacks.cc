#include "stacks.h"

#include <sys/mman.h>

#include <algorithm>

namespace lab::simt {

using lab_simt::kColours;
using lab_simt::kSlotBytes;
using lab_simt::kSlotLog2;
using lab_simt::kViewBytes;

namespace {
constexpr size_t kPage = 4096;
constexpr size_t kGuardBytes = 64 * 1024;  // kernels probe every page of a large frame, so one page would do
#ifndef MADV_GUARD_INSTALL
constexpr int kGuardInstall = 102;  // Linux 6.13: a guard that needs no mapping of its own
#else
constexpr int kGuardInstall = MADV_GUARD_INSTALL;
#endif
}  // namespace

Stacks::Stacks(unsigned count, size_t stackBytes) : count_(count) {
  stackBytes_ =
      (std::clamp(stackBytes, size_t(16 * 1024), size_t(kSlotBytes - 2 * kGuardBytes)) + kPage - 1) / kPage * kPage;
  reserved_ = (size_t(count) + 1) * kSlotBytes;
  void* memory = mmap(nullptr, reserved_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return;
  reservation_ = memory;
  base_ = (reinterpret_cast<uintptr_t>(memory) + kSlotBytes - 1) & ~(kSlotBytes - 1);
  // A huge page would commit four stacks at a touch.
  madvise(memory, reserved_, MADV_NOHUGEPAGE);
  bool cheapGuards = true;
  for (unsigned i = 0; i < count; i++) {
    void* guard = reinterpret_cast<void*>(base_ + (i + 1) * kSlotBytes - stackBytes_ - kGuardBytes);
    if (cheapGuards && madvise(guard, kGuardBytes, kGuardInstall) != 0) cheapGuards = false;
    // A mapping a guard: where the host has no more of them, the remaining stacks simply reach further down.
    if (!cheapGuards && mprotect(guard, kGuardBytes, PROT_NONE) != 0) break;
  }
}

Stacks::~Stacks() {
  if (reservation_) munmap(reservation_, reserved_);
}

lab_simt::ThreadView* Stacks::view(unsigned index) const { return viewAt(base_ + index * kSlotBytes); }

lab_simt::ThreadView* Stacks::viewAt(uintptr_t address) {
  uintptr_t top = (address | (kSlotBytes - 1)) + 1;
  uintptr_t colour = (address >> kSlotLog2) & (kColours - 1);
  return reinterpret_cast<lab_simt::ThreadView*>(top - kViewBytes * (colour + 1));
}

bool Stacks::contains(uintptr_t address, bool* inGuard) const {
  if (!base_ || address < base_ || address >= base_ + count_ * kSlotBytes) return false;
  uintptr_t below = kSlotBytes - (address & (kSlotBytes - 1));  // distance from the slot's top
  *inGuard = below > stackBytes_;
  return true;
}

}  // namespace lab::simt
