// An mbarrier's eight bytes, and the deliveries on their way to the mbarriers of a block.
//
// A phase ends when no arrival is pending and no byte is owed; the next begins at once. Deliveries (bytes of TMA,
// arrivals after cp.async) are kept back until somebody waits for a phase that lacks nothing else: as late as the
// hardware may make them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "include/simt_abi.h"
#include "include/simt_abi_hopper.h"

namespace lab::simt {

class AsyncQueue;

// The state of an mbarrier; the marks tell an initialised one from other memory.
class Mbarrier {
 public:
  static constexpr uint32_t kMaxCount = (1u << 20) - 1;

  explicit Mbarrier(uint64_t* word) : word_(*word) {}

  void init(uint32_t count) { word_ = kMark | uint64_t(count) | uint64_t(count) << 20; }
  void invalidate() { word_ = 0; }
  bool valid() const { return (word_ >> 62) == kMark >> 62 && count() > 0; }
  uint32_t phase() const { return uint32_t(word_ >> 61) & 1; }
  uint32_t count() const { return uint32_t(word_) & kMaxCount; }
  uint32_t pending() const { return uint32_t(word_ >> 20) & kMaxCount; }
  // Bytes expected and not delivered; negative when more came than were announced so far.
  int32_t owed() const { return int32_t(uint32_t(word_ >> 40) << 11) >> 11; }

  // False: more arrivals than the phase has pending.
  bool arrive(uint32_t count);
  // Announces bytes, or takes them as delivered when negative. False: beyond what the hardware can count.
  bool expect(int64_t bytes);

 private:
  static constexpr uint64_t kMark = uint64_t(2) << 62;
  void finishPhase();

  uint64_t& word_;
};

// What will reach an mbarrier.
struct Delivery {
  uint32_t barrier;          // offset in the block
  uint32_t bytes;
  uint32_t arrivals;
  uint32_t rank;             // of the thread that asked for it
  lab_simt::BulkCopy copy;   // of `bytes` bytes
  lab_simt::TensorMap map;   // of a tile: the kernel's parameter is a copy of the issuing thread's, which may exit first
  AsyncQueue* copies;        // of an arrival: the cp.async copies before it, up to this number
  uint64_t through;
};

class Deliveries {
 public:
  void add(const Delivery& delivery) { waiting_.push_back(delivery); }
  void clear() { waiting_.clear(); }
  // What is on its way to a barrier.
  uint64_t bytesFor(uint32_t barrier) const;
  uint32_t arrivalsFor(uint32_t barrier) const;
  // Takes the oldest delivery for a barrier; false when there is none.
  bool take(uint32_t barrier, Delivery* out);

 private:
  std::vector<Delivery> waiting_;
};

}  // namespace lab::simt
