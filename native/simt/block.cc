#include "block_hot.h"
#include "include/simt_api.h"
#include "lens/tracer.h"
#include "module.h"

namespace lab::simt {

using lab_simt::Id3;
using lab_simt::kMaxThreads;
using lab_simt::kWarpSize;

__thread lab_simt::Sweep Block::sweep_ = {};

int64_t Block::sweepOffset() {
  return reinterpret_cast<char*>(&sweep_) - static_cast<char*>(__builtin_thread_pointer());
}

Block::Block(Stacks& stacks) : BlockView{}, stacks_(stacks), queues_(kMaxThreads) { freeStacks_.reserve(kMaxThreads); }

void Block::prepare(const GridRun& grid, void* dynamicSharedAt) {
  grid_ = &grid;
  sweepHold_ = grid.tracer ? ~0u : 0;  // what is traced is told of every barrier
  sweepPause_ = 1;
  bool sameShape = blockDim.x == grid.block.x && blockDim.y == grid.block.y && blockDim.z == grid.block.z;
  blockDim = grid.block;
  gridDim = grid.grid;
  threads = grid.threads;
  warps = (threads + kWarpSize - 1) / kWarpSize;
  dynamicShared = dynamicSharedAt;
  dynamicSharedBytes = grid.dynamicShared;
  staticSharedBytes = grid.staticShared;
  cooperative = grid.cooperative;
  cluster_ = nullptr;
  clusterRank = 0;
  clusterBlocks = 1;
  clusterDim = {1, 1, 1};
  clusterBlock = {0, 0, 0};
  uint64_t fixedBytes;
  void* fixed = grid.module->staticSharedOfThread(&fixedBytes);
  window_.set(dynamicShared, dynamicSharedBytes, fixed, fixedBytes);
  if (sameShape && ids_.size() == threads) return;
  ids_.clear();
  for (uint32_t z = 0; z < blockDim.z; z++)
    for (uint32_t y = 0; y < blockDim.y; y++)
      for (uint32_t x = 0; x < blockDim.x; x++) ids_.push_back(Id3{x, y, z});
}

void Block::join(Cluster* cluster, uint32_t rank) {
  cluster_ = cluster;
  clusterRank = rank;
  clusterBlocks = cluster->size();
  clusterDim = grid_->cluster;
  clusterBlock = grid_->placeOf(rank);
}

void Block::run(uint64_t index) {
  index_ = index;
  uint64_t row = index / gridDim.x;
  blockIdx = Id3{uint32_t(index % gridDim.x), uint32_t(row % gridDim.y), uint32_t(row / gridDim.y)};
  for (uint32_t left = open_; left; left &= left - 1) {  // arrivals at a named barrier that nobody waited for
    Barrier& barrier = barriers_[__builtin_ctz(left)];
    barrier.arrived = barrier.trues = barrier.warps = 0;
  }
  alive_ = threads;
  ready_ = warps == 32 ? ~0u : (1u << warps) - 1;
  parked_ = polling_ = open_ = idlePolls_ = begun_ = 0;
  progressed_ = abandoned_ = false;
  suspended_ = nullptr;
  asyncUsed_ = grid_->schedule != nullptr;  // then no thread follows another in its place: who follows is drawn
  clusterBarrier_ = ClusterBarrier();
  if (units_) units_->reset();
  for (uint32_t w = 0; w < warps; w++) {
    uint32_t lanes = threads - w * kWarpSize;
    warps_[w].reset(lanes >= kWarpSize ? ~0u : (1u << lanes) - 1);
  }
  uint32_t warp = 0, lane = 0;
  if (grid_->schedule) pickAny(warp, lane);
  ThreadView* first = freshStack();
  begin(first, warp, lane);
  switchStack(home_, first->context);
}

void Block::resume() {
  ThreadView* next = suspended_;
  suspended_ = nullptr;
  switchStack(home_, next->context);
}

void Block::suspend(ThreadView* self) {
  suspended_ = self;
  switchStack(self->context, home_);
}

void Block::forget() {
  // Every stack starts afresh: the contexts left on them are of threads that will not go on.
  freeStacks_.clear();
  usedStacks_ = 0;
  for (AsyncQueue& queue : queues_) queue.clear();
  for (Barrier& barrier : barriers_) barrier = Barrier{};
  open_ = 0;
  suspended_ = nullptr;
}

void Block::abandon() {
  forget();
  abandoned_ = true;
  Context nowhere;
  switchStack(nowhere, home_);
  __builtin_unreachable();
}

ThreadView* Block::freshStack() {
  if (!freeStacks_.empty()) {
    uint32_t slot = freeStacks_.back();
    freeStacks_.pop_back();
    return stacks_.view(slot);
  }
  uint32_t slot = usedStacks_++;
  ThreadView* view = stacks_.view(slot);
  detailOf(view).slot = slot;
  view->context = prepareStack(view, threadMain, this);
  return view;
}

// Makes the stack's next run that of a thread which has not started.
void Block::begin(ThreadView* view, uint32_t warp, uint32_t lane) {
  view->block = this;
  view->rank = warp * kWarpSize + lane;
  order_[view->rank] = view;
  begun_++;
  view->threadIdx = ids_[view->rank];
  view->spin = kSpinBudget;
  view->query = 0;
  view->lens = 0;
  view->schedulerWord = ~0u;  // no successor yet
  Fiber& fiber = fiberOf(view);
  fiber.last = nullptr;
  view->successor = view;
  fiber.wait = Wait::kNone;
  warps_[warp].started |= 1u << lane;
  warps_[warp].lanes[lane] = view;
}

void Block::threadMain(void* self) {
  auto& block = *static_cast<Block*>(self);
  ThreadView* view = lab_simt::self();
  for (;;) {
    lens::Tracer* tracer = block.grid_->tracer;
    if (__builtin_expect(tracer != nullptr, 0)) tracer->threadStart(view);
    block.grid_->invoke(block.grid_->args);
    if (__builtin_expect(tracer != nullptr, 0)) tracer->threadEnd(view);
    if (!block.nextInPlace(view)) block.exitThread(view);  // either way this goes on as another thread
  }
}

// The common end of a thread in a block where nobody waits: its stack becomes that of the next lane.
bool Block::nextInPlace(ThreadView* view) {
  uint32_t warpIndex = warpOf(view), bit = 1u << laneOf(view), next = bit << 1;
  Warp& warp = warps_[warpIndex];
  if (open_ | parked_ | polling_ || asyncUsed_ || warp.recent || cluster_ || clusterBarrier_.arrived || !(warp.alive & ~warp.started & next)) return false;
  warp.alive &= ~bit;
  warp.runnable &= ~bit;
  alive_--;
  view->rank++;
  view->threadIdx = ids_[view->rank];
  view->spin = kSpinBudget;
  view->schedulerWord = ~0u;
  warp.started |= next;
  warp.lanes[view->rank % kWarpSize] = view;
  return true;
}

void Block::exitThread(ThreadView* self) {
  if (sweep_.at) settleSweep();
  Fiber& fiber = fiberOf(self);
  uint32_t warpIndex = warpOf(self), lane = laneOf(self);
  Warp& warp = warps_[warpIndex];
  warp.alive &= ~(1u << lane);
  warp.runnable &= ~(1u << lane);
  if (!warp.runnable) ready_ &= ~(1u << warpIndex);
  if (fiber.last) fiber.last->readers &= ~(1u << lane);
  if (asyncUsed_) queues_[detailOf(self).slot].clear();
  alive_--;
  idlePolls_ = 0;
  progressed_ = true;
  if (units_ && units_->used) units_->stores[detailOf(self).slot].clear();
  if (cluster_) {
    cluster_->threadExited();
    cluster_->barrier().check(cluster_->aliveThreads());
  } else {
    clusterBarrier_.check(alive_);
  }
  if (open_ || warp.recent) afterExit(warp, warpIndex);
  if (alive_ == 0) {
    freeStacks_.push_back(detailOf(self).slot);
    switchStack(self->context, home_);
    return;
  }
  if (!pick(warpIndex, lane, false)) deadlock();
  if (!(warps_[warpIndex].started >> lane & 1)) {
    begin(self, warpIndex, lane);
    return;
  }
  freeStacks_.push_back(detailOf(self).slot);
  switchStack(self->context, warps_[warpIndex].lanes[lane]->context);
}

}  // namespace lab::simt
