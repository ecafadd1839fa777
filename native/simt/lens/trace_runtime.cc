#include "trace_runtime.h"

#include "../block_hot.h"
#include "../include/simt_api.h"
#include "../runtime.h"
#include "trace_hopper.h"
#include "tracer.h"

namespace lab::simt::lens {

namespace {

using lab_simt::Votes;

#define LAB_PC reinterpret_cast<uintptr_t>(__builtin_return_address(0))

// Tells a meeting: `arrive` now, `leave` when it goes out of scope, which is when the thread goes on.
class Meeting {
 public:
  Meeting(Kind arrive, Kind leave, uint64_t pc, uint32_t mask = 0, uint32_t bytes = 0, uint64_t aux = 0)
      : self_(lab_simt::self()), leave_(leave), pc_(pc), mask_(mask), bytes_(bytes), aux_(aux) {
    told_ = Tracer::current() && !(self_->lens & 0xffff);
    if (told_) Tracer::current()->tell(self_, arrive, pc, mask, bytes, aux);
  }
  ~Meeting() {
    if (told_ && Tracer::current()) Tracer::current()->tell(self_, leave_, pc_, mask_, bytes_, aux_);
  }
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

 private:
  ThreadView* self_;
  Kind leave_;
  uint64_t pc_;
  uint32_t mask_, bytes_;
  uint64_t aux_;
  bool told_;
};

void once(Kind kind, uint64_t pc, uint32_t mask = 0, uint64_t aux = 0) {
  if (Tracer* tracer = Tracer::current()) tracer->tell(lab_simt::self(), kind, pc, mask, 0, aux);
}

// The running thread's block where the launch has a schedule, which draws who goes on at a meeting; else null.
Block* scheduled(ThreadView* self) {
  Tracer* tracer = Tracer::current();
  return tracer && tracer->schedule() ? static_cast<Block*>(self->block) : nullptr;
}

void barrier(uint32_t id, uint32_t count) {
  Meeting meeting(Kind::kBarrierArrive, Kind::kBarrierLeave, LAB_PC, count, 0, id);
  ThreadView* self = lab_simt::self();
  Block* block = scheduled(self);
  if (block && !(id | count)) {
    block->barrier<true>(self, 0, 0, 0);
  } else {
    runtimeTable().barrier(id, count);
  }
}

void barrierArrive(uint32_t id, uint32_t count) {
  once(Kind::kBarrierArriveOnly, LAB_PC, count, id);
  runtimeTable().barrierArrive(id, count);
}

Votes barrierVote(uint32_t id, uint32_t count, uint32_t predicate) {
  Meeting meeting(Kind::kBarrierArrive, Kind::kBarrierLeave, LAB_PC, count, 0, id);
  return runtimeTable().barrierVote(id, count, predicate);
}

const void* warpExchange(uint32_t mask, const void* value, uint32_t bytes) {
  Meeting meeting(Kind::kWarpArrive, Kind::kWarpLeave, LAB_PC, mask, bytes);
  ThreadView* self = lab_simt::self();
  Block* block = scheduled(self);
  const void* shown = block ? block->exchange<true>(self, mask, value, bytes, Wait::kCollective)
                            : runtimeTable().warpExchange(mask, value, bytes);
  if (Tracer* tracer = Tracer::current()) tracer->hide(shown, uint64_t(bytes) * lab_simt::kWarpSize);
  return shown;
}

void warpSync(uint32_t mask) {
  Meeting meeting(Kind::kWarpArrive, Kind::kWarpLeave, LAB_PC, mask);
  ThreadView* self = lab_simt::self();
  if (Block* block = scheduled(self)) {
    block->exchange<true>(self, mask, nullptr, 0, Wait::kWarpSync);
  } else {
    runtimeTable().warpSync(mask);
  }
}

uint32_t activeMask(uint32_t place) {
  // Who is together is told by the call's address, which must be the module's.
  ThreadView* self = lab_simt::self();
  detailOf(self).site = LAB_PC ^ uint64_t(place) << 48;
  return static_cast<Block*>(self->block)->activeMask(self);
}

void waitUntil(bool (*ready)(void*), void* context, const char* what) {
  Meeting meeting(Kind::kPollArrive, Kind::kPollLeave, LAB_PC);
  runtimeTable().waitUntil(ready, context, what);
}

void gridBarrier() {
  Meeting meeting(Kind::kGridArrive, Kind::kGridLeave, LAB_PC);
  runtimeTable().gridBarrier();
}

void asyncCommit() {
  once(Kind::kAsyncCommit, LAB_PC);
  runtimeTable().asyncCommit();
}

void asyncWait(uint32_t keep) {
  once(Kind::kAsyncWait, LAB_PC, 0, keep == ~0u ? ~0ull : keep);
  runtimeTable().asyncWait(keep);
}

void step(lab_simt::StepMark mark, uint32_t key, const lab_simt::StepWatch* watch) {
  if (Tracer* tracer = Tracer::current())
    tracer->tell(lab_simt::self(), Kind::kStep, LAB_PC, key, uint32_t(mark), reinterpret_cast<uintptr_t>(watch));
}

}  // namespace

const lab_simt::Runtime& tracedRuntime() {
  static const lab_simt::Runtime table = [] {
    lab_simt::Runtime traced = runtimeTable();
    traced.barrier = barrier;
    traced.barrierArrive = barrierArrive;
    traced.barrierVote = barrierVote;
    traced.warpExchange = warpExchange;
    traced.warpSync = warpSync;
    traced.activeMask = activeMask;
    traced.waitUntil = waitUntil;
    traced.gridBarrier = gridBarrier;
    traced.asyncCommit = asyncCommit;
    traced.asyncWait = asyncWait;
    traced.hopper = &tracedHopper();
    traced.step = step;
    return traced;
  }();
  return table;
}

}  // namespace lab::simt::lens
