/// Cooperative groups: the block, tiles within a warp or of several, coalesced threads, the grid.
///
/// Collectives over a warp's lanes are one meeting each: every lane shows its value and reads whose it needs.
#pragma once

#include "simt_api.h"
#include "simt_cg_lanes.h"
#include "simt_cg_wide_tile.h"
#include "simt_hopper.h"
#include "simt_identity.h"
#include "simt_library.h"

namespace cooperative_groups {

/// All threads of the block.
class thread_block {
 public:
  struct arrival_token {};

  static void sync() { lab_simt::barrier(); }
  static unsigned int thread_rank() { return lab_simt::thread_rank(); }
  static unsigned int size() { return lab_simt::block_threads(); }
  static unsigned int num_threads() { return size(); }
  static dim3 group_index() { return simt::extents(lab_simt::block_idx()); }
  static dim3 thread_index() { return simt::extents(lab_simt::thread_idx()); }
  static dim3 group_dim() { return simt::extents(lab_simt::block_dim()); }
  static dim3 dim_threads() { return group_dim(); }
  /// The whole meeting takes place in the wait: stricter than CUDA asks, and never earlier.
  static arrival_token barrier_arrive() { return {}; }
  static void barrier_wait(arrival_token) { lab_simt::barrier(); }
};

/// All threads of the block's cluster; one block where the launch has no clusters.
class cluster_group {
 public:
  struct arrival_token {};

  static void sync() {
    lab_simt::cluster_arrive();
    lab_simt::cluster_wait();
  }
  static arrival_token barrier_arrive() {
    lab_simt::cluster_arrive();
    return {};
  }
  static void barrier_wait() { lab_simt::cluster_wait(); }
  static void barrier_wait(arrival_token&&) { lab_simt::cluster_wait(); }
  static unsigned int block_rank() { return lab_simt::cluster_rank(); }
  static unsigned int num_blocks() { return lab_simt::cluster_size(); }
  static unsigned int thread_rank() { return block_rank() * lab_simt::block_threads() + lab_simt::thread_rank(); }
  static unsigned int num_threads() { return num_blocks() * lab_simt::block_threads(); }
  static unsigned int size() { return num_threads(); }
  static dim3 dim_blocks() { return simt::extents(lab_simt::cluster_dim()); }
  static dim3 block_index() { return simt::extents(lab_simt::cluster_block_idx()); }
  static dim3 thread_index() {
    const auto b = lab_simt::cluster_block_idx(), d = lab_simt::block_dim(), t = lab_simt::thread_idx();
    return dim3(b.x * d.x + t.x, b.y * d.y + t.y, b.z * d.z + t.z);
  }
  static dim3 dim_threads() {
    const auto c = lab_simt::cluster_dim(), d = lab_simt::block_dim();
    return dim3(c.x * d.x, c.y * d.y, c.z * d.z);
  }
  /// The variable at the same place in the block of that rank, or which block a pointer leads to.
  template <class T>
  static T* map_shared_rank(T* address, int rank) {
    const uint32_t peer = lab_simt::peer_address(lab_simt::shared_address(address), static_cast<uint32_t>(rank));
    return static_cast<T*>(lab_simt::shared_pointer(peer));
  }
  static unsigned int query_shared_rank(const void* address) {
    return lab_simt::shared_address(address) >> lab_simt::kSharedOffsetBits;
  }
};

/// All threads of a cooperative launch.
class grid_group {
 public:
  struct arrival_token {};

  static bool is_valid() { return lab_simt::is_cooperative(); }
  static void sync() {
    if (!is_valid()) {
      lab_simt::fault("not-cooperative", "all blocks must be resident for it");
    }
    lab_simt::grid_barrier();
  }
  static arrival_token barrier_arrive() { return {}; }
  static void barrier_wait(arrival_token) { sync(); }
  static unsigned long long block_rank() {
    const auto b = lab_simt::block_idx(), g = lab_simt::grid_dim();
    return (static_cast<unsigned long long>(b.z) * g.y + b.y) * g.x + b.x;
  }
  static unsigned long long num_blocks() {
    const auto g = lab_simt::grid_dim();
    return static_cast<unsigned long long>(g.x) * g.y * g.z;
  }
  static unsigned long long thread_rank() { return block_rank() * lab_simt::block_threads() + lab_simt::thread_rank(); }
  static unsigned long long size() { return num_blocks() * lab_simt::block_threads(); }
  static unsigned long long num_threads() { return size(); }
  static dim3 group_dim() { return simt::extents(lab_simt::grid_dim()); }
  static dim3 dim_blocks() { return group_dim(); }
  static dim3 dim_threads() {
    const auto g = lab_simt::grid_dim(), b = lab_simt::block_dim();
    return dim3(g.x * b.x, g.y * b.y, g.z * b.z);
  }
  static dim3 block_index() { return simt::extents(lab_simt::block_idx()); }
  static dim3 thread_index() { return simt::extents(lab_simt::thread_idx()); }
};

/// Threads of a warp that were together when the group was made, or a part of such a group.
class coalesced_group : public simt::lane_group {
 public:
  using simt::lane_group::lane_group;
};

/// The tile of Size threads that the caller stands in; Parent is kept in the type as CUDA keeps it.
template <unsigned int Size, class Parent = void>
class thread_block_tile : public simt::lane_group {
  static_assert(Size != 0 && (Size & (Size - 1)) == 0, "the size of a tile is a power of two");

 public:
  thread_block_tile() : thread_block_tile(lab_simt::thread_rank() / Size, (lab_simt::block_threads() + Size - 1) / Size) {}
  /// The same tile with its parent forgotten, as `thread_block_tile<32> tile = tiled_partition<32>(block)` asks.
  template <class Other>
  thread_block_tile(const thread_block_tile<Size, Other>& tile) : lane_group(tile) {}
  thread_block_tile(unsigned int index, unsigned int tiles) : lane_group(lanes_around(), index, tiles) {}

  static constexpr unsigned int size() { return Size; }
  static constexpr unsigned int num_threads() { return Size; }
  static unsigned int thread_rank() { return lab_simt::lane_id() % Size; }

 private:
  static unsigned int lanes_around() {
    return (Size == 32 ? ~0u : (1u << (Size % 32)) - 1) << (lab_simt::lane_id() & ~(Size - 1) & 31);
  }
};

#define SIMT_WIDE_TILE(SIZE)                                            \
  template <class Parent>                                               \
  class thread_block_tile<SIZE, Parent> : public simt::wide_tile<SIZE> { \
   public:                                                              \
    thread_block_tile() = default;                                      \
    thread_block_tile(const simt::wide_tile<SIZE>&) {}                  \
  };
SIMT_WIDE_TILE(64)
SIMT_WIDE_TILE(128)
SIMT_WIDE_TILE(256)
SIMT_WIDE_TILE(512)
SIMT_WIDE_TILE(1024)
#undef SIMT_WIDE_TILE

/// What CUDA has a kernel set aside for tiles of several warps; the tiles here bring their own.
template <unsigned int MaxBlockSize = 1024>
struct block_tile_memory {};

/// Any group, known only at run time.
class thread_group {
 public:
  thread_group(thread_block) : kind_(kind::block) {}
  thread_group(grid_group) : kind_(kind::grid) {}
  thread_group(const simt::lane_group& lanes) : kind_(kind::lanes), lanes_(lanes) {}

  void sync() const {
    if (kind_ == kind::lanes) return lanes_.sync();
    kind_ == kind::block ? thread_block::sync() : grid_group::sync();
  }
  unsigned long long thread_rank() const {
    if (kind_ == kind::lanes) return lanes_.thread_rank();
    return kind_ == kind::block ? thread_block::thread_rank() : grid_group::thread_rank();
  }
  unsigned long long size() const {
    if (kind_ == kind::lanes) return lanes_.size();
    return kind_ == kind::block ? thread_block::size() : grid_group::size();
  }
  unsigned long long num_threads() const { return size(); }

 private:
  enum class kind { block, grid, lanes } kind_;
  simt::lane_group lanes_{0, 0, 1};
};

inline thread_block this_thread_block() { return {}; }
template <unsigned int MaxBlockSize>
inline thread_block this_thread_block(block_tile_memory<MaxBlockSize>&) {
  return {};
}
inline grid_group this_grid() { return {}; }
inline cluster_group this_cluster() { return {}; }
inline __attribute__((always_inline)) coalesced_group coalesced_threads() {
  return coalesced_group(lab_simt::active_mask(), 0, 1);
}
template <class Group>
inline void sync(const Group& group) {
  group.sync();
}
template <class Group>
inline unsigned long long group_size(const Group& group) {
  return group.size();
}

// ---- partitions ----
template <unsigned int Size>
inline thread_block_tile<Size, thread_block> tiled_partition(const thread_block&) {
  if constexpr (Size > 32) simt::wide_tile<Size>::open();
  return {};
}
template <unsigned int Size, unsigned int ParentSize, class Grandparent>
inline thread_block_tile<Size, thread_block_tile<ParentSize, Grandparent>> tiled_partition(
    const thread_block_tile<ParentSize, Grandparent>& parent) {
  static_assert(Size <= ParentSize, "a tile is no larger than what it is cut from");
  static_assert(Size <= 32, "the CPU device cuts tiles of more than 32 threads from the block only");
  return {parent.thread_rank() / Size, ParentSize / Size};
}
/// Runs of `size` consecutive ranks of a coalesced group.
inline coalesced_group tiled_partition(const coalesced_group& parent, unsigned int size) {
  unsigned int mask = 0;
  const unsigned int tile = parent.thread_rank() / size;
  for (unsigned int rank = tile * size; rank < (tile + 1) * size && rank < parent.size(); ++rank) {
    mask |= 1u << parent.lane_of(rank);
  }
  return coalesced_group(mask, tile, (parent.size() + size - 1) / size);
}
template <unsigned int Size>
inline coalesced_group tiled_partition(const coalesced_group& parent) {
  return tiled_partition(parent, Size);
}
inline thread_group tiled_partition(const thread_block&, unsigned int size) {
  switch (size) {
    case 1: return thread_block_tile<1>();
    case 2: return thread_block_tile<2>();
    case 4: return thread_block_tile<4>();
    case 8: return thread_block_tile<8>();
    case 16: return thread_block_tile<16>();
    case 32: return thread_block_tile<32>();
  }
  lab_simt::fault("bad-tile", "tiled_partition takes a power of two from 1 to 32 on the CPU device.");
}
/// The members of a group whose label is the caller's; groups are numbered by their lowest lane.
template <class Label>
inline coalesced_group labeled_partition(const simt::lane_group& parent, Label label) {
  const Label* shown = lab_simt::warp_exchange(parent.mask(), label);
  unsigned int same = 0, groups = 0, index = 0;
  for (unsigned int i = 0; i < 32; ++i) {
    if (!(parent.mask() >> i & 1)) continue;
    if (shown[i] == label) {
      if (same == 0) index = groups;
      same |= 1u << i;
    }
    bool first = true;
    for (unsigned int j = 0; j < i; ++j) first = first && !((parent.mask() >> j & 1) && shown[j] == shown[i]);
    groups += first;
  }
  return coalesced_group(same, index, groups);
}
inline coalesced_group binary_partition(const simt::lane_group& parent, bool predicate) {
  return labeled_partition(parent, static_cast<int>(predicate));
}

/// Runs f in one thread of the group.
template <class Group, class F, class... Args>
inline void invoke_one(const Group& group, F&& f, Args&&... args) {
  if (group.thread_rank() == 0) static_cast<F&&>(f)(static_cast<Args&&>(args)...);
}
/// Runs f in one thread of the group and gives all what it returned.
template <class F, class... Args>
inline auto invoke_one_broadcast(const simt::lane_group& group, F&& f, Args&&... args) -> decltype(f(args...)) {
  decltype(f(args...)) value{};
  if (group.thread_rank() == 0) value = static_cast<F&&>(f)(static_cast<Args&&>(args)...);
  return group.shfl(value, 0);
}

// ---- as CUDA 11 spelled tiles of several warps ----
namespace experimental {
template <unsigned int CommunicationSize = 8, unsigned int MaxBlockSize = 1024>
struct block_tile_memory {};
template <unsigned int CommunicationSize, unsigned int MaxBlockSize>
inline thread_block this_thread_block(block_tile_memory<CommunicationSize, MaxBlockSize>&) {
  return {};
}
template <unsigned int Size>
inline thread_block_tile<Size, thread_block> tiled_partition(const thread_block& block) {
  return cooperative_groups::tiled_partition<Size>(block);
}
}  // namespace experimental

}  // namespace cooperative_groups
