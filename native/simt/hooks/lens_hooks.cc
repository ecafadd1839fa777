// The calls that -fsanitize=thread and -fsanitize-coverage=trace-pc put into a kernel module, defined for the lens.
//
// Built beside every module that is made for the lens, without instrumentation of its own, and linked into it; no
// runtime of a sanitizer takes part. Names and signatures are those of LLVM's interface, which g++ shares.
#include "../include/simt_api.h"
#include "../include/simt_lens.h"
#include "../lens/hook_table.h"

using lab::simt::lens::Access;
using lab::simt::lens::Flow;
using lab::simt::lens::FlowBuffer;
using lab::simt::lens::HookTable;
using lab_simt::ThreadView;

namespace {

const HookTable* lab_hooks = nullptr;

#define LAB_PC reinterpret_cast<uintptr_t>(__builtin_return_address(0))
#define LAB_INLINE inline __attribute__((always_inline))

// A ThreadView's `lens` word: depth of quiet sections, and the reach of its atomics above.
constexpr uint32_t kReachShift = 16, kQuietMask = 0xffff;

// The calling thread, or null when nothing it does is to be told.
LAB_INLINE ThreadView* watched() {
  if (!lab_hooks) return nullptr;
  ThreadView* self = lab_simt::self();
  return self->lens & kQuietMask ? nullptr : self;
}

LAB_INLINE uint32_t orderOf(const ThreadView* self, int memoryOrder) {
  // The word holds the reach's distance from the device's, so that zero is what most code means.
  uint32_t scope = (1 + (self->lens >> kReachShift)) % 3;
  return uint32_t(memoryOrder & 15) | scope << 4;
}

LAB_INLINE void went(ThreadView* self, Flow flow, uintptr_t pc) {
  FlowBuffer* buffer = lab_hooks->flow;
  *buffer->at++ = {uint32_t(pc - lab_hooks->base), uint16_t(self->rank), flow};
  if (buffer->at == buffer->end) lab_hooks->flowFull(self);
}

constexpr int kPlain = -1;  // no memory order: neither atomic nor volatile

LAB_INLINE void touched(Access access, const volatile void* at, uint32_t bytes, uintptr_t pc, int memoryOrder = kPlain) {
  ThreadView* self = watched();
  if (!self) return;
  auto address = reinterpret_cast<uintptr_t>(at);
  if ((address ^ reinterpret_cast<uintptr_t>(self)) < lab_simt::kSlotBytes) return;  // its own stack
  lab_hooks->access(self, access, pc, address, bytes, memoryOrder == kPlain ? 0 : orderOf(self, memoryOrder));
}

// What a compare-and-swap is told as depends on what it finds, so others run before it looks.
LAB_INLINE void pause(uintptr_t pc) {
  if (ThreadView* self = watched()) lab_hooks->pause(self, pc);
}

// An access wider than its type is aligned to: the GPU does it in pieces. The widest that the address can take.
LAB_INLINE void inPieces(Access access, const void* at, size_t bytes, uintptr_t pc) {
  auto address = reinterpret_cast<uintptr_t>(at);
  while (bytes > 0) {
    size_t piece = 4;
    while (address % piece != 0 || piece > bytes) piece /= 2;
    touched(access, reinterpret_cast<void*>(address), uint32_t(piece), pc);
    address += piece;
    bytes -= piece;
  }
}

// A copy of memory by the library: vectors where both ends allow them, bytes where not.
LAB_INLINE void inVectors(Access access, const void* at, size_t bytes, uintptr_t other, uintptr_t pc) {
  auto address = reinterpret_cast<uintptr_t>(at);
  while (bytes > 0) {
    size_t piece = 16;
    while (((address | other) % piece) != 0 || piece > bytes) piece /= 2;
    touched(access, reinterpret_cast<void*>(address), uint32_t(piece), pc);
    address += piece;
    other += piece;
    bytes -= piece;
  }
}

// Byte by byte, in the order that overlapping ranges ask for; the asm keeps the compiler from making a call of the loop.
LAB_INLINE void moveBytes(char* to, const char* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    size_t at = to <= from ? i : bytes - 1 - i;
    to[at] = from[at];
    asm volatile("" ::: "memory");
  }
}

}  // namespace

#pragma GCC visibility push(hidden)
extern "C" {

__attribute__((visibility("default"))) void lab_lens_attach(const HookTable* table) { lab_hooks = table; }

void lab_lens_quiet(int32_t change) {
  if (!lab_hooks) return;
  ThreadView* self = lab_simt::self();
  if (!(self->lens & kQuietMask)) self->lensBlock = 0;
  self->lens += uint32_t(change);
  // Of a block entered meanwhile the rest is the kernel's, where the quiet section was inlined into it.
  if (!(self->lens & kQuietMask) && self->lensBlock) went(self, Flow::kBranch, self->lensBlock);
}
void lab_lens_scope(uint32_t scope) {
  if (!lab_hooks) return;
  ThreadView* self = lab_simt::self();
  self->lens = (self->lens & kQuietMask) | ((scope + 2) % 3) << kReachShift;
}
void lab_lens_operation(uint32_t operation, const void* address, const void* other, uint32_t bytes, uint32_t extra) {
  ThreadView* self = watched();
  if (!self) return;
  const bool atomic = operation == uint32_t(lab_simt::lens::Operation::kAtomicUpdate);
  lab_hooks->operation(self, operation, LAB_PC, address, other, bytes, atomic ? orderOf(self, int(extra)) : extra);
}

void __tsan_init() {}
void __tsan_func_entry(void* caller) {
  if (ThreadView* self = watched()) went(self, Flow::kEnter, reinterpret_cast<uintptr_t>(caller));
}
void __tsan_func_exit() {
  if (ThreadView* self = watched()) went(self, Flow::kLeave, LAB_PC);
}
void __sanitizer_cov_trace_pc() {
  if (!lab_hooks) return;
  ThreadView* self = lab_simt::self();
  if (self->lens & kQuietMask) {
    self->lensBlock = LAB_PC;
  } else {
    went(self, Flow::kBranch, LAB_PC);
  }
}

#define LAB_ACCESS(BYTES)                                                                                      \
  void __tsan_read##BYTES(void* at) { touched(Access::kRead, at, BYTES, LAB_PC); }                             \
  void __tsan_write##BYTES(void* at) { touched(Access::kWrite, at, BYTES, LAB_PC); }                           \
  void __tsan_volatile_read##BYTES(void* at) { touched(Access::kRead, at, BYTES, LAB_PC, __ATOMIC_RELAXED); }  \
  void __tsan_volatile_write##BYTES(void* at) { touched(Access::kWrite, at, BYTES, LAB_PC, __ATOMIC_RELAXED); } \
  void __tsan_unaligned_read##BYTES(void* at) { inPieces(Access::kRead, at, BYTES, LAB_PC); }                  \
  void __tsan_unaligned_write##BYTES(void* at) { inPieces(Access::kWrite, at, BYTES, LAB_PC); }                \
  void __tsan_unaligned_volatile_read##BYTES(void* at) { inPieces(Access::kRead, at, BYTES, LAB_PC); }         \
  void __tsan_unaligned_volatile_write##BYTES(void* at) { inPieces(Access::kWrite, at, BYTES, LAB_PC); }       \
  void __tsan_read_write##BYTES(void* at) {                                                                    \
    touched(Access::kRead, at, BYTES, LAB_PC);                                                                 \
    touched(Access::kWrite, at, BYTES, LAB_PC);                                                                \
  }                                                                                                            \
  void __tsan_unaligned_read_write##BYTES(void* at) {                                                          \
    inPieces(Access::kRead, at, BYTES, LAB_PC);                                                                \
    inPieces(Access::kWrite, at, BYTES, LAB_PC);                                                               \
  }
LAB_ACCESS(1)
LAB_ACCESS(2)
LAB_ACCESS(4)
LAB_ACCESS(8)
LAB_ACCESS(16)

void __tsan_read_range(void* at, size_t bytes) { inPieces(Access::kRead, at, bytes, LAB_PC); }
void __tsan_write_range(void* at, size_t bytes) { inPieces(Access::kWrite, at, bytes, LAB_PC); }
void __tsan_vptr_read(void** at) { touched(Access::kRead, at, sizeof(void*), LAB_PC); }
void __tsan_vptr_update(void** at, void*) { touched(Access::kWrite, at, sizeof(void*), LAB_PC); }

// Copies and fills by the library. g++ and clang before 15 leave the call as it is, so its name is taken here, for this
// module alone; clang from 15 on calls by the longer name.
#define LAB_COPY(NAME)                                                                             \
  void* NAME(void* to, const void* from, size_t bytes) {                                           \
    inVectors(Access::kRead, from, bytes, reinterpret_cast<uintptr_t>(to), LAB_PC);                \
    inVectors(Access::kWrite, to, bytes, reinterpret_cast<uintptr_t>(from), LAB_PC);               \
    moveBytes(static_cast<char*>(to), static_cast<const char*>(from), bytes);                      \
    return to;                                                                                     \
  }
LAB_COPY(memcpy)
LAB_COPY(memmove)
LAB_COPY(__tsan_memcpy)
LAB_COPY(__tsan_memmove)
#define LAB_FILL(NAME)                                                                             \
  void* NAME(void* to, int value, size_t bytes) {                                                  \
    inVectors(Access::kWrite, to, bytes, 0, LAB_PC);                                               \
    for (size_t i = 0; i < bytes; i++) {                                                           \
      static_cast<char*>(to)[i] = char(value);                                                     \
      asm volatile("" ::: "memory");                                                               \
    }                                                                                              \
    return to;                                                                                     \
  }
LAB_FILL(memset)
LAB_FILL(__tsan_memset)

// Atomics are done here, as the compiler would have done them, and told first: nothing runs in between.
#define LAB_ATOMIC_OP(BITS, T, NAME, BUILTIN)                                                \
  T __tsan_atomic##BITS##_fetch_##NAME(volatile T* at, T value, int order) {                 \
    pause(LAB_PC);                                                                           \
    touched(Access::kAtomicUpdate, at, sizeof(T), LAB_PC, order);                            \
    return BUILTIN(at, value, __ATOMIC_SEQ_CST);                                             \
  }
#define LAB_ATOMIC(BITS, T)                                                                  \
  T __tsan_atomic##BITS##_load(const volatile T* at, int order) {                            \
    touched(Access::kAtomicRead, at, sizeof(T), LAB_PC, order);                              \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                            \
  }                                                                                          \
  void __tsan_atomic##BITS##_store(volatile T* at, T value, int order) {                     \
    touched(Access::kAtomicWrite, at, sizeof(T), LAB_PC, order);                             \
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                           \
  }                                                                                          \
  T __tsan_atomic##BITS##_exchange(volatile T* at, T value, int order) {                     \
    pause(LAB_PC);                                                                           \
    touched(Access::kAtomicUpdate, at, sizeof(T), LAB_PC, order);                            \
    return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);                                 \
  }                                                                                          \
  LAB_ATOMIC_OP(BITS, T, add, __atomic_fetch_add)                                            \
  LAB_ATOMIC_OP(BITS, T, sub, __atomic_fetch_sub)                                            \
  LAB_ATOMIC_OP(BITS, T, and, __atomic_fetch_and)                                            \
  LAB_ATOMIC_OP(BITS, T, or, __atomic_fetch_or)                                              \
  LAB_ATOMIC_OP(BITS, T, xor, __atomic_fetch_xor)                                            \
  LAB_ATOMIC_OP(BITS, T, nand, __atomic_fetch_nand)                                          \
  int __tsan_atomic##BITS##_compare_exchange_strong(volatile T* at, T* seen, T value, int order, int) { \
    pause(LAB_PC);                                                                           \
    bool same = __atomic_load_n(at, __ATOMIC_SEQ_CST) == *seen;                              \
    touched(same ? Access::kAtomicUpdate : Access::kAtomicFailed, at, sizeof(T), LAB_PC, order); \
    return __atomic_compare_exchange_n(at, seen, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
  }                                                                                          \
  int __tsan_atomic##BITS##_compare_exchange_weak(volatile T* at, T* seen, T value, int order, int) { \
    pause(LAB_PC);                                                                           \
    bool same = __atomic_load_n(at, __ATOMIC_SEQ_CST) == *seen;                              \
    touched(same ? Access::kAtomicUpdate : Access::kAtomicFailed, at, sizeof(T), LAB_PC, order); \
    return __atomic_compare_exchange_n(at, seen, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
  }                                                                                          \
  T __tsan_atomic##BITS##_compare_exchange_val(volatile T* at, T expected, T value, int order, int) { \
    T seen = expected;                                                                       \
    pause(LAB_PC);                                                                           \
    bool same = __atomic_load_n(at, __ATOMIC_SEQ_CST) == expected;                           \
    touched(same ? Access::kAtomicUpdate : Access::kAtomicFailed, at, sizeof(T), LAB_PC, order); \
    __atomic_compare_exchange_n(at, &seen, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    return seen;                                                                             \
  }
LAB_ATOMIC(8, uint8_t)
LAB_ATOMIC(16, uint16_t)
LAB_ATOMIC(32, uint32_t)
LAB_ATOMIC(64, uint64_t)

// __threadfence orders for the device; __threadfence_block is, to the host, a fence for the compiler alone.
void __tsan_atomic_thread_fence(int order) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (ThreadView* self = watched()) lab_hooks->fence(self, LAB_PC, uint32_t(order & 15) | 1u << 4);
}
void __tsan_atomic_signal_fence(int order) {
  if (ThreadView* self = watched()) lab_hooks->fence(self, LAB_PC, uint32_t(order & 15));
}

#include "check_hooks.inc.h"

}  // extern "C"
#pragma GCC visibility pop
