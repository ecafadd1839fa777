// What a traced launch answers: its own facts and every observer's findings, as one JSON object.
#include <sys/resource.h>

#include "tracer.h"

namespace lab::simt::lens {

namespace {

// The most memory that this process ever had.
uint64_t peakBytes() {
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? uint64_t(usage.ru_maxrss) * 1024 : 0;
}

}  // namespace

Status Tracer::finish(std::string* json) {
  if (!started_) return Status::error("no-launch", "Reading a trace: no launch has run since it was asked for.");
  if (tooLarge_) {
    return Status::error("trace-too-large",
                         "Tracing " + facts_.kernel + ": its " + std::to_string(facts_.tracedBlocks.size()) +
                             " traced blocks make more than " + std::to_string(limit_) +
                             " memory accesses. Trace fewer blocks ({ sample: 8 } takes 8 spread over the grid), a smaller "
                             "problem, or raise { maxAccesses }.");
  }
  std::string& text = *json;
  text = "{\"accesses\":" + std::to_string(accesses_) + ",\"events\":" + std::to_string(events_) +
         ",\"blocks\":" + std::to_string(blocks_) + ",\"peakBytes\":" + std::to_string(peakBytes()) +
         ",\"ended\":" + (ended_ ? "\"" + std::string(ended_) + "\"" : "null") + ",\"traced\":[";
  for (size_t i = 0; i < facts_.tracedBlocks.size(); i++) {
    if (i) text += ',';
    text += std::to_string(facts_.tracedBlocks[i]);
  }
  auto ranges = [&](const char* name, const std::vector<Allocation>& list) {
    text += std::string("],\"") + name + "\":[";
    for (const Allocation& one : list) {
      if (text.back() == '}') text += ',';
      text += "{\"base\":" + std::to_string(one.base) + ",\"bytes\":" + std::to_string(one.bytes) + ",\"name\":\"" +
              one.name + "\"}";
    }
  };
  ranges("allocations", facts_.allocations);
  ranges("shared", facts_.shared);
  text += "],\"arguments\":\"";
  for (uint8_t byte : arguments_) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  text += "\",\"observers\":{";
  for (size_t i = 0; i < observers_.size(); i++) {
    text += (i ? ",\"" : "\"") + observers_[i].first + "\":" + observers_[i].second->json();
  }
  text += "}}";
  return {};
}

}  // namespace lab::simt::lens
