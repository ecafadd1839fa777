// One block being run by one worker: its threads, who of them can go on, and where they wait.
//
// Threads switch directly to one another. A thread that finishes gives its stack to the next one that has not started,
// so a block in which nobody waits is a plain loop over its threads.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "async_queue.h"
#include "cluster.h"
#include "fiber.h"
#include "grid.h"
#include "shared_window.h"
#include "stacks.h"
#include "units.h"
#include "warp.h"

namespace lab::simt {

constexpr uint32_t kGridBarrierId = lab_simt::kNamedBarriers;  // one more than a kernel can name
constexpr uint32_t kLongestPause = 1 << 16;  // barriers between two attempts at a sweep
constexpr int32_t kSpinBudget = 256;  // atomic operations a thread makes before it lets others run

class Block : public lab_simt::BlockView {
 public:
  explicit Block(Stacks& stacks);

  // Readies the block for a launch; cheap when its shape is the last one's.
  void prepare(const GridRun& grid, void* dynamicSharedAt);
  // Makes the block the one of that rank in its cluster; to be called before every run() of it.
  void join(Cluster* cluster, uint32_t rank);
  // Runs block `index` on the calling worker's thread: to its end, unless the launch is a traced one.
  void run(uint64_t index);
  // A traced launch: blocks take turns, and a block may be given up. True when the block has stopped before its end.
  bool suspended() const { return suspended_ != nullptr; }
  bool abandoned() const { return abandoned_; }
  void resume();
  // Called by the running thread: lets another one go on, by the launch's schedule.
  void interrupt(ThreadView* self);
  // Called by the running thread: lets another block go on; returns when it is this one's turn again.
  void suspend(ThreadView* self);
  // Called by the running thread: none of the block goes on. What they held is not unwound: kernels own nothing.
  [[noreturn]] void abandon();
  // The same for a block that is suspended.
  void forget();
  // Tells the launch's tracer of every thread that waits.
  void tellStuck() const;

  // What the threads call, through runtime.cc; `self` is the calling thread. The first two are in block_hot.h; Scheduled
  // where the launch's schedule draws who goes on.
  template <bool Scheduled = false>
  lab_simt::Votes barrier(ThreadView* self, uint32_t id, uint32_t count, uint32_t predicate);
  template <bool Scheduled = false>
  const void* exchange(ThreadView* self, uint32_t mask, const void* value, uint32_t bytes, Wait kind);
  void barrierArrive(uint32_t id, uint32_t count);
  uint32_t activeMask(ThreadView* self);
  void yield(ThreadView* self);
  // `object`: the shared address of what is waited for, or 0.
  void waitUntil(ThreadView* self, bool (*ready)(void*), void* context, const char* what, uint32_t object = 0);
  AsyncQueue& async(ThreadView* self) {
    asyncUsed_ = true;
    return queues_[detailOf(self).slot];
  }

  const GridRun* grid() const { return grid_; }

  // Where every worker's Sweep lies, from the thread pointer.
  static int64_t sweepOffset();
  // Hopper's units (units.cc).
  Units& units() {
    if (!units_) units_ = std::make_unique<Units>(queues_.size());
    units_->used = true;
    return *units_;
  }
  const SharedWindow& window() const { return window_; }
  // The block of the cluster that a shared address names; a fault for one that does not exist or has ended.
  Block& owner(uint32_t sharedAddress);
  // Where `bytes` bytes at a shared address lie; a fault when they are not in one block's shared memory.
  uint8_t* sharedAt(uint32_t address, uint32_t bytes);
  Cluster* cluster() const { return cluster_; }
  ClusterBarrier& clusterBarrier() { return cluster_ ? cluster_->barrier() : clusterBarrier_; }
  void clusterArrive(ThreadView* self);
  void clusterWait(ThreadView* self);
  bool testMbarrier(uint32_t address, uint32_t parity);
  std::string describeMbarrier(uint32_t address);

 private:
  struct Barrier {
    uint32_t arrived = 0, expected = 0, trues = 0;  // expected 0: every thread that has not exited
    uint32_t warps = 0;                             // warps with a waiting lane
    uint32_t waiting[lab_simt::kWarpSize] = {};     // those lanes, by warp
    lab_simt::Votes result{};
  };

  // The life of threads (block.cc).
  static void threadMain(void* block);
  void begin(ThreadView* view, uint32_t warp, uint32_t lane);
  bool nextInPlace(ThreadView* view);
  void exitThread(ThreadView* self);
  ThreadView* freshStack();

  // Who runs next (block_hot.h; the rare cases in schedule.cc).
  void wake(uint32_t warp, uint32_t lanes);
  template <bool Scheduled = false>
  void sleep(ThreadView* self, Wait wait, uint32_t argument);
  void switchTo(ThreadView* self, ThreadView* next);
  ThreadView* threadAt(uint32_t warp, uint32_t lane);
  bool pick(uint32_t& warp, uint32_t& lane, bool leaveWarp);
  bool pickAny(uint32_t& warp, uint32_t& lane);
  bool findReady();
  ThreadView* pickElsewhere(ThreadView* self);
  void resolveParked(uint32_t warp);
  bool wakePollers();
  bool letClusterRun();
  bool passOnTurn(bool progressed);
  [[noreturn]] void deadlock();

  // Meeting (meet.cc).
  void beginSweep(uint32_t first);
  void settleSweep();
  bool full(const Barrier& barrier) const;
  void release(uint32_t id);
  bool arriveAtGrid();
  void afterExit(Warp& warp, uint32_t warpIndex);
  [[noreturn]] void wrongMask();
  [[noreturn]] void mixedCollectives();

  // __thread and not thread_local: known to need no construction, so that reading it is one load.
  static __thread lab_simt::Sweep sweep_ __attribute__((tls_model("initial-exec")));

  Stacks& stacks_;
  const GridRun* grid_ = nullptr;
  uint64_t index_ = 0;         // in the grid, of the block being run
  Context home_{};             // the worker's own stack, while threads run
  uint32_t ready_ = 0;         // warps with a runnable lane
  uint32_t parked_ = 0;        // warps with a lane at __activemask
  uint32_t polling_ = 0;       // warps with a lane in waitUntil
  uint32_t alive_ = 0;         // threads that have not exited
  uint32_t open_ = 0;          // barriers at which somebody has arrived
  uint32_t idlePolls_ = 0;     // rounds of polling since anything else ran
  uint64_t idleSince_ = 0;
  uint32_t yields_ = 0;
  // A sweep (simt_abi.h): every thread has begun, all can go on, and they come to __syncthreads() in the order of their
  // ranks. Anything else that a thread does settles the sweep first: those
  // who have come are entered as waiting, and all go through the runtime again.
  uint32_t sweepFirst_ = 0;    // rank of the first to come
  uint32_t sweepHold_ = 0;     // barriers to go before a sweep is tried again
  uint32_t sweepPause_ = 1;    // what that is set to; doubled with every sweep that is broken off by half a round
  uint32_t begun_ = 0;         // threads that have a stack
  bool asyncUsed_ = false;     // some thread of this block has deferred a copy
  bool progressed_ = false;    // since the block's turn in its cluster began
  Cluster* cluster_ = nullptr;
  ClusterBarrier clusterBarrier_;        // of a block that is a cluster by itself
  SharedWindow window_;
  std::unique_ptr<Units> units_;
  bool abandoned_ = false;
  ThreadView* suspended_ = nullptr;  // who goes on when the block does
  Warp warps_[lab_simt::kMaxThreads / lab_simt::kWarpSize];
  Barrier barriers_[lab_simt::kNamedBarriers + 1];
  ThreadView* order_[lab_simt::kMaxThreads];  // by rank, those that have begun
  std::vector<lab_simt::Id3> ids_;       // threadIdx by rank
  std::vector<AsyncQueue> queues_;       // by stack
  std::vector<uint32_t> freeStacks_;     // of threads that have finished
  uint32_t usedStacks_ = 0;              // stacks handed out at least once
};

}  // namespace lab::simt
