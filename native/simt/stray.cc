#include "stray.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "../core/own_threads.h"

namespace lab::simt {

namespace {

using Clock = std::chrono::steady_clock;

// Processor time of a thread of this process; 0 where it is gone. Its clock is made as pthread_getcpuclockid() does,
// which takes no thread that somebody else started: CPUCLOCK_PERTHREAD | CPUCLOCK_SCHED beside the inverted number.
double processorTime(long thread) {
  timespec t{};
  const clockid_t clock = clockid_t((~unsigned(thread) << 3) | 6u);
  return clock_gettime(clock, &t) == 0 ? double(t.tv_sec) + double(t.tv_nsec) * 1e-9 : 0;
}

// Whether a thread runs or waits for a processor.
bool runnable(long thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/stat";
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[128];
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return false;
  text[length] = 0;
  // "tid (name) S ...": the name may hold anything, but nothing behind it holds a bracket.
  const char* end = std::strrchr(text, ')');
  return end && end[1] == ' ' && end[2] == 'R';
}

struct Stray {
  long thread;
  double before;
  bool wanting;
};

}  // namespace

double strayWork() {
  std::vector<Stray> strays;
  for (long thread : foreignThreads()) strays.push_back({thread, processorTime(thread), runnable(thread)});
  if (strays.empty()) return 0;
  const Clock::time_point began = Clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const double asleep = std::chrono::duration<double>(Clock::now() - began).count();
  double worked = 0;
  for (const Stray& stray : strays) {
    const double used = std::max(0.0, processorTime(stray.thread) - stray.before);
    // On a busy host a thread with work to do may get no processor in that time: that it wants one all along is enough.
    worked += stray.wanting && runnable(stray.thread) ? std::max(used, asleep) : used;
  }
  return worked;
}

}  // namespace lab::simt
