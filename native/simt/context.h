// Switching from one CUDA thread's stack to another: no system call, a few instructions.
#pragma once

namespace lab::simt {

// Lays out a stack so that the first switch to the answer calls start(argument); start must never return.
void* prepareStack(void* top, void (*start)(void*), void* argument);

// Leaves the caller's stack pointer in *save and goes on where `resume` left off.
//
// Inlined, and told to the compiler as an asm that spoils every register: the function that switches saves what it
// needs itself, once, and a suspended thread's stack holds no second copy. The floating-point control words are left
// alone: kernels do not change them, and saving them would cost more than all the rest.
__attribute__((always_inline)) inline void switchStack(void** save, void* resume) {
#if defined(__x86_64__)
  asm volatile(
      "leaq -128(%%rsp), %%rsp\n\t"  // the function may keep values in the red zone
      "pushq %%rbp\n\t"
      "leaq 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "movq %%rsp, (%0)\n\t"
      "movq %1, %%rsp\n\t"
      "popq %%rax\n\t"
      "jmp *%%rax\n"
      "1:\n\t"
      ".byte 0xf3, 0x0f, 0x1e, 0xfa\n\t"  // endbr64: a target of an indirect jump
      "popq %%rbp\n\t"
      "leaq 128(%%rsp), %%rsp"
      : "+D"(save), "+S"(resume)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
        "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
#elif defined(__aarch64__)
  register void** saveRegister asm("x0") = save;
  register void* resumeRegister asm("x1") = resume;
  asm volatile(
      "adr x9, 1f\n\t"
      "stp x29, x9, [sp, #-16]!\n\t"
      "mov x10, sp\n\t"
      "str x10, [x0]\n\t"
      "mov sp, x1\n\t"
      "ldr x9, [sp, #8]\n\t"
      "br x9\n"
      "1:\n\t"
      "hint #36\n\t"  // bti j
      "ldp x29, x9, [sp], #16"
      : "+r"(saveRegister), "+r"(resumeRegister)
      :
      : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x19", "x20", "x21",
        "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",
        "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
        "v29", "v30", "v31", "cc", "memory");
#else
#error "the CPU device knows x86-64 and aarch64"
#endif
}

}  // namespace lab::simt
