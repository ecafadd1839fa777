// Time as the scheduler counts it.
#pragma once
#include <time.h>

#include <cstdint>

namespace lab::simt {

constexpr uint64_t kPatience = 5'000'000'000;  // ns a block may poll for what another block has to do

inline uint64_t nanoseconds() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1'000'000'000 + uint64_t(t.tv_nsec);
}

}  // namespace lab::simt
