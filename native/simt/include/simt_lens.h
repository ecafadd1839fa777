/// What the device headers tell the lens: operations that are one instruction of the hardware, and what not to look at.
///
/// All of it vanishes unless the module is built for the lens (__KERNEL_LAB_LENS__).
#pragma once

#include "simt_api.h"

namespace lab_simt {
namespace lens {

enum class Operation : uint32_t {
  kAtomicUpdate, kMatrixRead, kAsyncIssue, kAsyncWrite,
  kShuffleSource,         // `other`: the lane whose value the coming shuffle takes
  kRelease, kAcquire,     // of the object at `address`; `other` of a release: how
  kOverflow, kBadIndex, kMisaligned  // the compiler's own checks (hooks/check_hooks.inc.h)
};

enum class Release : uint32_t { kNow, kArrival, kLastArrival };

#ifdef __KERNEL_LAB_LENS__

extern "C" void lab_lens_operation(uint32_t operation, const void* address, const void* other, uint32_t bytes,
                                   uint32_t extra);
extern "C" void lab_lens_quiet(int32_t change);
extern "C" void lab_lens_scope(uint32_t scope);

/// While it lives, what the calling thread does is the device's own business: nothing of it is an access of the kernel.
struct Quiet {
  Quiet() { lab_lens_quiet(1); }
  ~Quiet() { lab_lens_quiet(-1); }
  Quiet(const Quiet&) = delete;
};

inline __attribute__((always_inline)) void tell(Operation operation, const void* address, uint32_t bytes,
                                                const void* other = nullptr, uint32_t extra = 0) {
  lab_lens_operation(static_cast<uint32_t>(operation), address, other, bytes, extra);
}

/// What the thread did is known to whoever acquires the object later, at once or when the last arrival ends the phase.
inline __attribute__((always_inline)) void release(const void* object, Release how = Release::kNow) {
  tell(Operation::kRelease, object, 0, reinterpret_cast<const void*>(static_cast<size_t>(how)));
}
inline __attribute__((always_inline)) void acquire(const void* object) { tell(Operation::kAcquire, object, 0); }
/// The lane that the shuffle about to meet will take its value from.
inline __attribute__((always_inline)) void shuffle_source(int lane) {
  tell(Operation::kShuffleSource, nullptr, 0, reinterpret_cast<const void*>(static_cast<size_t>(lane)));
}

/// Atomics within reach only to the block (0), the device (1) or the system (2) while it lives.
struct Reach {
  explicit Reach(uint32_t scope) { lab_lens_scope(scope); }
  ~Reach() { lab_lens_scope(1); }
};

#else

struct Quiet {
  Quiet() {}
};
inline __attribute__((always_inline)) void tell(Operation, const void*, uint32_t, const void* = nullptr, uint32_t = 0) {}
inline __attribute__((always_inline)) void release(const void*, Release = Release::kNow) {}
inline __attribute__((always_inline)) void acquire(const void*) {}
inline __attribute__((always_inline)) void shuffle_source(int) {}
struct Reach {
  explicit Reach(uint32_t) {}
};

#endif

}  // namespace lens
}  // namespace lab_simt

/// An operation that the lens counts by its calls (lib/src/lens/operations.ts): kept out of line and unseen inside.
#ifdef __KERNEL_LAB_LENS__
#if defined(__clang__)
#define LAB_LENS_UNSEEN __attribute__((noinline, no_sanitize("thread"), no_sanitize("coverage")))
#elif __GNUC__ >= 12
#define LAB_LENS_UNSEEN __attribute__((noinline, no_sanitize("thread"), no_sanitize_coverage))
#else
#define LAB_LENS_UNSEEN __attribute__((noinline, no_sanitize("thread")))
#endif
#define LAB_LENS_INLINED LAB_LENS_UNSEEN
#else
#define LAB_LENS_UNSEEN
#define LAB_LENS_INLINED __attribute__((always_inline))
#endif
