#include "warp.h"

#include <cstring>

namespace lab::simt {

Rendezvous* Warp::meeting(uint32_t mask) {
  if (recent && recent->mask == mask) return recent;
  Rendezvous* unused = nullptr;
  for (auto& meeting : meetings) {
    if (meeting->mask == mask) return recent = meeting.get();
    if (!meeting->arrived && !meeting->readers) unused = meeting.get();
  }
  // A lane waits in at most one meeting and reads at most one, so the list stays short.
  if (!unused || meetings.size() < 4) {
    meetings.push_back(std::make_unique<Rendezvous>());
    unused = meetings.back().get();
  }
  unused->mask = mask;
  return recent = unused;
}

void Warp::clearMissing(Rendezvous& r) {
  for (uint32_t missing = r.mask & ~r.arrived; missing; missing &= missing - 1) {
    std::memset(r.slot() + uint32_t(__builtin_ctz(missing)) * r.bytes, 0, r.bytes);
  }
}

}  // namespace lab::simt
