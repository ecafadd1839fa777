// Switching from one CUDA thread's stack to another: no system call, a few instructions.
#pragma once

namespace lab_simt {

struct Context {
  void* sp;
  void* fp;
  void* pc;
};

// Registers that exist only where the compiler was allowed to use them.
#if defined(__AVX512F__)
#define LAB_SWITCH_SPOILS \
  "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", \
      "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "st", "st(1)", "st(2)", \
      "st(3)", "st(4)", "st(5)", "st(6)", "st(7)",
#else
#define LAB_SWITCH_SPOILS "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)",
#endif

// Leaves where the caller is in `save` and goes on at `resume`.
//
// Inlined (into kernels too: see barrier() in simt_api.h), and told to the compiler as an asm that spoils every register: the function that switches saves what it
// needs itself, once, and nothing is written to the stacks. The floating-point control words are left alone: kernels do
// not change them, and saving them would cost more than all the rest.
__attribute__((always_inline)) inline void switchStack(Context& save, const Context& resume) {
#if defined(__x86_64__)
  Context* from = &save;
  const Context* to = &resume;
  asm volatile(
      "leaq 1f(%%rip), %%rax\n\t"
      "movq %%rsp, (%0)\n\t"
      "movq %%rbp, 8(%0)\n\t"
      "movq %%rax, 16(%0)\n\t"
      "movq (%1), %%rsp\n\t"
      "movq 8(%1), %%rbp\n\t"
      "jmp *16(%1)\n"
      "1:\n\t"
      ".byte 0xf3, 0x0f, 0x1e, 0xfa"  // endbr64: a target of an indirect jump
      : "+D"(from), "+S"(to)
      :
      : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
        "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", LAB_SWITCH_SPOILS "cc", "memory");
#elif defined(__aarch64__)
  register Context* from asm("x0") = &save;
  register const Context* to asm("x1") = &resume;
  asm volatile(
      "adr x9, 1f\n\t"
      "mov x10, sp\n\t"
      "stp x10, x29, [x0]\n\t"
      "str x9, [x0, #16]\n\t"
      "ldp x10, x29, [x1]\n\t"
      "ldr x9, [x1, #16]\n\t"
      "mov sp, x10\n\t"
      "br x9\n"
      "1:\n\t"
      "hint #36"  // bti j
      : "+r"(from), "+r"(to)
      :
      : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x19", "x20", "x21",
        "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",
        "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
        "v29", "v30", "v31", "cc", "memory");
#else
#error "the CPU device knows x86-64 and aarch64"
#endif
}

#undef LAB_SWITCH_SPOILS

}  // namespace lab_simt
