// The parts of a Block that run at every barrier and shuffle, inlined into the runtime's entry points: a thread that
// waits is one call and one switch away from the next.
#pragma once
#include <cstring>

#include "block.h"
#include "context.h"

#define LAB_HOT inline __attribute__((always_inline))

namespace lab::simt {

LAB_HOT void Block::wake(uint32_t warp, uint32_t lanes) {
  warps_[warp].runnable |= lanes;
  ready_ |= 1u << warp;
}

LAB_HOT void Block::switchTo(ThreadView* self, ThreadView* next) {
  // A large block's stacks do not fit the first cache: fetch what will be needed two switches from now.
  const ThreadView* soon = next->successor;
  const char* stack = static_cast<const char*>(soon->context.sp);
  __builtin_prefetch(stack);
  __builtin_prefetch(stack + 64);
  __builtin_prefetch(stack + 128);
  __builtin_prefetch(soon->successor);
  switchStack(self->context, next->context);
}

// Suspends the calling thread until somebody wakes it.
template <bool Scheduled>
LAB_HOT void Block::sleep(ThreadView* self, Wait wait, uint32_t argument) {
  Fiber& fiber = fiberOf(self);
  fiber.wait = wait;
  fiber.waitArg = argument;
  Warp& own = warps_[warpOf(self)];
  uint32_t lane = laneOf(self);
  uint32_t runnable = own.runnable &= ~(1u << lane);
  // The next lane of the warp that has begun is the common case; a warp handed round keeps few stacks warm.
  uint32_t next = runnable & ~((2u << lane) - 1);
  if (!next) next = runnable;
  uint32_t at = uint32_t(__builtin_ctz(next | 0x80000000u));
  if (!Scheduled && __builtin_expect(next & own.started & (1u << at), 1)) {
    // Remembering who it was the last time takes the look-up off the critical path: only a branch checks the guess.
    if (__builtin_expect(self->schedulerWord != at, 0)) {
      self->schedulerWord = at;
      self->successor = own.lanes[at];
    }
    switchTo(self, self->successor);
  } else {
    ThreadView* other = pickElsewhere(self);
    self->schedulerWord = ~0u;
    self->successor = other;
    if (other != self) switchTo(self, other);
  }
}

LAB_HOT bool Block::full(const Barrier& barrier) const {
  // Threads that have exited count as arrived, as on the hardware.
  return barrier.arrived >= (barrier.expected ? barrier.expected : alive_);
}

template <bool Scheduled>
LAB_HOT lab_simt::Votes Block::barrier(ThreadView* self, uint32_t id, uint32_t count, uint32_t predicate) {
  if (__builtin_expect(sweep_.at != nullptr, 0)) settleSweep();
  Barrier& barrier = barriers_[id];
  if (barrier.arrived++ == 0) barrier.expected = count;
  barrier.trues += predicate;
  if (full(barrier)) {
    bool everybody = barrier.arrived == begun_ && begun_ == threads;
    release(id);
    if (everybody && id == 0) beginSweep(self->rank);
    return barrier.result;
  }
  open_ |= 1u << id;
  uint32_t warp = warpOf(self);
  barrier.warps |= 1u << warp;
  barrier.waiting[warp] |= 1u << laneOf(self);
  sleep<Scheduled>(self, Wait::kBarrier, id);
  // The next result is written only once everybody has come again, and so has read this one.
  return barrier.result;
}

// The meeting's slots lie at the answer; they stay until every reader has come to another meeting.
template <bool Scheduled>
LAB_HOT const void* Block::exchange(ThreadView* self, uint32_t mask, const void* value, uint32_t bytes, Wait kind) {
  if (__builtin_expect(sweep_.at != nullptr, 0)) settleSweep();
  Fiber& fiber = fiberOf(self);
  Warp& warp = warps_[warpOf(self)];
  uint32_t lane = laneOf(self), bit = 1u << lane;
  if (__builtin_expect(!(mask & bit), 0)) wrongMask();
  if (fiber.last) fiber.last->readers &= ~bit;
  Rendezvous* meeting = warp.recent;
  if (__builtin_expect(!meeting || meeting->mask != mask, 0)) meeting = warp.meeting(mask);
  if (!meeting->arrived) {
    meeting->bytes = bytes;
  } else if (__builtin_expect(meeting->bytes != bytes, 0)) {
    mixedCollectives();
  }
  uint8_t* slots = meeting->slot();
  if (bytes == 4) {
    std::memcpy(slots + lane * 4, value, 4);
  } else if (bytes == 8) {
    std::memcpy(slots + lane * 8, value, 8);
  } else if (bytes) {
    std::memcpy(slots + lane * bytes, value, bytes);
  }
  fiber.last = meeting;
  meeting->arrived |= bit;
  if (warp.complete(*meeting)) {
    wake(warpOf(self), warp.finish(*meeting));
  } else {
    sleep<Scheduled>(self, kind, mask);
  }
  return slots;
}

}  // namespace lab::simt
