// Where threads of a block wait for one another: what happens when a meeting is complete. Arriving is in block_hot.h.
#include "block_hot.h"
#include "fault.h"
#include "include/simt_api.h"

namespace lab::simt {

// Called when all threads have met at __syncthreads() and `first` is about to go on.
void Block::beginSweep(uint32_t first) {
  if (sweepHold_) {
    sweepHold_--;
    return;
  }
  sweepFirst_ = first;
  sweep_ = lab_simt::Sweep{order_ + first, order_, order_ + threads};
}

// The running thread does something else than coming to __syncthreads(): ends the sweep.
void Block::settleSweep() {
  uint32_t running = uint32_t(sweep_.at - order_);
  sweep_.at = nullptr;
  if (running == sweepFirst_) return;  // nobody waits
  Barrier& barrier = barriers_[0];
  barrier.expected = 0;
  for (uint32_t rank = sweepFirst_; rank != running; rank = rank + 1 < threads ? rank + 1 : 0) {
    uint32_t w = rank / lab_simt::kWarpSize, bit = 1u << rank % lab_simt::kWarpSize;
    barrier.arrived++;
    barrier.warps |= 1u << w;
    barrier.waiting[w] |= bit;
    if (!(warps_[w].runnable &= ~bit)) ready_ &= ~(1u << w);
    Fiber& fiber = fiberOf(order_[rank]);
    fiber.wait = Wait::kBarrier;
    fiber.waitArg = 0;
  }
  open_ |= 1;
  sweepHold_ = sweepPause_;
  if (sweepPause_ < kLongestPause) sweepPause_ *= 2;
}

void Block::barrierArrive(uint32_t id, uint32_t count) {
  if (sweep_.at) settleSweep();
  Barrier& barrier = barriers_[id];
  if (barrier.arrived++ == 0) barrier.expected = count;
  open_ |= 1u << id;
  if (full(barrier)) release(id);
}

void Block::release(uint32_t id) {
  Barrier& barrier = barriers_[id];
  if (id == kGridBarrierId && !arriveAtGrid()) {
    raiseFault("deadlock", "a block waits at the grid's barrier for blocks that have already exited");
  }
  barrier.result = lab_simt::Votes{barrier.trues, barrier.arrived};
  barrier.arrived = barrier.trues = 0;
  open_ &= ~(1u << id);
  for (uint32_t warps = barrier.warps; warps; warps &= warps - 1) {
    uint32_t w = uint32_t(__builtin_ctz(warps));
    wake(w, barrier.waiting[w]);
    barrier.waiting[w] = 0;
  }
  barrier.warps = 0;
}

// False: some blocks have exited and the rest can never all arrive. The blocks of a traced launch take turns on one worker.
bool Block::arriveAtGrid() {
  if (!grid_->tracer) return grid_->barrier->arrive();
  uint64_t meeting = grid_->barrier->announce();
  if (!meeting) deadlock();
  while (!grid_->barrier->over(meeting)) suspend(lab_simt::self());
  return true;
}

// Those who waited for a thread that has exited wait no longer.
void Block::afterExit(Warp& warp, uint32_t warpIndex) {
  for (uint32_t open = open_; open; open &= open - 1) {
    uint32_t id = uint32_t(__builtin_ctz(open));
    if (full(barriers_[id])) release(id);
  }
  for (auto& meeting : warp.meetings) {
    if (meeting->arrived && warp.complete(*meeting)) wake(warpIndex, warp.finish(*meeting));
  }
}

uint32_t Block::activeMask(ThreadView* self) {
  if (sweep_.at) settleSweep();
  Fiber& fiber = fiberOf(self);
  warps_[warpOf(self)].parked |= 1u << laneOf(self);
  parked_ |= 1u << warpOf(self);
  sleep(self, Wait::kActiveMask, 0);
  return fiber.waitArg;
}

void Block::wrongMask() {
  raiseFault("invalid-mask", "a warp collective was called by a lane that its mask does not name");
}

void Block::mixedCollectives() {
  raiseFault("deadlock", "lanes of one warp met in different collectives under one mask");
}

}  // namespace lab::simt
