#include "runtime_hopper.h"

#include <algorithm>

#include "block_hot.h"
#include "bulk_copy.h"
#include "fault.h"
#include "include/simt_api.h"
#include "lens/trace_hopper.h"

namespace lab::simt {

namespace {

using lab_simt::BulkCopy;
using lab_simt::kSharedOffsetBits;
using lab_simt::kSharedOffsetMask;
using lab_simt::WgmmaIssue;

ThreadView* self() { return lab_simt::self(); }
Block& blockOf(ThreadView* view) { return *static_cast<Block*>(view->block); }
Block& ownBlock() { return blockOf(self()); }

// --- shared addresses and clusters --------------------------------------------------------------------------------

uint32_t sharedAddress(const void* pointer) {
  Block& own = ownBlock();
  if (uint32_t offset = own.window().offsetOf(pointer)) return offset | own.clusterRank << kSharedOffsetBits;
  for (uint32_t rank = 0; own.cluster() && rank < own.clusterBlocks; rank++) {
    const Block* peer = own.cluster()->block(rank);
    if (uint32_t offset = peer ? peer->window().offsetOf(pointer) : 0) return offset | rank << kSharedOffsetBits;
  }
  raiseFault("illegal-address", "a shared-memory instruction was given a pointer that is not into shared memory");
}

void* sharedPointer(uint32_t address, uint32_t bytes) { return ownBlock().sharedAt(address, bytes); }

void clusterArrive() { ownBlock().clusterArrive(self()); }
void clusterWait() { ownBlock().clusterWait(self()); }

// --- mbarriers ----------------------------------------------------------------------------------------------------

Mbarrier mbarrierAt(uint32_t address) {
  Mbarrier barrier(reinterpret_cast<uint64_t*>(ownBlock().sharedAt(address, 8)));
  if (address % 8) raiseFault("misaligned-address", "an mbarrier needs to be aligned to 8 bytes");
  if (!barrier.valid()) raiseFault("mbarrier", "an mbarrier was used that mbarrierInit has not set up");
  return barrier;
}

void checkOwn(uint32_t address) {
  if (address >> kSharedOffsetBits != ownBlock().clusterRank) {
    raiseFault("mbarrier", "an mbarrier of another block can be arrived at, but not waited for or set up");
  }
}

void mbarrierInit(uint32_t address, uint32_t count) {
  checkOwn(address);
  if (count == 0 || count > Mbarrier::kMaxCount) {
    raiseFault("mbarrier", "an mbarrier expects a count of 1 to 2^20 - 1");
  }
  if (address % 8) raiseFault("misaligned-address", "an mbarrier needs to be aligned to 8 bytes");
  Mbarrier(reinterpret_cast<uint64_t*>(ownBlock().sharedAt(address, 8))).init(count);
}

void mbarrierInvalidate(uint32_t address) {
  checkOwn(address);
  mbarrierAt(address).invalidate();
}

void mbarrierExpect(uint32_t address, uint32_t bytes) {
  if (bytes > Mbarrier::kMaxCount || !mbarrierAt(address).expect(bytes)) {
    raiseFault("mbarrier", "an mbarrier was told to expect more than 2^20 - 1 bytes in one phase");
  }
}

void mbarrierArrive(uint32_t address, uint32_t count) {
  if (!mbarrierAt(address).arrive(count)) {
    raiseFault("mbarrier", "more arrivals at an mbarrier in one phase than its count");
  }
}

void mbarrierArriveAfterCopies(uint32_t address) {
  checkOwn(address);
  mbarrierAt(address);
  Block& block = ownBlock();
  AsyncQueue& copies = block.async(self());
  copies.promise();
  Delivery delivery{};
  delivery.barrier = address & kSharedOffsetMask;
  delivery.arrivals = 1;
  delivery.rank = self()->rank;
  delivery.copies = &copies;
  delivery.through = copies.deferred();
  block.units().deliveries.add(delivery);
}

uint32_t mbarrierTest(uint32_t address, uint32_t parity) {
  checkOwn(address);
  mbarrierAt(address);
  return ownBlock().testMbarrier(address, parity & 1);
}

void mbarrierWait(uint32_t address, uint32_t parity) {
  checkOwn(address);
  mbarrierAt(address);
  struct Wanted {
    Block& block;
    uint32_t address, parity;
  } wanted{ownBlock(), address, parity & 1};
  auto ready = [](void* raw) {
    const auto& w = *static_cast<const Wanted*>(raw);
    return w.block.testMbarrier(w.address, w.parity);
  };
  wanted.block.waitUntil(self(), ready, &wanted, "an mbarrier", address);
}

// --- bulk copies --------------------------------------------------------------------------------------------------

void deliver(const BulkCopy& copy, uint32_t address, uint32_t barrier) {
  mbarrierAt(barrier);
  if (address >> kSharedOffsetBits != barrier >> kSharedOffsetBits) {
    raiseFault("mbarrier", "a bulk copy into one block's shared memory signals an mbarrier of another");
  }
  Block& block = ownBlock().owner(barrier);
  Delivery delivery{};
  delivery.barrier = barrier & kSharedOffsetMask;
  delivery.bytes = copyBytes(copy);
  delivery.copy = copy;
  delivery.copy.shared = address;
  if (copy.map) delivery.map = *copy.map;
  block.sharedAt(address, delivery.bytes);
  block.units().deliveries.add(delivery);
}

void bulkLoad(const BulkCopy* copy, uint32_t barrier, uint32_t blocks) {
  checkCopy(*copy, false);
  if (!blocks) return deliver(*copy, copy->shared, barrier);
  for (uint32_t left = blocks; left; left &= left - 1) {
    const uint32_t rank = uint32_t(__builtin_ctz(left)) << kSharedOffsetBits;
    deliver(*copy, rank | (copy->shared & kSharedOffsetMask), rank | (barrier & kSharedOffsetMask));
  }
}

AsyncQueue& ownStores() { return ownBlock().units().stores[detailOf(self()).slot]; }

void bulkStore(const BulkCopy* copy) {
  checkCopy(*copy, true);
  ownBlock().sharedAt(copy->shared, copyBytes(*copy));
  auto effect = [](void* payload) {
    const auto& due = *static_cast<const BulkCopy*>(payload);
    Block& block = ownBlock();
    performStore(due, block.sharedAt(due.shared, copyBytes(due)));
    if (block.grid()->tracer) lens::tellBulkStored(due);
  };
  ownStores().defer(effect, copy, sizeof *copy);
}

void bulkCommit() { ownStores().commit(); }
void bulkWait(uint32_t keep) { ownStores().wait(keep); }

// --- wgmma --------------------------------------------------------------------------------------------------------

void wgmmaIssue(const WgmmaIssue* issue) {
  const ThreadView* thread = self();
  if (thread->rank / kWarpgroupThreads * kWarpgroupThreads + kWarpgroupThreads > thread->block->threads) {
    raiseFault("wgmma-mismatch", "wgmma needs whole warpgroups: a block whose size is a multiple of 128 threads");
  }
  ownBlock().units().wgmma.issue(thread->rank, *issue);
}

void wgmmaCommit() { ownBlock().units().wgmma.commit(self()->rank); }

void wgmmaWait(uint32_t keep) {
  ThreadView* thread = self();
  Block& block = blockOf(thread);
  struct Wanted {
    const Wgmma& wgmma;
    uint32_t rank;
    uint64_t products;
  } wanted{block.units().wgmma, thread->rank, block.units().wgmma.needed(thread->rank, keep)};
  if (!wanted.products) return;
  auto ready = [](void* raw) {
    const auto& w = *static_cast<const Wanted*>(raw);
    return w.wgmma.issued(w.rank, w.products);
  };
  block.waitUntil(thread, ready, &wanted, "all four warps of its warpgroup to issue a wgmma");
  block.units().wgmma.make(wanted.rank, wanted.products, block.window(), block.grid()->tracer != nullptr);
}

}  // namespace

const lab_simt::Hopper& hopperTable() {
  static const lab_simt::Hopper table = {sharedAddress,  sharedPointer,     clusterArrive,  clusterWait,
                                         mbarrierInit,   mbarrierInvalidate, mbarrierExpect, mbarrierArrive,
                                         mbarrierArriveAfterCopies, mbarrierTest, mbarrierWait, bulkLoad,
                                         bulkStore,      bulkCommit,        bulkWait,       wgmmaIssue,
                                         wgmmaCommit,    wgmmaWait};
  return table;
}

}  // namespace lab::simt
