#include "cluster.h"

#include <sched.h>

#include "clock.h"

namespace lab::simt {

bool Cluster::enter(uint32_t rank, Block* block, WorkerContext* worker, uint64_t* cluster) {
  std::unique_lock<std::mutex> lock(mutex_);
  blocks_[rank] = block;
  workers_[rank] = worker;
  const uint64_t mine = generation_;
  if (++present_ == size_) {
    present_ = 0;
    generation_++;
    cluster_ = grid_.next.fetch_add(1, std::memory_order_relaxed);
    running_ = (1u << size_) - 1;
    turn_ = idle_ = 0;
    alive_ = size_ * grid_.threads;
    barrier_ = ClusterBarrier();
    changed_.notify_all();
  } else {
    changed_.wait(lock, [&] { return generation_ != mine; });
  }
  *cluster = cluster_;
  if (cluster_ >= grid_.clusters()) return false;
  awaitTurn(lock, rank);
  return true;
}

void Cluster::leave(uint32_t rank) {
  std::lock_guard<std::mutex> lock(mutex_);
  running_ &= ~(1u << rank);
  idle_ = 0;
  if (running_) handOn(rank);
}

bool Cluster::passOn(uint32_t rank, bool progressed) {
  std::unique_lock<std::mutex> lock(mutex_);
  idle_ = progressed ? 0 : idle_ + 1;
  // Every other block has had its turn since anybody last did anything.
  if (idle_ > uint32_t(__builtin_popcount(running_)) && !patient(lock)) return false;
  handOn(rank);
  awaitTurn(lock, rank);
  return true;
}

// Another cluster may still write what this one waits for.
bool Cluster::patient(std::unique_lock<std::mutex>& lock) {
  if (grid_.clusters() == 1) return false;
  if (idle_ == uint32_t(__builtin_popcount(running_)) + 1) idleSince_ = nanoseconds();
  if (nanoseconds() - idleSince_ > kPatience) return false;
  lock.unlock();
  sched_yield();
  lock.lock();
  return true;
}

void Cluster::handOn(uint32_t rank) {
  uint32_t later = running_ & ~((2u << rank) - 1);
  turn_ = uint32_t(__builtin_ctz(later ? later : running_));
  changed_.notify_all();
}

void Cluster::awaitTurn(std::unique_lock<std::mutex>& lock, uint32_t rank) {
  if (turn_ == rank) return;
  // Who waits for its turn runs no kernel: a signal of the time limit is for the one that does.
  workers_[rank]->grid = nullptr;
  changed_.wait(lock, [&] { return turn_ == rank; });
  workers_[rank]->grid = &grid_;
}

}  // namespace lab::simt
