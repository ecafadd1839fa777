// Thread block clusters: which block of its cluster this is, barriers of all its threads, shared memory of its peers.
//
// Launch with { cluster: n }, or declare the kernel __cluster_dims__(n). Without either a cluster is one block.
// A block must not exit while a peer may still reach its shared memory: end with clusterSync().
//
//   float* theirs = lab::peerShared(&mine[0], (lab::clusterRank() + 1) % lab::clusterSize());
//   lab::clusterSync();        // their stores are visible
//   sum += theirs[threadIdx.x];
//   lab::clusterSync();        // nobody reads mine any more
#pragma once

#include "shared_address.cuh"

namespace lab {

#ifdef __KERNEL_LAB_CPU__

inline unsigned clusterRank() { return lab_simt::cluster_rank(); }
inline unsigned clusterSize() { return lab_simt::cluster_size(); }
inline void clusterArrive() { lab_simt::cluster_arrive(); }
inline void clusterArriveRelaxed() { lab_simt::cluster_arrive(); }
inline void clusterWait() { lab_simt::cluster_wait(); }
inline unsigned peerAddress(unsigned address, unsigned rank) { return lab_simt::peer_address(address, rank); }
template <typename T>
inline T* peerShared(T* shared, unsigned rank) {
  return static_cast<T*>(lab_simt::shared_pointer(lab_simt::peer_address(sharedAddress(shared), rank)));
}

#else

__device__ __forceinline__ unsigned clusterRank() {
  unsigned rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return rank;
}
__device__ __forceinline__ unsigned clusterSize() {
  unsigned blocks;
  asm volatile("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
  return blocks;
}

// Arrives at the cluster's barrier without waiting; what this thread wrote before is seen by whoever waits.
__device__ __forceinline__ void clusterArrive() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
// The same with no promise about memory.
__device__ __forceinline__ void clusterArriveRelaxed() {
  asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory");
}
// Waits for every thread of the cluster's blocks to have arrived.
__device__ __forceinline__ void clusterWait() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }

// Where the variable at this shared address lies in block `rank`: a shared::cluster address.
__device__ __forceinline__ unsigned peerAddress(unsigned address, unsigned rank) {
  unsigned peer;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(peer) : "r"(address), "r"(rank));
  return peer;
}
// The same for a pointer, to be read and written as usual.
template <typename T>
__device__ __forceinline__ T* peerShared(T* shared, unsigned rank) {
  unsigned long long peer;
  asm volatile("mapa.u64 %0, %1, %2;" : "=l"(peer) : "l"(shared), "r"(rank));
  return reinterpret_cast<T*>(peer);
}

#endif

__device__ __forceinline__ void clusterSync() {
  clusterArrive();
  clusterWait();
}

}  // namespace lab
