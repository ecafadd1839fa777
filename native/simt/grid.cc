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

uint64_t GridBarrier::announce() {
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t mine = generation_;
  waiting_++;
  if (finished_ > 0 && waiting_ + finished_ == blocks_) return 0;
  if (waiting_ == blocks_) {
    waiting_ = 0;
    generation_++;
  }
  return mine;
}

bool GridBarrier::over(uint64_t generation) {
  std::lock_guard<std::mutex> lock(mutex_);
  return generation_ != generation;
}

bool GridBarrier::leave() {
  std::lock_guard<std::mutex> lock(mutex_);
  finished_++;
  return waiting_ == 0 || waiting_ + finished_ < blocks_;
}

}  // namespace lab::simt
