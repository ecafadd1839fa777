// The threads that run blocks: a pool that lives as long as its device.
//
// Blocks are handed out in index order, so a block may wait for what an earlier one writes (a decoupled look-back
// scan): the earliest unfinished block is always being run.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "../core/backend.h"
#include "../core/own_threads.h"
#include "fault.h"
#include "grid.h"

namespace lab::simt {

struct WorkerOptions {
  unsigned workers = 1;
  size_t stackBytes = 0;
  double timeLimitSeconds = 0;
  FaultPage* faultPage = nullptr;
  size_t faultPageBytes = 0;
  const PrintBuffer* print = nullptr;
};

class Workers {
 public:
  explicit Workers(const WorkerOptions& options);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Runs a launch to its end. A cooperative one gets a worker a block, a cluster as many as it has blocks; false when the
  // host has no room for them.
  bool run(GridRun& grid);

 private:
  struct Worker;
  bool ensure(size_t count);
  void work(Worker& worker);
  void runBlocks(Worker& worker, GridRun& grid);
  void runClusters(Worker& worker, GridRun& grid);
  void runTraced(Worker& worker, GridRun& grid, void* shared);
  void watch();

  WorkerOptions options_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::mutex mutex_;
  std::condition_variable done_, watched_;
  size_t running_ = 0;        // workers still busy with the launch
  uint64_t launches_ = 0;
  bool stopping_ = false;
  OwnThread watchdog_;
};

}  // namespace lab::simt
