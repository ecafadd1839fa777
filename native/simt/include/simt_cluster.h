/// CUDA's intrinsics of thread block clusters, of which cooperative groups make their cluster_group.
#pragma once

#include "simt_api.h"
#include "simt_hopper.h"
#include "simt_identity.h"

inline dim3 __clusterDim() { return lab_simt::as_dim3(lab_simt::cluster_dim()); }
inline dim3 __clusterRelativeBlockIdx() { return lab_simt::as_dim3(lab_simt::cluster_block_idx()); }
inline unsigned int __clusterRelativeBlockRank() { return lab_simt::cluster_rank(); }
inline unsigned int __clusterSizeInBlocks() { return lab_simt::cluster_size(); }
/// Where the block's cluster lies among the grid's, and how many there are along each axis.
inline dim3 __clusterIdx() {
  const auto block = lab_simt::block_idx(), size = lab_simt::cluster_dim();
  return dim3(block.x / size.x, block.y / size.y, block.z / size.z);
}
inline dim3 __clusterGridDimInClusters() {
  const auto grid = lab_simt::grid_dim(), size = lab_simt::cluster_dim();
  return dim3(grid.x / size.x, grid.y / size.y, grid.z / size.z);
}

inline void __cluster_barrier_arrive() { lab_simt::cluster_arrive(); }
inline void __cluster_barrier_arrive_relaxed() { lab_simt::cluster_arrive(); }
inline void __cluster_barrier_wait() { lab_simt::cluster_wait(); }

inline void* __cluster_map_shared_rank(const void* address, unsigned int rank) {
  return lab_simt::shared_pointer(lab_simt::peer_address(lab_simt::shared_address(address), rank));
}
inline unsigned int __cluster_query_shared_rank(const void* address) {
  return lab_simt::shared_address(address) >> lab_simt::kSharedOffsetBits;
}
