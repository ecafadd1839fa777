#include "stray.h"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace lab::simt {

namespace {

using Clock = std::chrono::steady_clock;

double processorTime(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

double othersTime() { return processorTime(CLOCK_PROCESS_CPUTIME_ID) - processorTime(CLOCK_THREAD_CPUTIME_ID); }

// The state letter of a thread: 'R' runs or waits for a processor. 0 where it is gone.
char stateOf(const char* thread) {
  const std::string path = std::string("/proc/self/task/") + thread + "/stat";
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[128];
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return 0;
  text[length] = 0;
  // "tid (name) S ...": the name may hold anything, but nothing behind it holds a bracket.
  const char* end = std::strrchr(text, ')');
  return end && end[1] == ' ' ? end[2] : 0;
}

// Threads other than this one that run or wait for a processor, in ascending order.
std::vector<long> runnable() {
  std::vector<long> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/task"), closedir);
  if (!folder) return found;
  const long own = gettid();
  while (const dirent* entry = readdir(folder.get())) {
    const long thread = std::strtol(entry->d_name, nullptr, 10);
    if (thread > 0 && thread != own && stateOf(entry->d_name) == 'R') found.push_back(thread);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

double strayWork() {
  const double before = othersTime();
  const std::vector<long> first = runnable();
  const Clock::time_point began = Clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const double asleep = std::chrono::duration<double>(Clock::now() - began).count();
  const double used = std::max(0.0, othersTime() - before);
  if (first.empty()) return used;
  // On a busy host a thread with work to do may get no processor in that time: that it wants one all along is enough.
  const std::vector<long> second = runnable();
  std::vector<long> both;
  std::set_intersection(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(both));
  return both.empty() ? used : std::max(used, asleep);
}

}  // namespace lab::simt
