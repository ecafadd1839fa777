// What an instrumented kernel module calls while one of its launches is traced.
//
// The module's compiler puts a call before every access and at every basic block; hooks/lens_hooks.cc, linked into
// the module, defines those calls and hands them on through this table. Without a table they return at once.
#pragma once
#include <cstdint>

#include "../include/simt_abi.h"

namespace lab::simt::lens {

constexpr uint32_t kHookVersion = 3;

enum class Access : uint32_t { kRead, kWrite, kAtomicRead, kAtomicWrite, kAtomicUpdate, kAtomicFailed };

// Where the module writes down its control flow, for the table's owner to read before anything else is told: there are
// more of these than of all events together, and a call for each would cost more than the rest.
enum class Flow : uint16_t {
  kBranch,  // `pc` is in the basic block entered
  kEnter,   // a function was called from `pc`
  kLeave,   // `pc` is where a function ends
};
struct FlowMark {
  uint32_t pc;      // relative to the table's `base`
  uint16_t thread;  // ThreadView::rank
  Flow flow;
};
struct FlowBuffer {
  FlowMark* at;     // the next to be written; there is always room for one
  FlowMark* end;
};

struct HookTable {
  uint32_t version;
  uint64_t base;  // where the module lies
  FlowBuffer* flow;
  // `pc`: return address in the module. Never called for the thread's own stack.
  void (*access)(lab_simt::ThreadView* self, Access access, uint64_t pc, uint64_t address, uint32_t bytes, uint32_t order);
  void (*fence)(lab_simt::ThreadView* self, uint64_t pc, uint32_t order);
  // The buffer of control flow is full and must be emptied; `self` wrote last.
  void (*flowFull)(lab_simt::ThreadView* self);
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
