// Where threads of a block wait for one another: barriers, and the collectives of a warp.
#include <cstring>

#include "block.h"
#include "fault.h"

namespace lab::simt {

using lab_simt::kWarpSize;
using lab_simt::Votes;

bool Block::full(const Barrier& barrier) const {
  // Threads that have exited count as arrived, as on the hardware.
  return barrier.arrived >= (barrier.expected ? barrier.expected : alive_);
}

Votes Block::barrier(ThreadView* self, uint32_t id, uint32_t count, uint32_t predicate) {
  Barrier& barrier = barriers_[id];
  if (barrier.arrived++ == 0) barrier.expected = count;
  barrier.trues += predicate;
  if (full(barrier)) {
    release(id);
    return barrier.result;
  }
  open_ |= 1u << id;
  uint32_t warp = warpOf(self);
  if (!(barrier.warps >> warp & 1)) barrier.waiting[warp] = 0;
  barrier.warps |= 1u << warp;
  barrier.waiting[warp] |= 1u << laneOf(self);
  sleep(self, Wait::kBarrier, id);
  // The next result is written only once everybody has come again, and so has read this one.
  return barrier.result;
}

void Block::barrierArrive(uint32_t id, uint32_t count) {
  Barrier& barrier = barriers_[id];
  if (barrier.arrived++ == 0) barrier.expected = count;
  if (full(barrier)) release(id);
}

void Block::release(uint32_t id) {
  Barrier& barrier = barriers_[id];
  if (id == kGridBarrierId && !grid_->barrier->arrive()) {
    raiseFault("deadlock", "a block waits at the grid's barrier for blocks that have already exited", nullptr, 0, nullptr);
  }
  barrier.result = Votes{barrier.trues, barrier.arrived};
  barrier.arrived = barrier.trues = 0;
  open_ &= ~(1u << id);
  for (uint32_t warps = barrier.warps; warps; warps &= warps - 1) {
    uint32_t w = uint32_t(__builtin_ctz(warps));
    wake(w, barrier.waiting[w]);
  }
  barrier.warps = 0;
}

const void* Block::exchange(ThreadView* self, uint32_t mask, const void* value, uint32_t bytes, Wait kind) {
  Fiber& fiber = fiberOf(self);
  Warp& warp = *fiber.warp;
  uint32_t lane = laneOf(self), bit = 1u << lane;
  if (!(mask & bit)) {
    raiseFault("invalid-mask", "a warp collective was called by a lane that its mask does not name", nullptr, 0, fiber.site);
  }
  if (fiber.last) fiber.last->readers &= ~bit;
  Rendezvous& meeting = *warp.meeting(mask);
  if (!meeting.arrived) {
    meeting.bytes = bytes;
  } else if (meeting.bytes != bytes) {
    raiseFault("deadlock", "lanes of one warp met in different collectives under one mask", nullptr, 0, fiber.site);
  }
  uint8_t* slots = meeting.slot();
  if (bytes == 4) {
    std::memcpy(slots + lane * 4, value, 4);
  } else if (bytes == 8) {
    std::memcpy(slots + lane * 8, value, 8);
  } else if (bytes) {
    std::memcpy(slots + lane * bytes, value, bytes);
  }
  fiber.last = &meeting;
  meeting.arrived |= bit;
  if (warp.complete(meeting)) {
    wake(warpOf(self), warp.finish(meeting));
  } else {
    sleep(self, kind, mask);
  }
  return slots;
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
  Fiber& fiber = fiberOf(self);
  fiber.warp->parked |= 1u << laneOf(self);
  parked_ |= 1u << warpOf(self);
  sleep(self, Wait::kActiveMask, 0);
  return fiber.waitArg;
}

}  // namespace lab::simt
