/// Shared addresses, clusters and the asynchronous units of Hopper, as the device headers call them.
#pragma once

#include "simt_abi_hopper.h"
#include "simt_api.h"

namespace lab_simt {

inline const Hopper& hopper() { return *rt().hopper; }

inline uint32_t shared_address(const void* pointer) { return hopper().sharedAddress(pointer); }
inline void* shared_pointer(uint32_t address, uint32_t bytes = 0) { return hopper().sharedPointer(address, bytes); }

inline uint32_t cluster_rank() { return constant_u32<offsetof(BlockView, clusterRank)>(block()); }
inline uint32_t cluster_size() { return constant_u32<offsetof(BlockView, clusterBlocks)>(block()); }
inline Id3 cluster_dim() { return constant_id<offsetof(BlockView, clusterDim)>(block()); }
inline Id3 cluster_block_idx() { return constant_id<offsetof(BlockView, clusterBlock)>(block()); }
inline void cluster_arrive() { hopper().clusterArrive(); }
inline void cluster_wait() { hopper().clusterWait(); }
/// A kernel's answer to the runtime's question for its __cluster_dims__; zeros where it has none.
inline void answer_cluster(uint32_t x = 0, uint32_t y = 1, uint32_t z = 1) {
  self()->threadIdx = x ? Id3{x, y, z} : Id3{0, 0, 0};
}
/// The same place in the block of that rank.
inline uint32_t peer_address(uint32_t address, uint32_t rank) {
  return (address & kSharedOffsetMask) | rank << kSharedOffsetBits;
}

}  // namespace lab_simt
