#include "trace_hopper.h"

#include "../block_hot.h"
#include "../bulk_copy.h"
#include "../include/simt_api.h"
#include "../mbarrier.h"
#include "../runtime_hopper.h"
#include "../wgmma_operands.h"
#include "hopper_told.h"
#include "tracer.h"

namespace lab::simt::lens {

namespace {

using lab_simt::BulkCopy;
using lab_simt::kWarpSize;
using lab_simt::WgmmaIssue;

#define LAB_PC reinterpret_cast<uintptr_t>(__builtin_return_address(0))

// How a release of an object is told (Kind::kRelease).
enum How : uint64_t { kArrival = 1, kPhaseEnd = 3 };

constexpr uint32_t kProductRows = 64;  // of A

Block& ownBlock() { return *static_cast<Block*>(lab_simt::self()->block); }

void tellObject(uint32_t rank, Kind kind, uintptr_t pc, const void* object, uint64_t how = 0) {
  if (Tracer* tracer = Tracer::current()) tracer->object(rank, kind, pc, reinterpret_cast<uintptr_t>(object), how);
}

uint64_t* wordAt(uint32_t barrier) { return reinterpret_cast<uint64_t*>(ownBlock().sharedAt(barrier, 8)); }

// The cluster's barrier has no address of its own in shared memory.
const void* const kClusterBarrier = reinterpret_cast<const void*>(1);

// The last arrival ends a phase, or a thread that exits instead.
void tellClusterPhase() {
  ClusterBarrier& barrier = ownBlock().clusterBarrier();
  if (barrier.told != barrier.phase) tellPhaseEnd(kClusterBarrier);
  barrier.told = barrier.phase;
}

void clusterArrive() {
  tellClusterPhase();
  tellObject(lab_simt::self()->rank, Kind::kRelease, LAB_PC, kClusterBarrier, kArrival);
  hopperTable().clusterArrive();
  tellClusterPhase();
}
void clusterWait() {
  hopperTable().clusterWait();
  tellClusterPhase();
  tellObject(lab_simt::self()->rank, Kind::kAcquire, LAB_PC, kClusterBarrier);
}

void mbarrierArrive(uint32_t barrier, uint32_t count) {
  uint64_t* word = wordAt(barrier);
  const uint32_t phase = Mbarrier(word).phase();
  tellObject(lab_simt::self()->rank, Kind::kRelease, LAB_PC, word, kArrival);
  hopperTable().mbarrierArrive(barrier, count);
  if (Mbarrier(word).phase() != phase) tellPhaseEnd(word);
}
uint32_t mbarrierTest(uint32_t barrier, uint32_t parity) {
  const uint32_t ended = hopperTable().mbarrierTest(barrier, parity);
  if (ended) tellObject(lab_simt::self()->rank, Kind::kAcquire, LAB_PC, wordAt(barrier));
  return ended;
}
void mbarrierWait(uint32_t barrier, uint32_t parity) {
  const uintptr_t pc = LAB_PC;
  hopperTable().mbarrierWait(barrier, parity);
  tellObject(lab_simt::self()->rank, Kind::kAcquire, pc, wordAt(barrier));
}

// An address of the block's own shared memory, as events tell it.
uint64_t toldAddress(const Tracer& tracer, const void* at) { return tracer.placeOf(reinterpret_cast<uintptr_t>(at)).address; }

BulkTold told(const BulkCopy& copy) {
  BulkTold told;
  told.rows = globalRows(copy);
  told.add = copy.add != 0;
  return told;
}

void bulkLoad(const BulkCopy* copy, uint32_t barrier, uint32_t blocks) {
  hopperTable().bulkLoad(copy, barrier, blocks);
  Tracer* tracer = Tracer::current();
  if (!tracer) return;
  BulkTold asked = told(*copy);
  for (uint32_t left = blocks; left; left &= left - 1)
    asked.blocks.push_back(tracer->blockOf(uint32_t(__builtin_ctz(left))));
  const uint32_t bytes = copyBytes(*copy);
  tracer->unit(lab_simt::self()->rank, Kind::kBulkLoad, LAB_PC, ownBlock().sharedAt(copy->shared, bytes), bytes, &asked);
}

void bulkStore(const BulkCopy* copy) {
  hopperTable().bulkStore(copy);
  Tracer* tracer = Tracer::current();
  if (!tracer) return;
  const BulkTold asked = told(*copy);
  const uint32_t bytes = copyBytes(*copy);
  tracer->unit(lab_simt::self()->rank, Kind::kBulkStore, LAB_PC, ownBlock().sharedAt(copy->shared, bytes), bytes, &asked);
}

void wgmmaIssue(const WgmmaIssue* issue) {
  hopperTable().wgmmaIssue(issue);
  Tracer* tracer = Tracer::current();
  if (!tracer) return;
  WgmmaTold product;
  product.n = issue->n;
  product.bfloat16 = issue->bfloat16 != 0;
  product.b = operandLayout(issue->b, issue->n, issue->bMnMajor, ownBlock().window());
  if (!issue->registers) {
    product.a = operandLayout(issue->a, kProductRows, issue->aMnMajor, ownBlock().window());
    product.rows = kProductRows;
  }
  tracer->unit(lab_simt::self()->rank, Kind::kWgmma, LAB_PC, product.b.tile, 0, &product);
}

void wgmmaWait(uint32_t keep) {
  const uintptr_t pc = LAB_PC;
  hopperTable().wgmmaWait(keep);
  if (Tracer* tracer = Tracer::current()) tracer->tell(lab_simt::self(), Kind::kWgmmaWaited, pc);
}

}  // namespace

void tellBulkLanded(const BulkCopy& copy, const void* tile, const void* barrier) {
  Tracer* tracer = Tracer::current();
  if (!tracer) return;
  BulkTold landed = told(copy);
  landed.barrier = toldAddress(*tracer, barrier);
  tracer->unit(lab_simt::self()->rank, Kind::kBulkLanded, 0, tile, copyBytes(copy), &landed);
}

void tellBulkStored(const BulkCopy& copy) {
  Tracer* tracer = Tracer::current();
  if (!tracer) return;
  const BulkTold done = told(copy);
  const uint32_t bytes = copyBytes(copy);
  tracer->unit(lab_simt::self()->rank, Kind::kBulkStored, 0, ownBlock().sharedAt(copy.shared, bytes), bytes, &done);
}

void tellArrival(uint32_t rank, const void* barrier) { tellObject(rank, Kind::kRelease, 0, barrier, kArrival); }

void tellPhaseEnd(const void* barrier) {
  tellObject(lab_simt::self()->rank, Kind::kRelease, 0, barrier, kPhaseEnd);
}

void tellWgmmaRead(uint32_t rank, const lab_simt::WgmmaWork& work) {
  Tracer* tracer = Tracer::current();
  if (!tracer) return;
  WgmmaTold read;
  read.a = work.a;
  read.b = work.b;
  read.b.tile = reinterpret_cast<const uint8_t*>(toldAddress(*tracer, work.b.tile));
  if (!work.registers) read.a.tile = reinterpret_cast<const uint8_t*>(toldAddress(*tracer, work.a.tile));
  read.n = work.n;
  read.firstRow = work.firstRow;
  read.rows = work.registers ? 0 : 16;
  tracer->unit(rank / kWarpSize * kWarpSize, Kind::kWgmmaRead, 0, work.b.tile, 0, &read);
}

const lab_simt::Hopper& tracedHopper() {
  static const lab_simt::Hopper table = [] {
    lab_simt::Hopper traced = hopperTable();
    traced.clusterArrive = clusterArrive;
    traced.clusterWait = clusterWait;
    traced.mbarrierArrive = mbarrierArrive;
    traced.mbarrierTest = mbarrierTest;
    traced.mbarrierWait = mbarrierWait;
    traced.bulkLoad = bulkLoad;
    traced.bulkStore = bulkStore;
    traced.wgmmaIssue = wgmmaIssue;
    traced.wgmmaWait = wgmmaWait;
    return traced;
  }();
  return table;
}

}  // namespace lab::simt::lens
