// From the streams of a warp's lanes back to the instructions that the warp would have executed.
//
// The CPU device runs a lane from one meeting to the next before its neighbour begins. A GPU runs the lanes that are at
// one instruction together. This keeps what each lane did since the warp last met and then replays it: of all lanes, those
// go first that are deepest in calls and, there, at the lowest address, and all lanes at that very place go together. With
// blocks laid out in the order of the source this reconverges where the hardware does, behind an if and behind a loop.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "sites.h"

namespace lab::simt::lens {

// A step of the warp: the lanes of `mask`, which are all at one place. They may have come to it by different calls, and
// touch different memories there; unless `uniform` each has a site of its own.
struct Step {
  uint32_t mask;
  bool uniform;
  SiteId site;                                      // the lowest lane's
  const SiteId* own[lab_simt::kWarpSize];           // by lane
  const uint64_t* addresses[lab_simt::kWarpSize];   // by lane
  size_t index;                                     // of this access's address among a lane's `addresses`
};

// Numbers in a row. Unlike a vector it leaves room unwritten.
template <typename T>
class Row {
 public:
  T* add(size_t count) {
    if (size_ + count > room_) grow(count);
    size_ += count;
    return data_.get() + size_ - count;
  }
  void clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  const T* begin() const { return data_.get(); }
  const T* end() const { return data_.get() + size_; }

 private:
  void grow(size_t count) {
    room_ = std::max(2 * room_, size_ + count + 64);
    std::unique_ptr<T[]> wider(new T[room_]);
    std::copy(begin(), end(), wider.get());
    data_ = std::move(wider);
  }
  std::unique_ptr<T[]> data_;
  size_t size_ = 0, room_ = 0;
};

class WarpStream {
 public:
  void reset(uint32_t lanes) {
    alive_ = lanes;
    stopped_ = 0;
    clear();
  }
  void add(uint32_t lane, SiteId site, uint64_t address) {
    *lanes_[lane].sites.add(1) = site;
    *lanes_[lane].addresses.add(1) = address;
  }
  // Room for `count` sites more, which the caller writes at once.
  SiteId* add(uint32_t lane, size_t count) { return lanes_[lane].sites.add(count); }
  // True when a meeting of these lanes is one of the whole warp, which nobody passes before all have come.
  bool whole(uint32_t mask) const { return (mask & alive_) == alive_; }
  // The lane waits for its whole warp. True when every lane does, or has ended: time to replay.
  bool stop(uint32_t lane) {
    stopped_ |= 1u << lane;
    return complete();
  }
  bool end(uint32_t lane) {
    alive_ &= ~(1u << lane);
    stopped_ &= ~(1u << lane);
    return complete();
  }
  // Calls visit(step) for every step and forgets them.
  template <typename F>
  void replay(const Sites& sites, F visit);
  // Hands its memory to the warp that runs next, which finds it in the cache. Both have just been replayed, or it is of
  // no use and nothing happens.
  void passOn(WarpStream& next) {
    for (uint32_t lane = 0; lane < kLanes; lane++) {
      if (!lanes_[lane].sites.empty() || !next.lanes_[lane].sites.empty()) continue;
      std::swap(lanes_[lane], next.lanes_[lane]);
    }
  }

 private:
  static constexpr uint32_t kLanes = lab_simt::kWarpSize;
  struct Lane {
    Row<SiteId> sites;
    Row<uint64_t> addresses;  // of those of them that are accesses
  };
  // Where the replay is in each lane.
  struct Cursors {
    const SiteId* at[kLanes];
    const SiteId* end[kLanes];
    uint32_t depth[kLanes];
    uint32_t active = 0;
  };

  bool complete() {
    if (stopped_ != alive_) return false;
    stopped_ = 0;
    return true;
  }
  void clear() {
    for (Lane& lane : lanes_) {
      lane.sites.clear();
      lane.addresses.clear();
    }
  }
  static size_t common(const Cursors& now, size_t most);
  template <typename F>
  static void together(const Sites& sites, Cursors& now, Step& step, size_t steps, F& visit);
  template <typename F>
  static void apart(const Sites& sites, Cursors& now, Step& step, F& visit);

  Lane lanes_[kLanes];
  uint32_t alive_ = 0, stopped_ = 0;
};

// How many steps, `most` at most, all active lanes take alike.
inline size_t WarpStream::common(const Cursors& now, size_t most) {
  const auto first = uint32_t(__builtin_ctz(now.active));
  size_t steps = std::min(most, size_t(now.end[first] - now.at[first]));
  for (uint32_t left = now.active & (now.active - 1); left && steps; left &= left - 1) {
    auto lane = uint32_t(__builtin_ctz(left));
    if (now.depth[lane] != now.depth[first]) return 0;
    steps = std::min(steps, size_t(now.end[lane] - now.at[lane]));
    const SiteId *mine = now.at[lane], *theirs = now.at[first];
    size_t same = 0;
    while (same < steps && mine[same] == theirs[same]) same++;
    steps = same;
  }
  return steps;
}

// Steps that all active lanes take alike.
template <typename F>
void WarpStream::together(const Sites& sites, Cursors& now, Step& step, size_t steps, F& visit) {
  step.mask = now.active;
  step.uniform = true;
  const SiteId* path = now.at[__builtin_ctz(now.active)];
  uint32_t deeper = 0;
  step.index = 0;
  for (size_t i = 0; i < steps; i++) {
    step.site = path[i];
    visit(step);
    const Site& site = sites[step.site];
    if (site.kind() == Kind::kEnter) deeper++;
    if (site.kind() == Kind::kLeave) deeper--;
    step.index += site.touches();
  }
  for (uint32_t left = now.active; left; left &= left - 1) {
    auto lane = uint32_t(__builtin_ctz(left));
    now.depth[lane] += deeper;
    step.addresses[lane] += step.index;
    now.at[lane] += steps;
    if (now.at[lane] == now.end[lane]) now.active &= ~(1u << lane);
  }
}

// Steps of some of the lanes, up to one that all take.
template <typename F>
void WarpStream::apart(const Sites& sites, Cursors& now, Step& step, F& visit) {
  uint64_t key[kLanes];  // what goes first: deeper calls, then lower addresses
  auto aim = [&](uint32_t lane) {
    key[lane] = uint64_t(0xffffu - now.depth[lane]) << 48 | sites[*now.at[lane]].order();
  };
  for (uint32_t left = now.active; left; left &= left - 1) aim(uint32_t(__builtin_ctz(left)));
  step.uniform = false;
  step.index = 0;
  for (bool all = false; now.active && !all;) {
    uint64_t lowest = ~0ull;
    uint32_t mask = 0;
    for (uint32_t left = now.active; left; left &= left - 1) {
      auto lane = uint32_t(__builtin_ctz(left));
      if (key[lane] > lowest) continue;
      mask = key[lane] == lowest ? mask | 1u << lane : 1u << lane;
      lowest = key[lane];
    }
    all = mask == now.active;
    step.mask = mask;
    for (uint32_t left = mask; left; left &= left - 1) {
      auto lane = uint32_t(__builtin_ctz(left));
      step.own[lane] = now.at[lane];
    }
    step.site = *step.own[__builtin_ctz(mask)];
    visit(step);
    const Site& site = sites[step.site];
    for (uint32_t left = mask; left; left &= left - 1) {
      auto lane = uint32_t(__builtin_ctz(left));
      if (site.kind() == Kind::kEnter) now.depth[lane]++;
      if (site.kind() == Kind::kLeave) now.depth[lane]--;
      step.addresses[lane] += site.touches();
      if (++now.at[lane] == now.end[lane]) {
        now.active &= ~(1u << lane);
      } else {
        aim(lane);
      }
    }
  }
}

template <typename F>
void WarpStream::replay(const Sites& sites, F visit) {
  Cursors now;
  Step step;
  for (uint32_t lane = 0; lane < kLanes; lane++) {
    const Lane& one = lanes_[lane];
    now.at[lane] = one.sites.begin();
    now.end[lane] = one.sites.end();
    now.depth[lane] = 0x1000;  // relative: every lane was at the warp's last meeting together
    step.addresses[lane] = one.addresses.begin();
    if (now.at[lane] != now.end[lane]) now.active |= 1u << lane;
  }
  // Looking far ahead is in vain where lanes part soon.
  constexpr size_t kNear = 4, kFar = 64;
  for (size_t ahead = kNear; now.active;) {
    size_t steps = common(now, ahead);
    if (steps) {
      ahead = std::min(kFar, steps == ahead ? ahead * 2 : ahead);
      together(sites, now, step, steps, visit);
    } else {
      ahead = kNear;
      apart(sites, now, step, visit);
    }
  }
  clear();
}

}  // namespace lab::simt::lens
