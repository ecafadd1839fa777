// What the metrics observer counts at a site.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "call_stacks.h"
#include "request.h"
#include "sites.h"

namespace lab::simt::lens {

// The request of an instruction that cost most, for drawing.
struct Exemplar {
  uint64_t block = 0;
  uint32_t warp = 0, cost = 0, ideal = 0;
  Request request;
};

// One instruction that touches one kind of memory with one width.
struct AccessCount {
  uint64_t requests = 0, lanes = 0, bytes = 0;
  uint64_t cost = 0, ideal = 0;      // sectors, or wavefronts of shared memory
  uint64_t least = ~0ull, most = 0;  // of one request
  Exemplar worst;
};

// A basic block, or a meeting.
struct PassCount {
  uint64_t warps = 0, threads = 0;   // how often entered
  uint64_t splits = 0;               // after which the lanes went different ways
};

// All of a launch, by site.
struct Counts {
  std::vector<std::unique_ptr<AccessCount>> accesses;  // null where nothing was touched
  std::vector<PassCount> passes;
  void reach(SiteId sites) {
    if (sites <= passes.size()) return;
    accesses.resize(sites);
    passes.resize(sites);
  }
};

// In the order of the sites' addresses, so that two runs give one text (metrics_json.cc).
std::string jsonOf(const Counts& counts, const Sites& sites, const CallStacks& stacks);

}  // namespace lab::simt::lens
