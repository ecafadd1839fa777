// mbarrier: barriers in shared memory that count threads and bytes, phase after phase (sm_90).
//
// A phase ends when its `count` arrivals have come and the bytes announced by expect have been delivered; then the next
// begins by itself, with the same count. Phases alternate parity 0, 1, 0, ...: mbarrierWait(b, p) returns when the
// phase of parity p has ended, so a fresh barrier lets wait(b, 1) through at once and holds wait(b, 0).
//
//   __shared__ lab::Mbarrier full[3], empty[3];
//   if (thread == 0) {
//     for (int s = 0; s < 3; ++s) { lab::mbarrierInit(full[s], 1); lab::mbarrierInit(empty[s], consumers); }
//     lab::mbarrierInitFence();
//   }
//   __syncthreads();                                      // clusterSync() in a cluster
//   producer: for (lab::Ring<3> at; ...; at.next()) {
//     lab::mbarrierWait(empty[at.stage], at.parity ^ 1);  // the first round finds the stages free
//     lab::mbarrierArriveExpect(full[at.stage], bytes);
//     lab::tmaLoad(tile[at.stage], map, full[at.stage], x, y);
//   }
//   consumer: for (lab::Ring<3> at; ...; at.next()) {
//     lab::mbarrierWait(full[at.stage], at.parity);
//     ... use tile[at.stage] ...
//     lab::mbarrierArrive(empty[at.stage]);
//   }
// The CPU device keeps the same state in the same eight bytes. Bytes of TMA arrive there when somebody waits for them,
// as late as the hardware may deliver; a wait that nothing can end is reported with what is missing.
#pragma once

#include "cluster.cuh"

namespace lab {

struct alignas(8) Mbarrier {
  unsigned long long state;
};

// A place in a ring of Stages buffers, and the parity of the phase that fills it this time round.
template <int Stages>
struct Ring {
  int stage = 0;
  unsigned parity = 0;

  __device__ __forceinline__ void next() {
    if (++stage == Stages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

}  // namespace lab

#ifdef __KERNEL_LAB_CPU__
#include "cpu/mbarrier_cpu.cuh"
#else

namespace lab {

// By one thread, before anybody uses it; mbarrierInitFence() and a barrier of all users must follow. Count: 1 to 2^20 - 1.
__device__ __forceinline__ void mbarrierInit(Mbarrier& barrier, unsigned count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(&barrier)), "r"(count) : "memory");
}
// Shows the inits of this thread to TMA and to the cluster's other blocks.
__device__ __forceinline__ void mbarrierInitFence() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
// Before the memory is used for anything else.
__device__ __forceinline__ void mbarrierInvalidate(Mbarrier& barrier) {
  asm volatile("mbarrier.inval.shared::cta.b64 [%0];" ::"r"(sharedAddress(&barrier)) : "memory");
}

__device__ __forceinline__ void mbarrierArrive(Mbarrier& barrier, unsigned count = 1) {
  asm volatile("mbarrier.arrive.release.cta.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(&barrier)), "r"(count)
               : "memory");
}
// At the barrier that lies at the same place in block `rank` of the cluster.
__device__ __forceinline__ void mbarrierArriveRemote(Mbarrier& barrier, unsigned rank, unsigned count = 1) {
  asm volatile("mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%0], %1;" ::"r"(
                   peerAddress(sharedAddress(&barrier), rank)),
               "r"(count)
               : "memory");
}
// Announces bytes that TMA will deliver in this phase, without arriving.
__device__ __forceinline__ void mbarrierExpect(Mbarrier& barrier, unsigned bytes) {
  asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], %1;" ::"r"(sharedAddress(&barrier)), "r"(bytes)
               : "memory");
}
// Announces bytes, then arrives once.
__device__ __forceinline__ void mbarrierArriveExpect(Mbarrier& barrier, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.release.cta.shared::cta.b64 _, [%0], %1;" ::"r"(sharedAddress(&barrier)),
               "r"(bytes)
               : "memory");
}
// One of the counted arrivals, made when this thread's cp.async copies so far have landed.
__device__ __forceinline__ void mbarrierArriveAfterCopies(Mbarrier& barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(sharedAddress(&barrier)) : "memory");
}

// True when the phase of this parity has ended; may wait a while for it.
__device__ __forceinline__ bool mbarrierTryWait(Mbarrier& barrier, unsigned parity) {
  unsigned ended;
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
      "selp.b32 %0, 1, 0, p;\n"
      "}"
      : "=r"(ended)
      : "r"(sharedAddress(&barrier)), "r"(parity)
      : "memory");
  return ended != 0;
}
__device__ __forceinline__ void mbarrierWait(Mbarrier& barrier, unsigned parity) {
  asm volatile(
      "{\n"
      ".reg .pred p;\n"
      "wait:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n"
      "@p bra done;\n"
      "bra wait;\n"
      "done:\n"
      "}" ::"r"(sharedAddress(&barrier)),
      "r"(parity)
      : "memory");
}

}  // namespace lab

#endif
