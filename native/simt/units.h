// What a block has of Hopper's asynchronous units; made when a kernel first uses one of them.
#pragma once
#include <cstdint>
#include <vector>

#include "async_queue.h"
#include "mbarrier.h"
#include "wgmma.h"

namespace lab::simt {

struct Units {
  explicit Units(size_t stacks) : stores(stacks), clusterPhases(lab_simt::kMaxThreads) {}

  Deliveries deliveries;                 // on their way to this block's mbarriers
  Wgmma wgmma;
  std::vector<AsyncQueue> stores;        // bulk stores, by stack
  std::vector<uint64_t> clusterPhases;   // of the cluster's barrier when each thread last arrived
  bool used = false;                     // by the block being run

  void reset() {
    if (!used) return;
    deliveries.clear();
    wgmma.reset();
    used = false;
  }
};

// The barrier of all threads of a cluster.
struct ClusterBarrier {
  uint32_t arrived = 0;
  uint64_t phase = 0;
  uint64_t told = 0;  // phases that the lens knows to have ended

  // `threads`: how many there are that have not exited.
  void check(uint32_t threads) {
    if (!arrived || arrived < threads) return;
    arrived = 0;
    phase++;
  }
};

}  // namespace lab::simt
