/// What the device headers tell the lens: operations that are one instruction of the hardware, and what not to look at.
///
/// All of it vanishes unless the module is built for the lens (__KERNEL_LAB_LENS__).
#pragma once

#include "simt_api.h"

namespace lab_simt {
namespace lens {

enum class Operation : uint32_t { kAtomicUpdate, kMatrixRead, kAsyncIssue, kAsyncWrite };

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
struct Reach {
  explicit Reach(uint32_t) {}
};

#endif

}  // namespace lens
}  // namespace lab_simt

/// An operation that the lens counts by its calls: kept out of line and unseen inside.
#ifdef __KERNEL_LAB_LENS__
#if defined(__clang__)
#define LAB_LENS_UNSEEN __attribute__((noinline, no_sanitize("thread"), no_sanitize("coverage")))
#elif __GNUC__ >= 12
#define LAB_LENS_UNSEEN __attribute__((noinline, no_sanitize("thread"), no_sanitize_coverage))
#else
#define LAB_LENS_UNSEEN __attribute__((noinline, no_sanitize("thread")))
#endif
#else
#define LAB_LENS_UNSEEN
#endif
