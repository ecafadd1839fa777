// Programmatic dependent launch: a kernel's start overlaps the end of the one before it (sm_90).
//
// Launch with { programmatic: true }. Before the wait a kernel may only touch what the kernel before does not write.
// On the CPU device, and below sm_90, launches run one after another: nothing to do.
#pragma once

namespace lab {

// Waits until the kernels this one depends on have finished and their writes are visible.
__device__ __forceinline__ void waitForPreviousKernel() {
#if !defined(__KERNEL_LAB_CPU__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// Lets the next kernel start as soon as every block of this one has come here or exited.
__device__ __forceinline__ void allowNextKernel() {
#if !defined(__KERNEL_LAB_CPU__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

}  // namespace lab
