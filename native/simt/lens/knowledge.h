// Vector clocks of a grid: what a thread, or an object that threads synchronise through, knows of every thread's past.
//
// A thread's time goes up whenever it lets others know of what it did (a barrier, a fence, a release). An access at time
// t of thread a happened before what thread b does now exactly when b knows of a's time t or a later one. Everything is
// shared and copied on write: after a barrier all threads of a block hold the same row of times.
#pragma once
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace lab::simt::lens {

using Time = uint32_t;

class Knowledge {
 public:
  // Of somebody in block `home`, whose blocks have `threads` threads: knows nothing.
  void reset(uint32_t home, uint32_t threads);
  // Times of a block's threads by rank, or null when nothing is known of the block.
  const Time* row(uint32_t block) const {
    if (block == home_) return own_ ? own_->data() : nullptr;
    return others_ ? find(block) : nullptr;
  }
  void learn(uint32_t block, uint32_t rank, Time time);
  void join(const Knowledge& other);
  uint32_t home() const { return home_; }
  bool empty() const { return !own_ && !others_; }
  // True when both hold the very same rows, as after a meeting; joining would change nothing.
  bool same(const Knowledge& other) const {
    return own_ == other.own_ && others_ == other.others_ && home_ == other.home_;
  }

 private:
  using Row = std::vector<Time>;
  using Rows = std::vector<std::pair<uint32_t, std::shared_ptr<Row>>>;  // by block, ascending

  const Time* find(uint32_t block) const;
  void joinRow(uint32_t block, const std::shared_ptr<Row>& row);
  std::shared_ptr<Row>& slot(uint32_t block);

  uint32_t home_ = 0, threads_ = 0;
  std::shared_ptr<Row> own_;      // of the home block; null: nothing
  std::shared_ptr<Rows> others_;  // of other blocks; null: nothing
};

}  // namespace lab::simt::lens
