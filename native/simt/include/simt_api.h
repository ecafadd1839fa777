// What the lab's own device headers build on when the CPU runs a kernel: who am I, and how threads meet.
//
// Internal and stable: kernel_lab_device.h and the type, math and cooperative-groups headers use it; kernels do not.
#pragma once
#include <cstring>

#include "simt_abi.h"

namespace lab_simt {

// Set once by the loading runtime.
__attribute__((visibility("hidden"))) inline const Runtime* runtime_table = nullptr;
inline const Runtime& rt() { return *runtime_table; }

// --- identity ---------------------------------------------------------------------------------------------------

// The calling CUDA thread. The asm is not volatile on purpose: a frame never changes its thread, so the compiler may
// compute this once a function.
inline __attribute__((always_inline)) ThreadView* self() {
  uintptr_t sp;
#if defined(__x86_64__)
  asm("movq %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
  asm("mov %0, sp" : "=r"(sp));
#else
#error "the CPU device knows x86-64 and aarch64"
#endif
  uintptr_t top = (sp | (kSlotBytes - 1)) + 1;
  uintptr_t colour = (sp >> kSlotLog2) & (kColours - 1);
  return reinterpret_cast<ThreadView*>(top - kViewBytes * (colour + 1));
}

// Loads a field that is constant while the thread runs. An asm with no memory operand: the compiler may keep the
// value over calls and stores, which a plain load could not be.
template <size_t Offset>
inline __attribute__((always_inline)) uint32_t constant_u32(const void* base) {
  uint32_t value;
#if defined(__x86_64__)
  asm("movl %c2(%1), %0" : "=r"(value) : "r"(base), "i"(Offset));
#else
  asm("ldr %w0, [%1, %2]" : "=r"(value) : "r"(base), "i"(Offset));
#endif
  return value;
}
template <size_t Offset>
inline __attribute__((always_inline)) void* constant_ptr(const void* base) {
  void* value;
#if defined(__x86_64__)
  asm("movq %c2(%1), %0" : "=r"(value) : "r"(base), "i"(Offset));
#else
  asm("ldr %0, [%1, %2]" : "=r"(value) : "r"(base), "i"(Offset));
#endif
  return value;
}
template <size_t Offset>
inline __attribute__((always_inline)) Id3 constant_id(const void* base) {
  return Id3{constant_u32<Offset>(base), constant_u32<Offset + 4>(base), constant_u32<Offset + 8>(base)};
}

inline BlockView* block() { return static_cast<BlockView*>(constant_ptr<offsetof(ThreadView, block)>(self())); }
inline Id3 thread_idx() { return constant_id<offsetof(ThreadView, threadIdx)>(self()); }
inline Id3 block_idx() { return constant_id<offsetof(BlockView, blockIdx)>(block()); }
inline Id3 block_dim() { return constant_id<offsetof(BlockView, blockDim)>(block()); }
inline Id3 grid_dim() { return constant_id<offsetof(BlockView, gridDim)>(block()); }
inline uint32_t thread_rank() { return constant_u32<offsetof(ThreadView, rank)>(self()); }
inline uint32_t lane_id() { return thread_rank() % kWarpSize; }
inline uint32_t warp_id() { return thread_rank() / kWarpSize; }
inline uint32_t block_threads() { return constant_u32<offsetof(BlockView, threads)>(block()); }
inline void* dynamic_shared() { return constant_ptr<offsetof(BlockView, dynamicShared)>(block()); }
inline bool is_cooperative() { return block()->cooperative != 0; }

// --- meeting ----------------------------------------------------------------------------------------------------

inline void barrier(uint32_t id, uint32_t count) { rt().barrier(id, count); }
inline __attribute__((always_inline)) Sweep* sweep() {
  return reinterpret_cast<Sweep*>(static_cast<char*>(__builtin_thread_pointer()) + rt().sweepOffset);
}
#if defined(__SANITIZE_THREAD__)
#define LAB_TRACED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LAB_TRACED 1
#endif
#endif
// __syncthreads(). In a sweep the thread hands over right here, inside the kernel: only what is live is saved. A module
// instrumented for the lens always asks the runtime, which may be a tracing one.
inline __attribute__((always_inline)) void barrier() {
#if defined(LAB_TRACED)
  rt().barrier(0, 0);
#else
  Sweep* order = sweep();
  ThreadView** here = order->at;
  if (__builtin_expect(here != nullptr, 1)) {
    ThreadView** next = here + 1;
    if (next == order->end) next = order->begin;
    order->at = next;
    switchStack((*here)->context, (*next)->context);
  } else {
    rt().barrier(0, 0);
  }
#endif
}
inline void barrier_arrive(uint32_t id, uint32_t count) { rt().barrierArrive(id, count); }
inline Votes barrier_vote(bool predicate, uint32_t id = 0, uint32_t count = 0) {
  return rt().barrierVote(id, count, predicate ? 1u : 0u);
}
inline void grid_barrier() { rt().gridBarrier(); }
inline void warp_sync(uint32_t mask) { rt().warpSync(mask); }
inline __attribute__((always_inline)) uint32_t active_mask(uint32_t place = 0) { return rt().activeMask(place); }

// All lanes of `mask` meet and show each other `bytes` bytes; lane i's lie at answer + i * bytes.
inline const void* warp_exchange(uint32_t mask, const void* value, uint32_t bytes) {
  return rt().warpExchange(mask, value, bytes);
}
// The typed form: answer[i] is lane i's value (of lanes not in the mask: anything).
template <typename T>
inline const T* warp_exchange(uint32_t mask, const T& value) {
  static_assert(sizeof(T) <= kMaxExchangeBytes && __is_trivially_copyable(T), "exchange plain values of <= 64 bytes");
  return static_cast<const T*>(rt().warpExchange(mask, &value, sizeof(T)));
}

// --- letting others run -----------------------------------------------------------------------------------------

inline void yield() { rt().yield(); }
inline void wait_until(bool (*ready)(void*), void* context, const char* what) { rt().waitUntil(ready, context, what); }
template <typename F>
inline void wait_until(const F& ready, const char* what) {
  rt().waitUntil([](void* f) -> bool { return (*static_cast<const F*>(f))(); }, const_cast<F*>(&ready), what);
}
// Called by operations that code spins on: now and then the thread lets the rest of its block run.
inline void spin_hint(int32_t weight = 1) {
  ThreadView* me = self();
  if ((me->spin -= weight) <= 0) rt().yield();
}

// --- faults, async copies, time ---------------------------------------------------------------------------------

[[noreturn]] inline void fault(const char* code, const char* message, const char* file = nullptr, uint32_t line = 0) {
  rt().fault(code, message, file, line);
  __builtin_unreachable();
}
// cp.async: `effect(payload)` runs when async_wait reaches its group; payload at most 48 bytes, copied.
template <typename P>
inline void async_defer(void (*effect)(void*), const P& payload) {
  static_assert(sizeof(P) <= kMaxDeferBytes && __is_trivially_copyable(P), "a deferred effect carries <= 48 plain bytes");
  rt().asyncDefer(effect, &payload, sizeof(P));
}
inline void async_commit() { rt().asyncCommit(); }
inline void async_wait(uint32_t keep) { rt().asyncWait(keep); }
inline void async_wait_all() { rt().asyncWait(~0u); }
inline uint64_t global_timer() { return rt().globalTimer(); }
inline uint64_t cycle_counter() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  uint64_t value;
  asm volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
#endif
}

}  // namespace lab_simt
