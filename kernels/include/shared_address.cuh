// The 32-bit addresses of shared memory that PTX, matrix descriptors and peers of a cluster use.
//
// Inside a cluster an address names its block too, in the upper bits, so every address is the cluster's; clusters
// are in cluster.cuh. The CPU device has the same addresses: 24 bits of offset into the block's shared memory (static
// and dynamic), as aligned as what lies there, and above them the rank.
#pragma once

namespace lab {

// Of any pointer into this block's shared memory.
__device__ __forceinline__ unsigned sharedAddress(const void* shared) {
  return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}

}  // namespace lab
