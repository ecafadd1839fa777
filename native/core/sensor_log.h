// Clocks, power and throttling while samples are taken, read by a thread of its own: a reading takes the driver
// milliseconds, during which the timing loop must not stand still.
#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "backend.h"
#include "own_threads.h"
#include "timing.h"

namespace lab {

class SensorLog {
 public:
  // Reads once at once; a device that answers nothing is not asked again until the end.
  SensorLog(Backend& backend, std::vector<TimedState>* out)
      : backend_(backend), out_(out), began_(std::chrono::steady_clock::now()) {
    if (read()) thread_.start([this] { watch(); });
  }
  ~SensorLog() { stop(); }
  SensorLog(const SensorLog&) = delete;
  SensorLog& operator=(const SensorLog&) = delete;

  // Ends the readings with a last one. Safe to call twice.
  void stop() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (stopped_) return;
      stopped_ = true;
    }
    wake_.notify_one();
    thread_.join();
    read();
  }

 private:
  static constexpr auto kPause = std::chrono::milliseconds(5);
  static constexpr size_t kMost = 256;

  bool read() {
    TimedState reading;
    reading.at = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    if (!backend_.state(&reading.state).ok()) return false;
    const bool any = reading.state.smClockHz >= 0 || reading.state.throttleKnown;
    out_->push_back(std::move(reading));
    return any;
  }

  void watch() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!wake_.wait_for(lock, kPause, [this] { return stopped_; }) && out_->size() < kMost) {
      lock.unlock();
      read();
      lock.lock();
    }
  }

  Backend& backend_;
  std::vector<TimedState>* out_;
  const std::chrono::steady_clock::time_point began_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  OwnThread thread_;  // last: it uses the others
};

}  // namespace lab
