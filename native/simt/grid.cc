#include "grid.h"

namespace lab::simt {

bool GridBarrier::arrive() {
  std::unique_lock<std::mutex> lock(mutex_);
  waiting_++;
  if (finished_ > 0 && waiting_ + finished_ == blocks_) return false;
  if (waiting_ == blocks_) {
    waiting_ = 0;
    generation_++;
    changed_.notify_all();
    return true;
  }
  uint64_t mine = generation_;
  changed_.wait(lock, [&] { return generation_ != mine; });
  return true;
}

bool GridBarrier::leave() {
  std::lock_guard<std::mutex> lock(mutex_);
  finished_++;
  return waiting_ == 0 || waiting_ + finished_ < blocks_;
}

}  // namespace lab::simt
