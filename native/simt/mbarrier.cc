#include "mbarrier.h"

namespace lab::simt {

void Mbarrier::finishPhase() {
  if (pending() == 0 && owed() == 0) {
    uint64_t next = ((word_ >> 61) & 1) ^ 1;
    word_ = kMark | next << 61 | uint64_t(count()) | uint64_t(count()) << 20;
  }
}

bool Mbarrier::arrive(uint32_t count) {
  if (count > pending()) return false;
  word_ -= uint64_t(count) << 20;
  finishPhase();
  return true;
}

bool Mbarrier::expect(int64_t bytes) {
  int64_t owes = owed() + bytes;
  if (owes > int64_t(kMaxCount) || owes < -int64_t(kMaxCount)) return false;
  constexpr uint64_t kField = ((uint64_t(1) << 21) - 1) << 40;
  word_ = (word_ & ~kField) | (uint64_t(owes) << 40 & kField);
  // Announcing alone ends no phase, but a delivery may be its last.
  if (bytes < 0) finishPhase();
  return true;
}

uint64_t Deliveries::bytesFor(uint32_t barrier) const {
  uint64_t bytes = 0;
  for (const Delivery& delivery : waiting_) bytes += delivery.barrier == barrier ? delivery.bytes : 0;
  return bytes;
}

uint32_t Deliveries::arrivalsFor(uint32_t barrier) const {
  uint32_t arrivals = 0;
  for (const Delivery& delivery : waiting_) arrivals += delivery.barrier == barrier ? delivery.arrivals : 0;
  return arrivals;
}

bool Deliveries::take(uint32_t barrier, Delivery* out) {
  for (size_t i = 0; i < waiting_.size(); i++) {
    if (waiting_[i].barrier != barrier) continue;
    *out = waiting_[i];
    if (out->copy.map) out->copy.map = &out->map;
    waiting_.erase(waiting_.begin() + long(i));
    return true;
  }
  return false;
}

}  // namespace lab::simt
