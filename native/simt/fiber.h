// What the scheduler keeps of one CUDA thread, in the private part of its ThreadView.
#pragma once
#include <cstdint>

#include "context.h"
#include "include/simt_abi.h"

namespace lab::simt {

struct Rendezvous;

// What a thread is blocked on, for the report of a deadlock.
enum class Wait : uint32_t { kNone, kBarrier, kCollective, kWarpSync, kActiveMask, kCondition };

struct Fiber {
  Rendezvous* last;       // the collective whose slots it may still be reading
  Wait wait;
  uint32_t waitArg;       // barrier id or mask
};
// Seldom needed, so on the view's second cache line.
struct FiberDetail {
  uint64_t site;          // Wait::kActiveMask: the place of the call, which says who is together
  const char* what;       // Wait::kCondition: what it waits for
  uint32_t slot;          // which stack it stands on
};

using lab_simt::ThreadView;
static_assert(sizeof(Fiber) <= sizeof(ThreadView::scheduler) && sizeof(FiberDetail) <= sizeof(ThreadView::spare),
              "the scheduler's part must fit into the ThreadView");

inline Fiber& fiberOf(ThreadView* view) { return *reinterpret_cast<Fiber*>(view->scheduler); }
inline const Fiber& fiberOf(const ThreadView* view) { return *reinterpret_cast<const Fiber*>(view->scheduler); }
inline const FiberDetail& detailOf(const ThreadView* view) {
  return *reinterpret_cast<const FiberDetail*>(view->spare);
}
inline FiberDetail& detailOf(ThreadView* view) { return *reinterpret_cast<FiberDetail*>(view->spare); }
inline uint32_t laneOf(const ThreadView* view) { return view->rank % lab_simt::kWarpSize; }
inline uint32_t warpOf(const ThreadView* view) { return view->rank / lab_simt::kWarpSize; }

}  // namespace lab::simt
