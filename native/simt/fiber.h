// What the scheduler keeps of one CUDA thread, in the private part of its ThreadView.
#pragma once
#include <cstdint>

#include "include/simt_abi.h"

namespace lab::simt {

class Block;
struct Warp;
struct Rendezvous;
class AsyncQueue;

// What a thread is blocked on, for the report of a deadlock.
enum class Wait : uint32_t { kNone, kBarrier, kCollective, kWarpSync, kActiveMask, kCondition };

struct Fiber {
  void* sp;               // where it stopped
  Warp* warp;
  Rendezvous* last;       // the collective whose slots it may still be reading
  AsyncQueue* async;      // its deferred copies, or null
  const void* site;       // return address of the runtime call it is in
  const char* what;       // kCondition: what it waits for
  Wait wait;
  uint32_t waitArg;       // barrier id or mask
  uint32_t slot;          // which stack it stands on
};
static_assert(sizeof(Fiber) <= sizeof(lab_simt::ThreadView::runtime), "Fiber must fit into the ThreadView");

using lab_simt::ThreadView;
inline Fiber& fiberOf(ThreadView* view) { return *reinterpret_cast<Fiber*>(view->runtime); }
inline uint32_t laneOf(const ThreadView* view) { return view->rank % lab_simt::kWarpSize; }
inline uint32_t warpOf(const ThreadView* view) { return view->rank / lab_simt::kWarpSize; }

}  // namespace lab::simt
