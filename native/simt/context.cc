#include "context.h"

#include <cstdint>

namespace lab::simt {

// Where a stack that has never run is switched to: takes the function and its argument from the stack.
#if defined(__x86_64__)
asm(R"(
.text
.p2align 4
.hidden lab_simt_start
.type lab_simt_start, @function
lab_simt_start:
  endbr64
  popq %rax
  popq %rdi
  call *%rax
  ud2
.size lab_simt_start, .-lab_simt_start
)");
#else
asm(R"(
.text
.p2align 4
.hidden lab_simt_start
.type lab_simt_start, %function
lab_simt_start:
  hint #36
  ldp x10, x0, [sp], #16
  blr x10
  brk #1
.size lab_simt_start, .-lab_simt_start
)");
#endif
extern "C" void lab_simt_start();

Context prepareStack(void* top, void (*start)(void*), void* argument) {
  auto* sp = reinterpret_cast<uintptr_t*>(reinterpret_cast<uintptr_t>(top) & ~uintptr_t(15)) - 4;
  // The call in lab_simt_start happens with the stack pointer a multiple of 16, as both ABIs ask.
  sp[0] = reinterpret_cast<uintptr_t>(start);
  sp[1] = reinterpret_cast<uintptr_t>(argument);
  sp[2] = sp[3] = 0;  // ends the chain of frames
  return Context{sp, nullptr, reinterpret_cast<void*>(&lab_simt_start)};
}

}  // namespace lab::simt
