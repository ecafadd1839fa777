#include "pinned_ring.h"

namespace lab::cuda {

uint8_t* PinnedRing::next(Result* result) {
  current_ = (current_ + 1) % blocks_.size();
  Block& block = blocks_[current_];
  if (!block.sent && (*result = driver_.eventCreate(&block.sent, 0)) != kSuccess) return nullptr;
  if (!block.memory && (*result = driver_.memHostAlloc(&block.memory, blockBytes_, 0)) != kSuccess)
    return nullptr;
  *result = block.busy ? driver_.eventSynchronize(block.sent) : static_cast<Result>(kSuccess);
  block.busy = false;
  return *result == kSuccess ? static_cast<uint8_t*>(block.memory) : nullptr;
}

Result PinnedRing::send(DevicePointer to, size_t bytes, Stream stream) {
  Block& block = blocks_[current_];
  Result result = driver_.copyToDevice(to, block.memory, bytes, stream);
  if (result == kSuccess) result = driver_.eventRecord(block.sent, stream);
  block.busy = result == kSuccess;
  return result;
}

void PinnedRing::release() {
  for (Block& block : blocks_) {
    if (block.sent) driver_.eventDestroy(block.sent);
    if (block.memory) driver_.memFreeHost(block.memory);
    block = {};
  }
}

}  // namespace lab::cuda
