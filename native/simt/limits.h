// What a launch may ask for: an H200's limits, so that a kernel fails here for the same reasons as there.
#pragma once
#include <cstdint>

namespace lab::simt {

constexpr uint32_t kMaxBlockDim[3] = {1024, 1024, 64};
constexpr uint32_t kMaxGridDim[3] = {0x7fffffff, 65535, 65535};
constexpr uint32_t kThreadsPerMultiprocessor = 2048;
constexpr uint32_t kBlocksPerMultiprocessor = 32;
constexpr uint32_t kStaticShared = 48 * 1024;          // a kernel's static shared memory
constexpr uint32_t kSharedPerBlock = 227 * 1024;       // static and dynamic together
constexpr uint32_t kSharedPerMultiprocessor = 228 * 1024;
constexpr uint32_t kRegisters = 64 * 1024;             // of a multiprocessor, and the most of one block
constexpr uint64_t kHeapBytes = 8 * 1024 * 1024;       // what kernels may hold of malloc's: CUDA's default
constexpr uint32_t kSharedReserved = 1024;             // the system's share of every block's

// Resident blocks a multiprocessor, as an H200 would have them; registers are not known here and not counted.
inline int residentBlocks(uint32_t threads, uint64_t sharedBytes) {
  uint32_t rounded = (threads + 31) / 32 * 32;
  uint64_t byThreads = kThreadsPerMultiprocessor / rounded;
  uint64_t byShared = kSharedPerMultiprocessor / ((sharedBytes + 127) / 128 * 128 + kSharedReserved);
  uint64_t blocks = byThreads < kBlocksPerMultiprocessor ? byThreads : kBlocksPerMultiprocessor;
  return int(blocks < byShared ? blocks : byShared);
}

}  // namespace lab::simt
