// The products of a block's warpgroups on their way: issued by 128 threads each, made warp by warp at the wait.
//
// A warp's 16 rows of D need its own rows of A and all of B, and nothing of the other warps; so a warp that waits makes
// its rows then, from shared memory as it is then, once all four warps have issued the product.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "include/simt_abi.h"
#include "include/simt_abi_hopper.h"
#include "shared_window.h"

namespace lab::simt {

constexpr uint32_t kWarpgroupThreads = 128, kWarpgroupWarps = 4;

class Wgmma {
 public:
  // `rank`: the calling thread's in the block. Faults where threads of the warpgroup disagree.
  void issue(uint32_t rank, const lab_simt::WgmmaIssue& issue);
  void commit(uint32_t rank);
  // How many products the thread's wait needs made, counted from the block's start.
  uint64_t needed(uint32_t rank, uint32_t keep) const;
  // True when all four warps have issued that many.
  bool issued(uint32_t rank, uint64_t products) const;
  // Makes the calling thread's warp's share of the first `products`, where that has not been done. `traced`: the lens is told.
  void make(uint32_t rank, uint64_t products, const SharedWindow& window, bool traced);
  // For a new block.
  void reset();

 private:
  struct Product {
    lab_simt::WgmmaIssue common;   // of the first thread
    uint32_t threads = 0;          // that have issued it
    float* d[kWarpgroupThreads];
    uint32_t registers[kWarpgroupThreads][4];
  };
  struct Warpgroup {
    std::deque<std::unique_ptr<Product>> products;  // those that some warp has still to make
    uint64_t first = 0;                             // number of the oldest
    uint64_t made[kWarpgroupWarps] = {};
    uint64_t issued[kWarpgroupThreads] = {};
    uint64_t groups[kWarpgroupThreads] = {};        // committed
    std::vector<uint64_t> ends[kWarpgroupWarps];    // products at each of a warp's commits
  };

  std::unique_ptr<Product> fresh();

  Warpgroup groups_[lab_simt::kMaxThreads / kWarpgroupThreads];
  std::vector<std::unique_ptr<Product>> spare_;
};

}  // namespace lab::simt
