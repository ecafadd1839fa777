// The timing loop: one call runs the warm-up and every sample, so that between two samples nothing waits for the
// notebook. It drives any Backend through its contract; what is timed are batches of commands, decoded as always.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "backend.h"
#include "decoder.h"

namespace lab {

using Batch = std::vector<uint8_t>;

// One piece of work, at as many addresses as it has sets: sample i runs set i % sets.size().
struct TimedWork {
  std::vector<Batch> sets;
  // Run untimed ahead of a sample of the same set: outputs poisoned, inputs restored. Empty, or one a set.
  std::vector<Batch> before;
  // Run untimed once, after sample `keepAt`: its outputs kept from works that write to the same tensors.
  Batch keep;
  uint32_t keepAt = 0;
};

struct TimingRequest {
  std::vector<TimedWork> works;  // timed in turns, A B A B
  uint32_t warmup = 0, samples = 0;
  uint32_t batch = 1;  // runs a sample covers
  // Run untimed once, ahead of all works' sample `refreshAt`: other contents at the same addresses.
  Batch refresh;
  uint32_t refreshAt = 0;
  double warmSeconds = 0;  // the warm-up goes on for so long at least
  bool sustained = false;  // back to back: nothing but events between two samples
  bool graph = false;      // a sample is one launch of a graph
  Batch flush;             // overwrites the caches ahead of a sample; empty for none
};

struct TimedState {
  double at = 0;  // seconds since the samples began
  DeviceState state;
};

struct TimingResult {
  // Seconds by events, a series a work; the time of a whole sample, not divided by `batch`.
  std::vector<std::vector<double>> seconds;
  // Seconds of work found still running once a sample's end event had come, a series a work.
  std::vector<std::vector<double>> unfinished;
  // The same two of pairs of events with nothing between them.
  std::vector<double> overhead, idle;
  std::vector<TimedState> state;
  // What the events say all samples took together, and what the host's clock says.
  double eventSpan = 0, hostSpan = 0;
  bool persistingReset = false;
};

// Runs a request. Errors: those of the work; "bad-options" for work that a timing loop cannot repeat.
Status runTiming(Backend& backend, Decoder& decoder, const TimingRequest& request, TimingResult* out);

}  // namespace lab
