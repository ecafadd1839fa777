#include "trace_hopper.h"

#include "../block_hot.h"
#include "../bulk_copy.h"
#include "../include/simt_api.h"
#include "../runtime_hopper.h"
#include "tracer.h"

namespace lab::simt::lens {

namespace {

using lab_simt::BulkCopy;

#define LAB_PC reinterpret_cast<uintptr_t>(__builtin_return_address(0))

Block& ownBlock() { return *static_cast<Block*>(lab_simt::self()->block); }

// The cluster's barrier has no address of its own in shared memory.
void orderCluster(Kind kind, uintptr_t pc) {
  if (Tracer* tracer = Tracer::current()) tracer->object(lab_simt::self()->rank, kind, pc, 1);
}

void clusterArrive() {
  orderCluster(Kind::kRelease, LAB_PC);
  hopperTable().clusterArrive();
}
void clusterWait() {
  hopperTable().clusterWait();
  orderCluster(Kind::kAcquire, LAB_PC);
}

void bulkLoad(const BulkCopy* copy, uint32_t barrier, uint32_t blocks) {
  hopperTable().bulkLoad(copy, barrier, blocks);
  if (Tracer* tracer = Tracer::current()) {
    const uint32_t bytes = copyBytes(*copy);
    tracer->copy(lab_simt::self(), Kind::kAsyncIssue, LAB_PC, ownBlock().sharedAt(copy->shared, bytes), bytes);
  }
}

}  // namespace

const lab_simt::Hopper& tracedHopper() {
  static const lab_simt::Hopper table = [] {
    lab_simt::Hopper traced = hopperTable();
    traced.clusterArrive = clusterArrive;
    traced.clusterWait = clusterWait;
    traced.bulkLoad = bulkLoad;
    return traced;
  }();
  return table;
}

}  // namespace lab::simt::lens
