// The part of the agreement between kernel modules and the CPU device that Hopper's units need: shared addresses,
// clusters, mbarriers, bulk copies (TMA) and wgmma. Plain data and a table of functions, as in simt_abi.h.
//
// A shared address is 32 bits: an offset into a block's shared memory, and above kSharedOffsetBits the block's rank in
// its cluster. It is as aligned as the variable it stands for (up to 1024), so that swizzles agree with the pointer's.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lab_simt {

struct TensorMap;

constexpr unsigned kSharedOffsetBits = 24;
constexpr uint32_t kSharedOffsetMask = (1u << kSharedOffsetBits) - 1;
constexpr unsigned kMaxClusterBlocks = 16;

// A copy between global and shared memory: a tile through a map, or plain bytes.
struct BulkCopy {
  const TensorMap* map;  // null: plain bytes
  void* global;          // of plain bytes
  uint32_t shared;
  uint32_t bytes;        // of plain bytes
  int32_t at[5];         // the tile's first element, innermost axis first
  uint32_t add;          // a store that adds to what is there
};
static_assert(sizeof(BulkCopy) <= 48, "a copy must fit into a deferred effect");

// How wgmma finds a 16-bit matrix in shared memory: i is A's row or B's column.
struct MatrixLayout {
  const uint8_t* tile;
  uint32_t leading, stride;  // bytes
  uint32_t row;              // bytes of a swizzled row: 128, 64, 32, or 16 without a swizzle
  uint32_t mnMajor;          // 1: i is contiguous, 0: k is
};

// One warp's share of a product, D (16 x n) += A (16 x 16) B (16 x n).
struct WgmmaWork {
  float* d;                         // rows of n
  uint32_t n;
  uint32_t firstRow;                // of A in shared memory
  const uint32_t (*registers)[4];   // A as its 32 lanes hold it, or null
  MatrixLayout a, b;
};

// What each thread of a warpgroup says when it issues a product.
struct WgmmaIssue {
  uint64_t a, b;                    // descriptors; `a` not when A is in registers
  float* d;                         // the thread's n / 2 accumulators
  const uint32_t* registers;        // its 4 registers of A, or null
  uint32_t n;
  uint32_t accumulate;              // 0: d counts as zero
  uint32_t aMnMajor, bMnMajor;
  uint32_t bfloat16;                // the elements' type: 0 for half
  void (*multiply)(const WgmmaWork*);  // made by the module, for its element type and this machine
};

struct Hopper {
  // The address of a pointer into the shared memory of the caller's block or of a peer; a fault for any other.
  uint32_t (*sharedAddress)(const void* pointer);
  // Where `bytes` bytes at an address lie; a fault where they are not all in one block's shared memory.
  void* (*sharedPointer)(uint32_t address, uint32_t bytes);

  // All threads of the cluster's blocks, exited ones aside, meet: arrive, then wait.
  void (*clusterArrive)();
  void (*clusterWait)();

  // An mbarrier is eight bytes of shared memory, in this block or a peer.
  void (*mbarrierInit)(uint32_t barrier, uint32_t count);
  void (*mbarrierInvalidate)(uint32_t barrier);
  void (*mbarrierExpect)(uint32_t barrier, uint32_t bytes);
  void (*mbarrierArrive)(uint32_t barrier, uint32_t count);
  // Arrives once the caller's cp.async copies so far are done, which happens when somebody waits for the barrier.
  void (*mbarrierArriveAfterCopies)(uint32_t barrier);
  // 1 when the phase of this parity has ended. Delivers what was on its way.
  uint32_t (*mbarrierTest)(uint32_t barrier, uint32_t parity);
  void (*mbarrierWait)(uint32_t barrier, uint32_t parity);

  // Into shared memory, delivered when somebody waits for `barrier`; `blocks`: mask of a multicast, 0: none.
  void (*bulkLoad)(const BulkCopy* copy, uint32_t barrier, uint32_t blocks);
  // Out of it, done when the caller waits for the group.
  void (*bulkStore)(const BulkCopy* copy);
  void (*bulkCommit)();
  void (*bulkWait)(uint32_t keep);

  // A warpgroup's products: issued by all its threads, made warp by warp at the wait.
  void (*wgmmaIssue)(const WgmmaIssue* issue);
  void (*wgmmaCommit)();
  void (*wgmmaWait)(uint32_t keep);
};

}  // namespace lab_simt
