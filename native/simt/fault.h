// How the CPU device dies: a fault of a kernel is written into the fault page, then the process ends.
//
// A CUDA context does not survive an illegal address either, so the two devices behave alike. Without a fault page (a
// device inside the notebook's own process) the fault is printed to stderr and the process aborts.
#pragma once
#include <cstddef>
#include <cstdint>

#include "../core/backend.h"
#include "fiber.h"
#include "grid.h"

namespace lab::simt {

constexpr int kFaultExitCode = 86;

class PrintBuffer;
class Stacks;

// What a signal handler needs to know of the worker it interrupts. Plain data, one a worker thread.
struct WorkerContext {
  const Stacks* stacks = nullptr;
  const GridRun* volatile grid = nullptr;  // null between launches
  FaultPage* page = nullptr;
  size_t pageBytes = 0;
  const PrintBuffer* print = nullptr;
};

// Where in the module a suspended thread of the calling worker stands: the address behind its call, or 0.
uintptr_t waitingPc(const ThreadView* waiting);

// Installs the handlers once a process; faults of threads that are no workers go to whoever handled them before.
void installFaultHandlers();
// Makes the calling thread a worker: its own signal stack, its context.
void enterWorker(WorkerContext* context);
// The signal that ends a worker whose launch has run too long.
int timeLimitSignal();

// Ends the device on behalf of the calling CUDA thread, or of `waiting`, one that is suspended. `site`: an address in
// the module whose line is to be shown; null: where the thread's kernel called the runtime.
[[noreturn]] void raiseFault(const char* code, const char* message, const char* file = nullptr, uint32_t line = 0,
                             const void* site = nullptr, const ThreadView* waiting = nullptr);

}  // namespace lab::simt
