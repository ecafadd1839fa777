// Which thread of a block runs next.
#include <sched.h>

#include <cstdio>
#include <string>

#include "block_hot.h"
#include "clock.h"
#include "fault.h"
#include "include/simt_api.h"
#include "lens/schedule.h"
#include "lens/tracer.h"

namespace lab::simt {

using lab_simt::kWarpSize;

namespace {
uint32_t lowest(uint32_t bits) { return uint32_t(__builtin_ctz(bits)); }
// The bits above bit `index`.
uint32_t above(uint32_t bits, uint32_t index) { return bits & ~((2u << index) - 1); }
}  // namespace

// Finds the next thread after (warp, lane). A thread that waits hands over within its warp as long as that has
// somebody to run, which keeps few stacks warm; one that yields moves on, so that every warp gets its turn.
bool Block::pick(uint32_t& warp, uint32_t& lane, bool leaveWarp) {
  if (grid_->schedule) return pickAny(warp, lane);
  Warp& own = warps_[warp];
  if (!own.runnable && own.parked) resolveParked(warp);
  uint32_t lanes = above(own.runnable, lane);
  if (!lanes && !leaveWarp) lanes = own.runnable;
  if (!lanes) {
    if (!findReady()) return false;
    uint32_t later = above(ready_, warp);
    warp = lowest(later ? later : ready_);
    lanes = warps_[warp].runnable;
  }
  lane = lowest(lanes);
  return true;
}

// Sees to it that somebody can run. False: nobody ever will.
bool Block::findReady() {
  while (!ready_) {
    if (parked_) {
      resolveParked(lowest(parked_));
    } else if (!wakePollers()) {
      return false;
    }
  }
  return true;
}

bool Block::pickAny(uint32_t& warp, uint32_t& lane) {
  if (!findReady()) return false;
  warp = grid_->schedule->oneOf(ready_);
  lane = grid_->schedule->oneOf(warps_[warp].runnable);
  return true;
}

void Block::interrupt(ThreadView* self) {
  if (grid_->schedule->leavesBlock()) {
    cluster_ ? void(passOnTurn(true)) : suspend(self);
  }
  uint32_t warp, lane;
  pickAny(warp, lane);  // the caller itself can run
  ThreadView* next = threadAt(warp, lane);
  if (next != self) switchTo(self, next);
}

ThreadView* Block::threadAt(uint32_t warp, uint32_t lane) {
  if (!(warps_[warp].started >> lane & 1)) begin(freshStack(), warp, lane);
  return warps_[warp].lanes[lane];
}

// For a thread that has just begun to wait: who goes on, where that is not simply the next lane.
ThreadView* Block::pickElsewhere(ThreadView* self) {
  uint32_t warp = warpOf(self), lane = laneOf(self);
  if (!warps_[warp].runnable) ready_ &= ~(1u << warp);
  if (fiberOf(self).wait != Wait::kCondition) idlePolls_ = 0;
  if (!pick(warp, lane, false)) deadlock();
  return threadAt(warp, lane);
}

void Block::yield(ThreadView* self) {
  if (sweep_.at) settleSweep();
  self->spin = kSpinBudget;
  idlePolls_ = 0;
  // Those parked or polling go on only when nobody else can; a thread that spins for ever must not keep them there.
  if (++yields_ % 64 == 0) {
    while (parked_) resolveParked(lowest(parked_));
    if (polling_) wakePollers();
  }
  // What it waits for may have to be done by another block, which here has no worker of its own.
  if (grid_->tracer && !cluster_ && yields_ % 16 == 0) suspend(self);
  uint32_t warp = warpOf(self), lane = laneOf(self);
  pick(warp, lane, true);
  ThreadView* next = threadAt(warp, lane);
  if (next != self) {
    switchTo(self, next);
  } else if (yields_ % 16 == 0) {
    if (cluster_) passOnTurn(true);
    sched_yield();  // alone: what it waits for is on another worker
  }
}

// Lanes parked at the same place as the lowest one are together; they go on.
void Block::resolveParked(uint32_t warp) {
  Warp& w = warps_[warp];
  uint64_t site = detailOf(w.lanes[lowest(w.parked)]).site;
  uint32_t together = 0;
  for (uint32_t lanes = w.parked; lanes; lanes &= lanes - 1) {
    if (detailOf(w.lanes[lowest(lanes)]).site == site) together |= lanes & -lanes;
  }
  for (uint32_t lanes = together; lanes; lanes &= lanes - 1) fiberOf(w.lanes[lowest(lanes)]).waitArg = together;
  w.parked &= ~together;
  if (!w.parked) parked_ &= ~(1u << warp);
  wake(warp, together);
}

void Block::waitUntil(ThreadView* self, bool (*ready)(void*), void* context, const char* what, uint32_t object) {
  while (!ready(context)) {
    if (sweep_.at) settleSweep();
    detailOf(self).what = what;
    warps_[warpOf(self)].polling |= 1u << laneOf(self);
    polling_ |= 1u << warpOf(self);
    sleep(self, Wait::kCondition, object);
  }
  idlePolls_ = 0;
  progressed_ = true;
}

// Lets every polling thread look again. False: all have looked, nothing else has run since, and nobody will.
bool Block::wakePollers() {
  if (!polling_) return false;
  if (idlePolls_++ > 1) {
    if (cluster_) {
      if (!letClusterRun()) return false;
    } else if (grid_->tracer) {
      // Blocks take turns: once all have looked again and none could go on, none ever will.
      if (grid_->blocks == 1 || idlePolls_ > 64) return false;
      suspend(lab_simt::self());
    } else {
      if (grid_->blocks == 1) return false;
      if (idlePolls_ == 3) idleSince_ = nanoseconds();
      if (nanoseconds() - idleSince_ > kPatience) return false;
      sched_yield();
    }
  }
  for (uint32_t warps = polling_; warps; warps &= warps - 1) {
    uint32_t w = lowest(warps);
    wake(w, warps_[w].polling);
    warps_[w].polling = 0;
  }
  polling_ = 0;
  return true;
}

// Nobody of this block can go on: perhaps another block of its cluster can. False: no.
bool Block::letClusterRun() {
  bool progressed = progressed_;
  progressed_ = false;
  idlePolls_ = 1;
  return passOnTurn(progressed);
}

// Lets the cluster's other blocks run. A traced launch that one of them has given up ends here too.
bool Block::passOnTurn(bool progressed) {
  lens::Tracer* tracer = grid_->tracer;
  if (!tracer) return cluster_->passOn(clusterRank, progressed);
  tracer->leaveBlock();
  const bool more = cluster_->passOn(clusterRank, progressed);
  tracer->enterBlock(*this, index_, stacks_, false);
  if (tracer->over()) {
    tracer->blockEnd();
    abandon();
  }
  return more;
}

// A traced launch ends here, and the process lives on.
void Block::tellStuck() const {
  for (uint32_t rank = 0; rank < threads; rank++) {
    const Warp& warp = warps_[rank / kWarpSize];
    uint32_t bit = 1u << rank % kWarpSize;
    if (!(warp.alive & warp.started & bit)) continue;
    const ThreadView* view = warp.lanes[rank % kWarpSize];
    const Fiber& fiber = fiberOf(view);
    if (view == suspended_) {  // the last of its block to come to the grid's barrier
      grid_->tracer->stuck(view, waitingPc(view), uint32_t(Wait::kBarrier), kGridBarrierId);
      continue;
    }
    if (warp.runnable & bit) continue;
    grid_->tracer->stuck(view, waitingPc(view), uint32_t(fiber.wait), fiber.waitArg);
  }
}

// Nobody can go on: says who waits where.
void Block::deadlock() {
  if (grid_->tracer && grid_->tracer->outlives()) {
    tellStuck();
    grid_->tracer->giveUp(lab_simt::self(), "deadlock");
  }
  static const char* const kPlaces[] = {
      "", "at a barrier", "in a warp collective", "in __syncwarp()", "at __activemask()", "for a condition"};
  struct Group {
    Wait wait;
    uint32_t arg;
    uint32_t count;
    const char* what;
    const ThreadView* first;
    std::string who;
  };
  std::vector<Group> groups;
  auto whatOf = [](const ThreadView* view) {
    return fiberOf(view).wait == Wait::kCondition ? detailOf(view).what : nullptr;
  };
  for (uint32_t rank = 0; rank < threads; rank++) {
    const Warp& warp = warps_[rank / kWarpSize];
    uint32_t bit = 1u << rank % kWarpSize;
    if (!(warp.alive & bit) || !(warp.started & bit)) continue;
    ThreadView* view = warp.lanes[rank % kWarpSize];
    const Fiber& fiber = fiberOf(view);
    Group* group = nullptr;
    for (Group& g : groups)
      if (g.wait == fiber.wait && g.arg == fiber.waitArg && g.what == whatOf(view)) group = &g;
    if (!group) {
      groups.push_back(Group{fiber.wait, fiber.waitArg, 0, whatOf(view), view, ""});
      group = &groups.back();
    }
    if (group->count++ < 3) {
      const lab_simt::Id3& id = view->threadIdx;
      group->who += (group->who.empty() ? "(" : ", (") + std::to_string(id.x) + "," + std::to_string(id.y) + "," +
                    std::to_string(id.z) + ")";
    }
  }
  std::string message = "no thread of the block can go on:";
  for (const Group& g : groups) {
    char place[320];
    if (g.wait == Wait::kBarrier && g.arg == 0) {
      std::snprintf(place, sizeof place, "at __syncthreads()");
    } else if (g.wait == Wait::kBarrier && g.arg == kGridBarrierId) {
      std::snprintf(place, sizeof place, "at the grid's barrier");
    } else if (g.wait == Wait::kBarrier) {
      std::snprintf(place, sizeof place, "at named barrier %u (%u arrived)", g.arg, barriers_[g.arg].arrived);
    } else if (g.wait == Wait::kCondition) {
      std::string what = g.what ? g.what : "a condition";
      if (g.arg) what += " " + describeMbarrier(g.arg);
      std::snprintf(place, sizeof place, "for %s", what.c_str());
    } else {
      std::snprintf(place, sizeof place, "%s with mask 0x%08x", kPlaces[unsigned(g.wait)], g.arg);
    }
    message += " " + std::to_string(g.count) + " of " + std::to_string(threads) + " threads wait " + place + " [" +
               g.who + (g.count > 3 ? ", ..." : "") + "];";
  }
  message += " " + std::to_string(threads - alive_) + " have exited";
  raiseFault("deadlock", message.c_str(), nullptr, 0, nullptr, groups.empty() ? nullptr : groups.front().first);
}

}  // namespace lab::simt
