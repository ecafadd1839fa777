#include "own_threads.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

namespace lab {

namespace {

struct Registry {
  std::mutex mutex;
  std::multiset<long> own;  // a thread adopted may be announced as well
};

// Never destroyed: threads may end after static objects do.
Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

// A registration, for as long as the thread that makes it lives.
class Announced {
 public:
  Announced() : id_(gettid()) {
    std::lock_guard<std::mutex> lock(registry().mutex);
    registry().own.insert(id_);
  }
  ~Announced() {
    std::lock_guard<std::mutex> lock(registry().mutex);
    registry().own.erase(registry().own.find(id_));
  }
  Announced(const Announced&) = delete;
  Announced& operator=(const Announced&) = delete;

 private:
  const long id_;
};

// What a thread takes over from start(), which keeps it until `known` is set.
struct Start {
  explicit Start(std::function<void()> what) : body(std::move(what)) {}
  std::function<void()> body;
  std::mutex mutex;
  std::condition_variable changed;
  bool known = false;
};

void* run(void* raw) {
  const Announced announced;
  auto* start = static_cast<Start*>(raw);
  const std::function<void()> body = std::move(start->body);
  {
    // Notified under the lock: start() may end, and with it the condition, as soon as it is let go.
    std::lock_guard<std::mutex> lock(start->mutex);
    start->known = true;
    start->changed.notify_one();
  }
  body();
  return nullptr;
}

std::vector<long> presentThreads() {
  std::vector<long> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/task"), closedir);
  if (!folder) return found;
  while (const dirent* entry = readdir(folder.get())) {
    const long thread = std::strtol(entry->d_name, nullptr, 10);
    if (thread > 0) found.push_back(thread);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

bool OwnThread::start(std::function<void()> body) {
  join();
  Start start(std::move(body));
  if (pthread_create(&thread_, nullptr, run, &start) != 0) return false;
  running_ = true;
  std::unique_lock<std::mutex> lock(start.mutex);
  start.changed.wait(lock, [&] { return start.known; });
  return true;
}

void OwnThread::signal(int number) {
  if (running_) pthread_kill(thread_, number);
}

void OwnThread::join() {
  if (running_) pthread_join(thread_, nullptr);
  running_ = false;
}

void adoptPresentThreads() {
  static std::once_flag once;
  std::call_once(once, [] {
    const std::vector<long> present = presentThreads();
    Registry& threads = registry();
    std::lock_guard<std::mutex> lock(threads.mutex);
    threads.own.insert(present.begin(), present.end());
  });
}

std::vector<long> foreignThreads() {
  std::vector<long> found = presentThreads();
  const long self = gettid();
  Registry& threads = registry();
  std::lock_guard<std::mutex> lock(threads.mutex);
  found.erase(std::remove_if(found.begin(), found.end(),
                             [&](long thread) { return thread == self || threads.own.count(thread) > 0; }),
              found.end());
  return found;
}

}  // namespace lab
