// One launch while it runs: what every block of it shares.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "include/simt_abi.h"

namespace lab::simt {

struct Module;
class PrintBuffer;
namespace lens {
class Schedule;
class Tracer;
}

// All blocks of a cooperative launch meet here; each comes once a meeting, on its worker's thread.
class GridBarrier {
 public:
  void reset(uint64_t blocks) {
    blocks_ = blocks;
    waiting_ = finished_ = 0;
  }
  // False: some blocks have exited and the rest can never all arrive.
  bool arrive();
  // The same where all blocks take turns on one worker: counts the arrival, and tells later whether it is over.
  // Answers the generation to ask for, or 0 where the rest can never all arrive.
  uint64_t announce();
  bool over(uint64_t generation);
  // A block has exited. False: the rest wait for it in vain.
  bool leave();
  uint64_t finished() const { return finished_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t blocks_ = 0, waiting_ = 0, finished_ = 0, generation_ = 1;
};

struct GridRun {
  const Module* module = nullptr;
  const char* kernel = "";
  void (*invoke)(const unsigned char*) = nullptr;
  const unsigned char* args = nullptr;
  uint32_t argBytes = 0;
  lab_simt::Id3 grid{1, 1, 1}, block{1, 1, 1};
  uint64_t blocks = 1;
  uint32_t threads = 1;
  uint32_t dynamicShared = 0, staticShared = 0;
  lab_simt::Id3 cluster{1, 1, 1};        // blocks of a cluster
  bool cooperative = false;
  GridBarrier* barrier = nullptr;        // cooperative launches
  PrintBuffer* print = nullptr;
  lens::Tracer* tracer = nullptr;        // a traced launch: all its blocks run on one worker
  lens::Schedule* schedule = nullptr;    // a traced launch whose threads run in a random order
  bool refused = false;                  // a traced launch for which the host has no room
  uint64_t chunk = 1;                    // blocks handed out at a time
  alignas(64) std::atomic<uint64_t> next{0};  // first block (or cluster) not yet handed out; alone on its line

  uint32_t clusterBlocks() const { return cluster.x * cluster.y * cluster.z; }
  uint64_t clusters() const { return blocks / clusterBlocks(); }
  // The linear index of the block at a place in a cluster.
  uint64_t blockOf(uint64_t clusterIndex, lab_simt::Id3 place) const {
    const uint64_t across = grid.x / cluster.x, down = grid.y / cluster.y;
    const uint64_t x = clusterIndex % across * cluster.x + place.x;
    const uint64_t y = clusterIndex / across % down * cluster.y + place.y;
    const uint64_t z = clusterIndex / across / down * cluster.z + place.z;
    return (z * grid.y + y) * grid.x + x;
  }
  lab_simt::Id3 placeOf(uint32_t rank) const {
    return {rank % cluster.x, rank / cluster.x % cluster.y, rank / cluster.x / cluster.y};
  }
};

}  // namespace lab::simt
