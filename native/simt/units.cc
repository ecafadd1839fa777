// A block's part in what Hopper's units do: shared addresses, the cluster's barrier, mbarriers.
#include <cstdio>

#include "block_hot.h"
#include "bulk_copy.h"
#include "fault.h"
#include "include/simt_api.h"
#include "lens/trace_hopper.h"

namespace lab::simt {

using lab_simt::kSharedOffsetBits;
using lab_simt::kSharedOffsetMask;

Block& Block::owner(uint32_t sharedAddress) {
  const uint32_t rank = sharedAddress >> kSharedOffsetBits;
  if (rank == clusterRank) return *this;
  Block* peer = cluster_ && rank < cluster_->size() ? cluster_->block(rank) : nullptr;
  if (!peer) {
    raiseFault("illegal-address",
               rank < clusterBlocks ? "shared memory of a block of the cluster was used after that block had exited: "
                                      "end the kernel with a cluster barrier"
                                    : "a shared address names a block that the cluster does not have");
  }
  return *peer;
}

uint8_t* Block::sharedAt(uint32_t address, uint32_t bytes) {
  uint8_t* place = owner(address).window_.at(address & kSharedOffsetMask, bytes);
  if (!place) raiseFault("illegal-address", "an asynchronous operation reaches outside the block's shared memory");
  return place;
}

void Block::clusterArrive(ThreadView* self) {
  ClusterBarrier& barrier = clusterBarrier();
  units().clusterPhases[self->rank] = barrier.phase;
  barrier.arrived++;
  barrier.check(cluster_ ? cluster_->aliveThreads() : alive_);
}

void Block::clusterWait(ThreadView* self) {
  struct Wanted {
    const ClusterBarrier& barrier;
    uint64_t phase;
  } wanted{clusterBarrier(), units().clusterPhases[self->rank]};
  auto ready = [](void* raw) {
    const auto& w = *static_cast<const Wanted*>(raw);
    return w.barrier.phase != w.phase;
  };
  waitUntil(self, ready, &wanted, "the cluster's barrier");
}

// Delivers what is on its way once the phase lacks nothing else.
bool Block::testMbarrier(uint32_t address, uint32_t parity) {
  const uint32_t offset = address & kSharedOffsetMask;
  auto* word = reinterpret_cast<uint64_t*>(sharedAt(address, 8));
  Mbarrier barrier(word);
  if (barrier.phase() != parity) return true;
  Deliveries& deliveries = units().deliveries;
  if (barrier.pending() != deliveries.arrivalsFor(offset) || barrier.owed() > int64_t(deliveries.bytesFor(offset))) return false;
  Delivery delivery;
  while (barrier.phase() == parity && deliveries.take(offset, &delivery)) {
    if (delivery.bytes) {
      uint8_t* to = sharedAt(delivery.copy.shared, delivery.bytes);
      performLoad(delivery.copy, to);
      if (grid_->tracer) lens::tellBulkLanded(delivery.copy, to, word);
      barrier.expect(-int64_t(delivery.bytes));
    }
    if (delivery.arrivals) {
      delivery.copies->waitThrough(delivery.through);
      barrier.arrive(delivery.arrivals);
      // The copies may have been made long ago, by the thread itself, or just now by whoever waits.
      if (grid_->tracer) {
        lens::tellArrival(delivery.rank, word);
        lens::tellArrival(lab_simt::self()->rank, word);
      }
    }
  }
  const bool ended = barrier.phase() != parity;
  if (ended && grid_->tracer) lens::tellPhaseEnd(word);
  return ended;
}

std::string Block::describeMbarrier(uint32_t address) {
  const uint32_t offset = address & kSharedOffsetMask;
  auto* word = reinterpret_cast<uint64_t*>(window_.at(offset, 8));
  if (!word) return "";
  const Mbarrier barrier(word);
  char text[200];
  std::snprintf(text, sizeof text, "at shared address 0x%x, in a phase of parity %u with %u of %u arrivals to come", offset,
                barrier.phase(), barrier.pending(), barrier.count());
  std::string all = text;
  const uint64_t coming = units().deliveries.bytesFor(offset);
  if (barrier.owed() || coming) {
    std::snprintf(text, sizeof text, ", and %d bytes expected while %llu are on their way", barrier.owed(),
                  static_cast<unsigned long long>(coming));
    all += text;
  }
  return all;
}

}  // namespace lab::simt
