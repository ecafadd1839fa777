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
  ldp x10, x0, [sp, #16]
  add sp, sp, #32
  mov x29, xzr
  blr x10
  brk #1
.size lab_simt_start, .-lab_simt_start
)");
#endif
extern "C" void lab_simt_start();

void* prepareStack(void* top, void (*start)(void*), void* argument) {
  auto* sp = reinterpret_cast<uintptr_t*>(reinterpret_cast<uintptr_t>(top) & ~uintptr_t(15));
  auto entry = reinterpret_cast<uintptr_t>(&lab_simt_start);
  // The call in lab_simt_start happens with the stack pointer a multiple of 16, as both ABIs ask.
#if defined(__x86_64__)
  sp -= 5;
  sp[0] = entry;
  sp[1] = reinterpret_cast<uintptr_t>(start);
  sp[2] = reinterpret_cast<uintptr_t>(argument);
  sp[3] = sp[4] = 0;  // ends the chain of frames
  return sp;
#else
  sp -= 6;
  sp[0] = 0;
  sp[1] = entry;
  sp[2] = reinterpret_cast<uintptr_t>(start);
  sp[3] = reinterpret_cast<uintptr_t>(argument);
  sp[4] = sp[5] = 0;
  return sp;
#endif
}

}  // namespace lab::simt
