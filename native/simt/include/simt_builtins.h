/// printf, traps, clocks and other functions of the device itself.
#pragma once

#include <stdio.h>
#include <time.h>

#include "simt_api.h"

// --- output and failure -------------------------------------------------------------------------------------------

inline int __lab_printf(const char* format, ...) {
  va_list args;
  va_start(args, format);
  const int length = lab_simt::rt().print(format, args);
  va_end(args);
  return length;
}
namespace std {
using ::__lab_printf;
}
#define printf __lab_printf

namespace lab_simt {
/// What stands in the place of inline PTX: an error of the compiler where it is in code that a kernel runs.
void inline_ptx() __attribute__((error(
    "inline PTX has no CPU twin: put it behind #ifndef __KERNEL_LAB_CPU__ with plain C++ beside it, or use the wrappers "
    "of kernels/include")));
}  // namespace lab_simt

[[noreturn]] inline __attribute__((always_inline)) void __trap() {
  lab_simt::fault("trap", "the kernel called __trap()");
}
inline __attribute__((always_inline)) void __brkpt() { lab_simt::fault("trap", "the kernel called __brkpt()"); }
[[noreturn]] inline __attribute__((always_inline)) void __lab_assert_fail(const char* what, const char* file, unsigned line) {
  lab_simt::fault("assert", what, file, line);
}

// --- time ---------------------------------------------------------------------------------------------------------

inline long long clock64() { return static_cast<long long>(lab_simt::cycle_counter()); }
inline clock_t __lab_clock() { return static_cast<clock_t>(lab_simt::cycle_counter()); }
#define clock() __lab_clock()
inline unsigned long long __globaltimer() { return lab_simt::global_timer(); }
inline void __nanosleep(unsigned int) { lab_simt::yield(); }

// --- address spaces -----------------------------------------------------------------------------------------------

inline unsigned int __isLocal(const void* p) {
  return (reinterpret_cast<uintptr_t>(p) ^ reinterpret_cast<uintptr_t>(lab_simt::self())) < lab_simt::kSlotBytes;
}
inline unsigned int __isShared(const void* p) { return lab_simt::rt().isShared(p); }
inline unsigned int __isCtaShared(const void* p) { return __isShared(p); }
inline unsigned int __isGlobal(const void* p) { return !__isLocal(p) && !__isShared(p); }

// --- what the compiler is told ------------------------------------------------------------------------------------

inline void __prof_trigger(int) {}
#define __builtin_assume(expression)               \
  do {                                             \
    if (!(expression)) __builtin_unreachable();    \
  } while (0)
