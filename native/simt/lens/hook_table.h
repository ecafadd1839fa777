// What an instrumented kernel module calls while one of its launches is traced.
//
// The module's compiler puts a call before every access and at every basic block; hooks/lens_hooks.cc, linked into
// the module, defines those calls and hands them on through this table. Without a table they return at once.
#pragma once
#include <cstdint>

#include "../include/simt_abi.h"

namespace lab::simt::lens {

constexpr uint32_t kHookVersion = 2;

enum class Access : uint32_t { kRead, kWrite, kAtomicRead, kAtomicWrite, kAtomicUpdate, kAtomicFailed };

struct HookTable {
  uint32_t version;
  // `pc`: return address in the module. Never called for the thread's own stack.
  void (*access)(lab_simt::ThreadView* self, Access access, uint64_t pc, uint64_t address, uint32_t bytes, uint32_t order);
  void (*fence)(lab_simt::ThreadView* self, uint64_t pc, uint32_t order);
  void (*branch)(lab_simt::ThreadView* self, uint64_t pc);
  void (*enter)(lab_simt::ThreadView* self, uint64_t pc, uint64_t caller);
  void (*leave)(lab_simt::ThreadView* self, uint64_t pc);
  // What the device headers say of an operation of theirs (simt_lens.h).
  void (*operation)(lab_simt::ThreadView* self, uint32_t operation, uint64_t pc, const void* address, const void* other,
                    uint32_t bytes, uint32_t extra);
  // A place where other threads may run: an atomic update's, before it looks; other accesses are such places themselves.
  void (*pause)(lab_simt::ThreadView* self, uint64_t pc);
};

// The instrumented module's entry: null ends the tracing.
using AttachHooks = void (*)(const HookTable*);
constexpr const char* kAttachHooks = "lab_lens_attach";

}  // namespace lab::simt::lens
