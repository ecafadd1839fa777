#include "workers.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>

#include "block.h"
#include "cluster.h"
#include "lens/residents.h"
#include "lens/tracer.h"
#include "limits.h"
#include "module.h"
#include "stacks.h"

namespace lab::simt {

namespace {

// A worker's dynamic shared memory; a launch's part of it ends at a guard page.
class SharedRegion {
 public:
  SharedRegion() {
    void* memory =
        mmap(nullptr, kBytes + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    base_ = static_cast<uint8_t*>(memory);
    mprotect(base_ + kBytes, kPage, PROT_NONE);
  }
  ~SharedRegion() {
    if (base_) munmap(base_, kBytes + kPage);
  }
  bool ok() const { return base_ != nullptr; }
  // The start of `bytes` bytes that end (rounded up to 1024, the alignment the largest TMA swizzle asks for) at the guard.
  void* place(uint32_t bytes) const { return base_ + kBytes - (bytes + 1023) / 1024 * 1024; }

 private:
  static constexpr size_t kBytes = 256 * 1024, kPage = 4096;
  uint8_t* base_ = nullptr;
};

}  // namespace

struct Workers::Worker {
  Worker(const WorkerOptions& options) : stacks(lab_simt::kMaxThreads, options.stackBytes), block(stacks) {
    context.stacks = &stacks;
    context.page = options.faultPage;
    context.pageBytes = options.faultPageBytes;
    context.print = options.print;
  }
  Stacks stacks;
  SharedRegion shared;
  Block block;
  WorkerContext context;
  Cluster* cluster = nullptr;  // of the launch being run, where it has clusters
  uint32_t clusterRank = 0;    // of the worker's blocks
  std::atomic<GridRun*> job{nullptr};
  std::condition_variable wake;
  OwnThread thread;
};

Workers::Workers(const WorkerOptions& options) : options_(options) {
  if (!options_.stackBytes) options_.stackBytes = kDefaultStackBytes;
  // Where the host has no room for all, those there are do the work; run() refuses where there is none.
  if (!ensure(options_.workers)) options_.workers = unsigned(workers_.size());
  if (options_.timeLimitSeconds > 0) watchdog_.start([this] { watch(); });
}

Workers::~Workers() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    for (auto& worker : workers_) worker->wake.notify_one();
    watched_.notify_one();
  }
  for (auto& worker : workers_) worker->thread.join();
  watchdog_.join();
}

bool Workers::ensure(size_t count) {
  while (workers_.size() < count) {
    auto worker = std::make_unique<Worker>(options_);
    if (!worker->stacks.ok() || !worker->shared.ok()) return false;
    if (!worker->thread.start([this, self = worker.get()] { work(*self); })) return false;
    std::lock_guard<std::mutex> lock(mutex_);  // the watchdog walks the list
    workers_.push_back(std::move(worker));
  }
  return true;
}

bool Workers::run(GridRun& grid) {
  const bool unwatched = options_.timeLimitSeconds > 0 && !watchdog_.running();
  if (workers_.empty() || unwatched) return false;
  GridBarrier barrier;
  std::vector<std::unique_ptr<Cluster>> clusters;
  const bool clustered = grid.clusterBlocks() > 1;
  size_t count = grid.tracer ? 1 : size_t(std::min<uint64_t>(grid.blocks, options_.workers));
  if (grid.tracer && !clustered) {
    barrier.reset(grid.blocks);
    grid.barrier = &barrier;
  } else if (grid.cooperative) {
    if (!ensure(size_t(grid.blocks))) return false;
    count = size_t(grid.blocks);
    barrier.reset(grid.blocks);
    grid.barrier = &barrier;
    grid.chunk = 1;
  } else if (clustered) {
    // As many clusters at once as there are processors to run them (one of a traced launch): of each, one block runs at a time.
    const size_t atOnce = grid.tracer ? 1 : size_t(std::min<uint64_t>(grid.clusters(), options_.workers));
    count = atOnce * grid.clusterBlocks();
    if (!ensure(count)) return false;
    for (size_t i = 0; i < atOnce; i++) clusters.push_back(std::make_unique<Cluster>(grid));
  } else {
    grid.chunk = std::clamp<uint64_t>(grid.blocks / (count * 32), 1, 64);
  }
  std::unique_lock<std::mutex> lock(mutex_);
  running_ = count;
  launches_++;
  if (options_.timeLimitSeconds > 0) watched_.notify_one();
  for (size_t i = 0; i < count; i++) {
    workers_[i]->cluster = clusters.empty() ? nullptr : clusters[i / grid.clusterBlocks()].get();
    workers_[i]->clusterRank = uint32_t(i % grid.clusterBlocks());
    workers_[i]->job.store(&grid, std::memory_order_release);
    workers_[i]->wake.notify_one();
  }
  done_.wait(lock, [this] { return running_ == 0; });
  return !grid.refused;
}

void Workers::work(Worker& worker) {
  enterWorker(&worker.context);
  for (;;) {
    GridRun* grid;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      worker.wake.wait(lock, [&] { return stopping_ || worker.job.load(std::memory_order_acquire); });
      if (stopping_) return;
      grid = worker.job.exchange(nullptr);
    }
    worker.context.grid = grid;
    void* shared = worker.shared.place(grid->dynamicShared);
    grid->module->info->bindShared(shared);
    worker.block.prepare(*grid, shared);
    if (worker.cluster) {
      runClusters(worker, *grid);
    } else if (grid->tracer) {
      runTraced(worker, *grid, shared);
    } else {
      runBlocks(worker, *grid);
    }
    worker.context.grid = nullptr;
    std::lock_guard<std::mutex> lock(mutex_);
    if (--running_ == 0) {
      done_.notify_one();
      watched_.notify_one();
    }
  }
}

void Workers::runTraced(Worker& worker, GridRun& grid, void* shared) {
  lens::Residents residents(worker.block, worker.stacks, options_.stackBytes, shared);
  auto onStacks = [](void* context, const Stacks* stacks) { static_cast<WorkerContext*>(context)->stacks = stacks; };
  grid.refused = !residents.run(grid, *grid.tracer, onStacks, &worker.context);
  worker.context.stacks = &worker.stacks;
}

void Workers::runBlocks(Worker& worker, GridRun& grid) {
  for (;;) {
    uint64_t first = grid.next.fetch_add(grid.chunk, std::memory_order_relaxed);
    if (first >= grid.blocks) return;
    uint64_t end = std::min(first + grid.chunk, grid.blocks);
    for (uint64_t index = first; index < end; index++) worker.block.run(index);
    if (grid.cooperative && !grid.barrier->leave()) {
      raiseFault("deadlock", "a block has exited while the others wait for it at the grid's barrier");
    }
  }
}

void Workers::runClusters(Worker& worker, GridRun& grid) {
  uint64_t cluster;
  if (grid.tracer) grid.tracer->introduce(worker.block, worker.clusterRank);
  while (worker.cluster->enter(worker.clusterRank, &worker.block, &worker.context, &cluster)) {
    worker.block.join(worker.cluster, worker.clusterRank);
    const uint64_t index = grid.blockOf(cluster, grid.placeOf(worker.clusterRank));
    if (!grid.tracer) {
      worker.block.run(index);
    } else if (!grid.tracer->over()) {
      if (worker.clusterRank == 0) {
        std::vector<uint64_t> blocks;
        for (uint32_t rank = 0; rank < grid.clusterBlocks(); rank++)
          blocks.push_back(grid.blockOf(cluster, grid.placeOf(rank)));
        grid.tracer->enterCluster(blocks);
      }
      grid.tracer->enterBlock(worker.block, index, worker.stacks, true);
      worker.block.run(index);
      if (!worker.block.abandoned()) grid.tracer->blockEnd();
    }
    worker.cluster->leave(worker.clusterRank);
  }
}

// Signals a worker whose launch has run for too long; its handler reports where it was and ends the process.
void Workers::watch() {
  std::unique_lock<std::mutex> lock(mutex_);
  auto limit = std::chrono::duration<double>(options_.timeLimitSeconds);
  while (!stopping_) {
    watched_.wait(lock, [this] { return stopping_ || running_ > 0; });
    uint64_t launch = launches_;
    bool over = !watched_.wait_for(lock, limit, [&] { return stopping_ || running_ == 0 || launches_ != launch; });
    if (!over) continue;
    for (auto& worker : workers_) {
      if (worker->context.grid) worker->thread.signal(timeLimitSignal());
    }
  }
}

}  // namespace lab::simt
