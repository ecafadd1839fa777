#include <tuple>

#include "steps.h"

namespace lab::simt::lens {

namespace {

using lab_simt::kWarpSize;

void addRequests(WarpStep& step, const StepThread& thread, uint32_t lane, size_t index) {
  std::vector<std::pair<uint64_t, uint32_t>> seen;  // the same instruction may run several times in a statement
  for (size_t at = thread.steps[index].firstAccess; at < thread.lastAccess(index); at++) {
    const StepAccess& access = thread.accesses[at];
    uint32_t earlier = 0;
    bool known = false;
    for (auto& [pc, times] : seen) {
      if (pc != access.pc) continue;
      earlier = times++;
      known = true;
    }
    if (!known) seen.emplace_back(access.pc, 1);
    WarpRequest* found = nullptr;
    for (WarpRequest& request : step.requests) {
      if (request.pc != access.pc || request.kind != access.kind || request.bytes != access.bytes) continue;
      if (earlier-- == 0) {
        found = &request;
        break;
      }
    }
    if (!found || found->mask >> lane & 1) {
      step.requests.push_back(WarpRequest{access.pc, access.kind, access.bytes, 0, {}});
      found = &step.requests.back();
    }
    found->mask |= 1u << lane;
    found->lanes[lane] = &access;
  }
}

void addChanges(WarpStep& step, const StepThread& thread, uint32_t lane, size_t index) {
  for (size_t at = thread.steps[index].firstChange; at < thread.lastChange(index); at++) {
    const StepChange& change = thread.changes[at];
    step.changes[{change.local, change.element}][lane] = &change;
  }
}

// Two in a row read as one, several times, if nothing was touched in between.
bool repeats(const WarpStep& last, const WarpStep& next) {
  return last.key == next.key && last.mask == next.mask && last.phase == next.phase && last.requests.empty() &&
         next.requests.empty() && !last.flags && !next.flags;
}

}  // namespace

std::vector<WarpStep> mergeWarp(const StepThread* lanes, uint32_t count) {
  std::vector<WarpStep> merged;
  size_t at[kWarpSize] = {};
  for (;;) {
    // Earliest phase, deepest call, then the place in the text.
    using Place = std::tuple<uint32_t, int32_t, uint32_t>;
    auto placeOf = [&](uint32_t lane) {
      const LaneStep& step = lanes[lane].steps[at[lane]];
      return Place{step.phase, -int32_t(step.depth), step.key};
    };
    const Place* first = nullptr;
    Place least;
    for (uint32_t lane = 0; lane < count; lane++) {
      if (at[lane] >= lanes[lane].steps.size()) continue;
      Place place = placeOf(lane);
      if (first && place >= least) continue;
      least = place;
      first = &least;
    }
    if (!first) return merged;
    WarpStep step{std::get<2>(least), std::get<0>(least), 0, 1, 0, {}, {}};
    for (uint32_t lane = 0; lane < count; lane++) {
      if (at[lane] >= lanes[lane].steps.size() || placeOf(lane) != least) continue;
      size_t index = at[lane]++;
      step.mask |= 1u << lane;
      step.flags |= lanes[lane].steps[index].flags;
      addRequests(step, lanes[lane], lane, index);
      addChanges(step, lanes[lane], lane, index);
    }
    if (merged.empty() || !repeats(merged.back(), step)) {
      merged.push_back(std::move(step));
      continue;
    }
    WarpStep& last = merged.back();
    last.count++;
    for (const auto& [what, values] : step.changes)
      for (uint32_t lane = 0; lane < count; lane++)
        if (values[lane]) last.changes[what][lane] = values[lane];
  }
}

}  // namespace lab::simt::lens
