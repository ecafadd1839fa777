// Blocks of a cluster reading, writing and waking one another.
#include <cooperative_groups.h>

#include "tma.cuh"

// Each block shows its neighbour 32 floats and reads those of the next one; out: rank, size and what was read.
__global__ void neighbours(float* out) {
  __shared__ float mine[32];
  const unsigned rank = lab::clusterRank(), size = lab::clusterSize();
  mine[threadIdx.x] = 100 * blockIdx.x + threadIdx.x;
  lab::clusterSync();
  const float theirs = *lab::peerShared(&mine[threadIdx.x], (rank + 1) % size);
  lab::clusterArrive();
  out[64 * blockIdx.x + threadIdx.x] = theirs;
  out[64 * blockIdx.x + 32 + threadIdx.x] = 10 * rank + size;
  lab::clusterWait();
}

// The same by cooperative groups, writing instead of reading; sixteen rounds.
__global__ void groups(float* out) {
  namespace cg = cooperative_groups;
  __shared__ float inbox[32];
  cg::cluster_group cluster = cg::this_cluster();
  const unsigned next = (cluster.block_rank() + 1) % cluster.num_blocks();
  float sum = 0;
  for (int round = 0; round < 16; ++round) {
    float* theirs = cluster.map_shared_rank(inbox, next);
    theirs[threadIdx.x] = round * (1 + blockIdx.x) + threadIdx.x;
    cluster.sync();
    sum += inbox[threadIdx.x];
    cluster.sync();
  }
  out[32 * blockIdx.x + threadIdx.x] = sum;
}

// Every round each block multicasts its slice of 128 floats to all; all are told when it has been read.
__global__ void multicast(const __grid_constant__ CUtensorMap map, float* out, int rounds) {
  extern __shared__ __align__(1024) float tile[];
  __shared__ lab::Mbarrier full, empty;
  const unsigned blocks = lab::clusterSize(), rank = lab::clusterRank();
  if (threadIdx.x == 0) {
    lab::mbarrierInit(full, 1);
    lab::mbarrierInit(empty, blocks);
    lab::mbarrierInitFence();
  }
  lab::clusterSync();
  float sum = 0;
  for (int round = 0; round < rounds; ++round) {
    if (threadIdx.x == 0) {
      lab::mbarrierArriveExpect(full, blocks * 512);
      if (round > 0) lab::mbarrierWait(empty, (round - 1) & 1);  // all blocks are done with what I sent
      lab::tmaLoadMulticast(tile + 128 * rank, map, full, (1u << blocks) - 1, 0, round * blocks + rank);
    }
    lab::mbarrierWait(full, round & 1);
    for (unsigned b = 0; b < blocks; ++b) sum += tile[128 * b + threadIdx.x];
    __syncwarp();
    if (threadIdx.x == 0)
      for (unsigned b = 0; b < blocks; ++b) lab::mbarrierArriveRemote(empty, b);
  }
  out[32 * blockIdx.x + threadIdx.x] = sum;
  lab::clusterSync();
}

// A kernel that brings its cluster's size with it; out: rank by block of a 4 x 4 grid.
__global__ void __cluster_dims__(2, 2, 1) declared(int* out) {
  if (threadIdx.x == 0) out[blockIdx.y * gridDim.x + blockIdx.x] = 10 * lab::clusterSize() + lab::clusterRank();
}
