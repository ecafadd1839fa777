#include "fault.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fiber.h"
#include "include/simt_api.h"
#include "lens/tracer.h"
#include "module.h"
#include "print_buffer.h"
#include "stacks.h"

namespace lab::simt {

namespace {

thread_local WorkerContext* worker = nullptr;
std::atomic<bool> dying{false};
constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
struct sigaction previous[64];

void copyText(char* to, size_t room, const char* from) {
  size_t length = strnlen(from, room - 1);
  std::memcpy(to, from, length);
  to[length] = 0;
}

// Ends the process; only the first thread to fault reports. Async-signal-safe with a fault page.
[[noreturn]] void die(const WorkerContext& context, const char* code, const char* message, uintptr_t sp, uintptr_t pc,
                      uintptr_t address) {
  if (dying.exchange(true)) {
    for (;;) pause();
  }
  FaultPage local;
  FaultPage& page = context.page ? *context.page : local;
  std::memset(&page, 0, sizeof page);
  copyText(page.code, sizeof page.code, code);
  copyText(page.message, sizeof page.message, message);
  page.address = address;
  const GridRun* grid = context.grid;
  if (grid) {
    copyText(page.kernel, sizeof page.kernel, grid->kernel);
    if (grid->module) {
      copyText(page.module, sizeof page.module, grid->module->path.c_str());
      if (grid->module->inText(pc)) page.pc = pc - grid->module->base;
    }
  }
  bool inGuard;
  if (grid && context.stacks->contains(sp, &inGuard)) {
    const lab_simt::ThreadView* view = context.stacks->viewAt(sp);
    const lab_simt::Id3& block = view->block->blockIdx;
    page.hasWhere = 1;
    page.block[0] = block.x;
    page.block[1] = block.y;
    page.block[2] = block.z;
    page.thread[0] = view->threadIdx.x;
    page.thread[1] = view->threadIdx.y;
    page.thread[2] = view->threadIdx.z;
  }
  if (context.page) {
    if (context.pageBytes > 4096) {
      page.printfBytes =
          uint32_t(context.print->copyTo(reinterpret_cast<char*>(context.page) + 4096, context.pageBytes - 4096));
    }
    __atomic_store_n(&page.magic, 0x4c414246u, __ATOMIC_RELEASE);
    _exit(kFaultExitCode);
  }
  std::fprintf(stderr, "kernel-lab: %s in kernel %s, block (%u,%u,%u), thread (%u,%u,%u): %s\n", page.code, page.kernel,
               page.block[0], page.block[1], page.block[2], page.thread[0], page.thread[1], page.thread[2],
               page.message);
  for (int signal : kSignals) ::signal(signal, SIG_DFL);
  std::abort();
}

#if defined(__x86_64__)
uintptr_t programCounter(const ucontext_t* c) { return uintptr_t(c->uc_mcontext.gregs[REG_RIP]); }
uintptr_t stackPointer(const ucontext_t* c) { return uintptr_t(c->uc_mcontext.gregs[REG_RSP]); }

// True for the moves that demand an aligned address: (v)movaps, movapd, movdqa, movntps, movntdq. The processor reports
// those like an address that is no address at all.
bool isAlignedMove(const uint8_t* code) {
  if (*code == 0xc5) {  // VEX and EVEX carry the 0f in their prefix
    code += 2;
  } else if (*code == 0xc4) {
    code += 3;
  } else if (*code == 0x62) {
    code += 4;
  } else {
    while (*code == 0x66 || *code == 0xf2 || *code == 0xf3) code++;
    if ((*code & 0xf0) == 0x40) code++;
    if (*code++ != 0x0f) return false;
  }
  uint8_t op = *code;
  return op == 0x28 || op == 0x29 || op == 0x2b || op == 0x6f || op == 0x7f || op == 0xe7;
}
#else
uintptr_t programCounter(const ucontext_t* c) { return uintptr_t(c->uc_mcontext.pc); }
uintptr_t stackPointer(const ucontext_t* c) { return uintptr_t(c->uc_mcontext.sp); }
bool isAlignedMove(const uint8_t*) { return false; }
#endif

// The place in the module: the program counter, or where the module called what it is in (libm, the runtime).
uintptr_t modulePc(const WorkerContext& context, uintptr_t pc, uintptr_t sp) {
  const Module* module = context.grid ? context.grid->module : nullptr;
  bool inGuard;
  if (!module || module->inKernel(pc) || !context.stacks->contains(sp, &inGuard) || inGuard) return pc;
  const auto* end = reinterpret_cast<const uintptr_t*>(context.stacks->viewAt(sp));
  for (auto* word = reinterpret_cast<const uintptr_t*>(sp & ~uintptr_t(7)); word < end; word++) {
    if (module->inKernel(*word)) return *word - 1;
  }
  return pc;
}

void describe(int signal, const siginfo_t* info, const WorkerContext& context, uintptr_t pc, const char** code,
              const char** message) {
  auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  bool inGuard = false;
  if (signal == timeLimitSignal()) {
    *code = "time-limit";
    *message = "the kernel ran longer than the device's time limit";
  } else if (signal == SIGSEGV && context.stacks->contains(address, &inGuard) && inGuard) {
    *code = "stack-overflow";
    *message = "a thread used more stack than the device gives it (option stackBytes)";
  } else if (signal == SIGBUS || (signal == SIGSEGV && info->si_code == SI_KERNEL && context.grid->module->inText(pc) &&
                                  isAlignedMove(reinterpret_cast<const uint8_t*>(pc)))) {
    *code = "misaligned-address";
    *message = "a vector was read or written at an address that is not a multiple of its size";
  } else if (signal == SIGSEGV) {
    *code = "illegal-address";
    *message = "memory was touched that belongs to no tensor";
  } else if (signal == SIGFPE) {
    *code = "integer-division";
    *message = "an integer was divided by zero, or the lowest by -1";
  } else {
    *code = "trap";
    *message = "the kernel executed a trap";
  }
}

void onSignal(int signal, siginfo_t* info, void* raw) {
  WorkerContext* context = worker;
  const auto* registers = static_cast<const ucontext_t*>(raw);
  if (!context || !context->grid) {
    if (signal == timeLimitSignal()) return;  // came just after the launch ended
    const struct sigaction& before = previous[signal];
    if (before.sa_flags & SA_SIGINFO) {
      before.sa_sigaction(signal, info, raw);
    } else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
      ::signal(signal, SIG_DFL);  // the instruction is repeated and ends the process as it always would
    } else {
      before.sa_handler(signal);
    }
    return;
  }
  // A traced launch ends at its next event, and the process lives on; one that has none is ended the second time.
  if (signal == timeLimitSignal() && context->grid->tracer && context->grid->tracer->expire()) return;
  uintptr_t pc = programCounter(registers), sp = stackPointer(registers);
  const char *code, *message;
  describe(signal, info, *context, pc, &code, &message);
  die(*context, code, message, sp, modulePc(*context, pc, sp),
      signal == SIGSEGV || signal == SIGBUS ? uintptr_t(info->si_addr) : 0);
}

}  // namespace

int timeLimitSignal() { return SIGRTMIN + 7; }

void installFaultHandlers() {
  static const bool once = [] {
    struct sigaction action {};
    action.sa_sigaction = onSignal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    for (int signal : kSignals) sigaction(signal, &action, &previous[signal]);
    sigaction(timeLimitSignal(), &action, &previous[timeLimitSignal()]);
    return true;
  }();
  (void)once;
}

void enterWorker(WorkerContext* context) {
  constexpr size_t kSignalStack = 64 * 1024;
  void* memory = mmap(nullptr, kSignalStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) {
    stack_t stack{};
    stack.ss_sp = memory;
    stack.ss_size = kSignalStack;
    sigaltstack(&stack, nullptr);
  }
  worker = context;
}

uintptr_t waitingPc(const ThreadView* waiting) {
  if (!worker || !worker->grid) return 0;
  const Module* module = worker->grid->module;
  auto pc = reinterpret_cast<uintptr_t>(waiting->context.pc);
  if (module->inKernel(pc)) return pc;
  uintptr_t found = modulePc(*worker, pc, reinterpret_cast<uintptr_t>(waiting->context.sp));
  return module->inKernel(found) ? found + 1 : 0;
}

void raiseFault(const char* code, const char* message, const char* file, uint32_t line, const void* site,
                const ThreadView* waiting) {
  char text[sizeof(FaultPage::message)];
  if (file) {
    std::snprintf(text, sizeof text, "%s:%u: %s", file, line, message);
  } else {
    std::snprintf(text, sizeof text, "%s", message);
  }
  static const WorkerContext nobody;
  const WorkerContext& context = worker ? *worker : nobody;
  auto sp = reinterpret_cast<uintptr_t>(waiting ? waiting->context.sp : __builtin_frame_address(0));
  // A return address lies behind its call, perhaps on the next line.
  auto stopped = reinterpret_cast<uintptr_t>(waiting ? waiting->context.pc : nullptr);
  uintptr_t pc = site ? reinterpret_cast<uintptr_t>(site) - 1 : modulePc(context, stopped, sp);
  die(context, code, text, sp, pc, 0);
}

}  // namespace lab::simt
