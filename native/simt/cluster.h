// The blocks of one thread block cluster: as many workers, of which one at a time runs its block.
//
// Static shared memory is a worker thread's own, so every block of a cluster needs a worker; taking turns, they need no
// locks, and a launch always goes the same way. A block hands the turn on when all its threads wait for what only
// another block can bring about.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "fault.h"
#include "grid.h"
#include "units.h"

namespace lab::simt {

class Block;

class Cluster {
 public:
  explicit Cluster(GridRun& grid) : grid_(grid), size_(grid.clusterBlocks()) {}
  Cluster(const Cluster&) = delete;

  uint32_t size() const { return size_; }
  // A block of the cluster by its rank; null when it has ended.
  Block* block(uint32_t rank) const { return running_ >> rank & 1 ? blocks_[rank] : nullptr; }

  // Takes part in the next cluster of the grid as block `rank`, and waits for the first turn. False: none is left.
  bool enter(uint32_t rank, Block* block, WorkerContext* worker, uint64_t* cluster);
  // The block has ended; the others go on.
  void leave(uint32_t rank);
  // Lets the other blocks run. `progressed`: the caller has done something since its turn began. False: nobody of the
  // cluster can go on.
  bool passOn(uint32_t rank, bool progressed);

  ClusterBarrier& barrier() { return barrier_; }
  uint32_t aliveThreads() const { return alive_; }
  void threadExited() { alive_--; }

 private:
  void handOn(uint32_t rank);
  void awaitTurn(std::unique_lock<std::mutex>& lock, uint32_t rank);
  bool patient(std::unique_lock<std::mutex>& lock);

  GridRun& grid_;
  const uint32_t size_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Block* blocks_[lab_simt::kMaxClusterBlocks] = {};
  WorkerContext* workers_[lab_simt::kMaxClusterBlocks] = {};
  uint32_t present_ = 0;   // blocks that have come for the next cluster
  uint32_t running_ = 0;   // mask of those that have not ended
  uint32_t turn_ = 0;
  uint32_t idle_ = 0;      // turns since anybody did anything
  uint64_t idleSince_ = 0;
  uint64_t cluster_ = 0, generation_ = 0;
  uint32_t alive_ = 0;
  ClusterBarrier barrier_;
};

}  // namespace lab::simt
