// The threads that are the lab's and Node's own, so that one which a kernel started can be told from them.
#pragma once
#include <pthread.h>

#include <functional>
#include <vector>

namespace lab {

// A thread that the lab starts; joined at the latest when this ends.
class OwnThread {
 public:
  OwnThread() = default;
  ~OwnThread() { join(); }
  OwnThread(const OwnThread&) = delete;
  OwnThread& operator=(const OwnThread&) = delete;

  // Starts it, and returns once it is known as the lab's own. False where the process can have no more threads
  // (std::thread would end it).
  bool start(std::function<void()> body);
  bool running() const { return running_; }
  void signal(int number);
  void join();

 private:
  pthread_t thread_{};
  bool running_ = false;
};

// Takes the threads that there are now for the process's own. Only the first call does: later ones may meet a kernel's.
void adoptPresentThreads();

// Threads of this process that are none of its own, the calling one left out, in ascending order.
std::vector<long> foreignThreads();

}  // namespace lab
