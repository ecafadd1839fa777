// A block's shared memory as 32-bit offsets: dynamic memory first, then static; offset 0 is nobody's, as on the GPU.
//
// A variable has the same offset in every block of a launch, so that peers of a cluster find it; and one that is aligned
// has an offset as aligned, because static memory as a whole is as aligned as its most aligned variable.
#pragma once
#include <cstdint>

#include "include/simt_abi_hopper.h"

namespace lab::simt {

class SharedWindow {
 public:
  // Either range may be empty. The dynamic one is aligned to kAtom.
  void set(void* dynamic, uint32_t dynamicBytes, void* fixed, uint64_t fixedBytes) {
    dynamic_ = reinterpret_cast<uintptr_t>(dynamic);
    dynamicBytes_ = dynamicBytes;
    fixed_ = reinterpret_cast<uintptr_t>(fixed);
    fixedBytes_ = fixed ? fixedBytes : 0;
    fixedOffset_ = uint32_t(kAtom + (dynamicBytes_ + kAtom - 1) / kAtom * kAtom);
  }

  // The offset of a pointer (just past the end included), 0 when it is elsewhere.
  uint32_t offsetOf(const void* pointer) const {
    auto address = reinterpret_cast<uintptr_t>(pointer);
    if (address - dynamic_ <= dynamicBytes_ && dynamic_) return uint32_t(kAtom + (address - dynamic_));
    if (address - fixed_ <= fixedBytes_ && fixed_) return uint32_t(fixedOffset_ + (address - fixed_));
    return 0;
  }
  // Where `bytes` bytes at an offset lie; null when they are not all inside.
  uint8_t* at(uint32_t offset, uint32_t bytes) const {
    if (offset >= fixedOffset_) {
      uint64_t from = offset - fixedOffset_;
      return from + bytes <= fixedBytes_ ? reinterpret_cast<uint8_t*>(fixed_ + from) : nullptr;
    }
    uint64_t from = uint64_t(offset) - kAtom;  // wraps below the window
    return from <= dynamicBytes_ && from + bytes <= dynamicBytes_ ? reinterpret_cast<uint8_t*>(dynamic_ + from) : nullptr;
  }

 private:
  static constexpr uint32_t kAtom = 1024;  // rows of the widest swizzle repeat after so many bytes
  uintptr_t dynamic_ = 0, fixed_ = 0;
  uint64_t dynamicBytes_ = 0, fixedBytes_ = 0;
  uint32_t fixedOffset_ = kAtom;
};

}  // namespace lab::simt
