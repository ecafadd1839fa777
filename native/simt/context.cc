#include "context.h"

#include <cstdint>

namespace lab::simt {

// The floating-point control words are left alone: kernels do not change them, and saving them costs more than the
// rest of the switch. The return is an indirect jump, because a `ret` here would always be mispredicted.
#if defined(__x86_64__)
asm(R"(
.text
.p2align 4
.globl lab_simt_switch
.hidden lab_simt_switch
.type lab_simt_switch, @function
lab_simt_switch:
  endbr64
  popq %rax
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  pushq %rax
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %rax
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  jmp *%rax
.size lab_simt_switch, .-lab_simt_switch

.p2align 4
.hidden lab_simt_start
.type lab_simt_start, @function
lab_simt_start:
  endbr64
  movq %r12, %rdi
  call *%rbx
  ud2
.size lab_simt_start, .-lab_simt_start
)");
extern "C" void lab_simt_start();

void* prepareStack(void* top, void (*start)(void*), void* argument) {
  auto* sp = reinterpret_cast<uintptr_t*>(reinterpret_cast<uintptr_t>(top) & ~uintptr_t(15));
  // As lab_simt_switch leaves a stack: resume address, r15, r14, r13, r12, rbx, rbp. At lab_simt_start the stack is
  // 16-byte aligned, so that its call enters `start` as the ABI asks.
  *--sp = 0;                                     // end of the frame chain
  *--sp = 0;
  *--sp = 0;                                     // rbp
  *--sp = reinterpret_cast<uintptr_t>(start);    // rbx
  *--sp = reinterpret_cast<uintptr_t>(argument); // r12
  *--sp = 0;
  *--sp = 0;
  *--sp = 0;
  *--sp = reinterpret_cast<uintptr_t>(&lab_simt_start);
  return sp;
}
#elif defined(__aarch64__)
asm(R"(
.text
.p2align 4
.globl lab_simt_switch
.hidden lab_simt_switch
.type lab_simt_switch, %function
lab_simt_switch:
  stp x29, x30, [sp, #-160]!
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #16]
  ldp x21, x22, [sp, #32]
  ldp x23, x24, [sp, #48]
  ldp x25, x26, [sp, #64]
  ldp x27, x28, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x29, x30, [sp], #160
  br x30
.size lab_simt_switch, .-lab_simt_switch

.p2align 4
.hidden lab_simt_start
.type lab_simt_start, %function
lab_simt_start:
  mov x0, x20
  blr x19
  brk #1
.size lab_simt_start, .-lab_simt_start
)");
extern "C" void lab_simt_start();

void* prepareStack(void* top, void (*start)(void*), void* argument) {
  auto* sp = reinterpret_cast<uintptr_t*>(reinterpret_cast<uintptr_t>(top) & ~uintptr_t(15)) - 20;
  for (int i = 0; i < 20; i++) sp[i] = 0;
  sp[1] = reinterpret_cast<uintptr_t>(&lab_simt_start);  // x30
  sp[2] = reinterpret_cast<uintptr_t>(start);            // x19
  sp[3] = reinterpret_cast<uintptr_t>(argument);         // x20
  return sp;
}
#else
#error "the CPU device knows x86-64 and aarch64"
#endif

}  // namespace lab::simt
