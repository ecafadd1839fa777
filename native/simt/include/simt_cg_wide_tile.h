/// A tile of 64 to 1024 threads: several whole warps of a block that meet without the rest of it.
#pragma once

#include "simt_api.h"
#include "simt_lens.h"

namespace cooperative_groups {
namespace simt {

template <unsigned int Size>
class wide_tile {
  static_assert(Size > 32 && Size <= 1024 && (Size & (Size - 1)) == 0, "the size of a tile is a power of two up to 1024");

 public:
  static constexpr unsigned int kWarps = Size / 32;

  /// Every thread of the block comes here before the tile is used.
  static void open() {
    if (lab_simt::block_threads() % Size != 0) {
      lab_simt::fault("bad-tile", "A tile of more than 32 threads needs a block that is a multiple of its size.");
    }
    lab_simt::barrier();
    if (thread_rank() == 0) {
      lab_simt::lens::Quiet quiet;
      state().arrived = state().phase = 0;
    }
    lab_simt::barrier();
  }

  static constexpr unsigned int size() { return Size; }
  static constexpr unsigned int num_threads() { return Size; }
  static unsigned int thread_rank() { return lab_simt::thread_rank() % Size; }
  static unsigned int meta_group_rank() { return lab_simt::thread_rank() / Size; }
  static unsigned int meta_group_size() { return lab_simt::block_threads() / Size; }

  static void sync() {
    Meeting& meeting = state();
    lab_simt::lens::release(&meeting);
    {
      lab_simt::lens::Quiet quiet;
      const uint32_t phase = meeting.phase;
      if (++meeting.arrived == Size) {
        meeting.arrived = 0;
        ++meeting.phase;
      } else {
        lab_simt::wait_until([&] { return meeting.phase != phase; }, "thread_block_tile::sync");
      }
    }
    lab_simt::lens::acquire(&meeting);
  }

  /// Calls visit(value) for the values the tile's warps show, in order; `value` is the same in all lanes of a warp.
  template <class T, class F>
  static void for_each_warp(const T& value, F visit) {
    Meeting& meeting = state();
    if (lab_simt::lane_id() == 0) {
      lab_simt::lens::Quiet quiet;
      meeting.shown[thread_rank() / 32] = &value;
    }
    sync();
    {
      lab_simt::lens::Quiet quiet;
      for (const void* shown : meeting.shown) visit(*static_cast<const T*>(shown));
    }
    sync();  // until then the values must stay where they are
  }

  template <class T>
  T shfl(const T& value, int source) const {
    const unsigned int rank = static_cast<unsigned int>(source) % Size;
    const T own = lab_simt::warp_exchange(~0u, value)[rank % 32];
    T result = own;
    unsigned int warp = 0;
    for_each_warp(own, [&](const T& shown) {
      if (warp++ == rank / 32) result = shown;
    });
    return result;
  }
  int any(int predicate) const { return votes(predicate) != 0; }
  int all(int predicate) const { return votes(predicate) == Size; }

 private:
  /// Lies in the block's shared memory, one of each tile.
  struct Meeting {
    uint32_t arrived, phase;
    const void* shown[kWarps];
  };
  static Meeting& state() {
    static thread_local Meeting meetings[1024 / Size];
    return meetings[meta_group_rank()];
  }
  static unsigned int votes(int predicate) {
    const int vote = predicate != 0;
    const int* lanes = lab_simt::warp_exchange(~0u, vote);
    unsigned int mine = 0, sum = 0;
    for (unsigned int lane = 0; lane < 32; ++lane) mine += static_cast<unsigned int>(lanes[lane]);
    for_each_warp(mine, [&](unsigned int warp) { sum += warp; });
    return sum;
  }
};

}  // namespace simt
}  // namespace cooperative_groups
