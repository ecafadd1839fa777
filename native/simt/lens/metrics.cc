#include "metrics.h"

#include <algorithm>

#include "call_stacks.h"
#include "counts.h"
#include "request.h"
#include "sites.h"
#include "trail.h"
#include "unit_counts.h"
#include "warp_stream.h"

namespace lab::simt::lens {

namespace {

using lab_simt::kWarpSize;

class Metrics : public Observer {
 public:
  uint32_t wants() const override { return kWantFlow; }
  void begin(const LaunchFacts& facts) override { facts_ = facts; }
  void event(const Event& event) override;
  void flow(uint64_t block, const FlowMark* marks, size_t count) override;
  std::string json() override {
    std::string text = jsonOf(counts_, sites_, stacks_);
    text.back() = ',';
    return text + units_.json(stacks_) + '}';
  }

 private:
  // A block that has begun and not ended; there are several where blocks take turns.
  struct Running {
    uint64_t block = 0;
    std::vector<WarpStream> warps;
    std::vector<Trail> trails;
    std::vector<uint16_t> stackOf;  // by thread
  };

  void startBlock(uint64_t block);
  void endBlock();
  void select(uint64_t block);
  void keep(const Event& event);
  void keep(const Event& event, Kind kind, Space space, uint64_t address, uint32_t bytes);
  SiteId siteOf(uint32_t thread, uint64_t pc, Kind kind, Space space, uint32_t bytes);
  void replay(uint32_t warp);
  void visit(uint32_t warp, const Step& step);
  void access(uint32_t warp, const Step& step);
  Request withinVariable(Request request) const;
  void requested(uint32_t warp, SiteId site, const Request& request);

  LaunchFacts facts_;
  Running* now_ = nullptr;  // the block of the event
  std::vector<std::unique_ptr<Running>> running_, idle_;
  Sites sites_;
  FlowSites flowSites_;
  Counts counts_;
  UnitCounts units_;
  CallStacks stacks_;
};

void Metrics::startBlock(uint64_t block) {
  const size_t warps = (facts_.threads + kWarpSize - 1) / kWarpSize;
  if (idle_.empty()) {
    idle_.push_back(std::make_unique<Running>());
    idle_.back()->warps.resize(warps);
    idle_.back()->trails.resize(warps);
  }
  running_.push_back(std::move(idle_.back()));
  idle_.pop_back();
  now_ = running_.back().get();
  now_->block = block;
  now_->stackOf.assign(facts_.threads, 0);
  for (uint32_t w = 0; w < warps; w++) {
    uint32_t lanes = facts_.threads - w * kWarpSize;
    now_->trails[w].clear();
    now_->warps[w].reset(lanes >= kWarpSize ? ~0u : (1u << lanes) - 1);
  }
}

void Metrics::endBlock() {
  for (uint32_t w = 0; w < now_->warps.size(); w++) {
    replay(w);
    now_->trails[w].settle(true, [this](SiteId site) { counts_.passes[site].splits++; });
  }
  auto at = std::find_if(running_.begin(), running_.end(), [this](const auto& one) { return one.get() == now_; });
  idle_.push_back(std::move(*at));
  running_.erase(at);
  now_ = nullptr;
}

void Metrics::select(uint64_t block) {
  if (now_ && now_->block == block) return;
  for (auto& one : running_)
    if (one->block == block) now_ = one.get();
}

inline SiteId Metrics::siteOf(uint32_t thread, uint64_t pc, Kind kind, Space space, uint32_t bytes) {
  return sites_.of({uint32_t(pc), now_->stackOf[thread], kind, space, bytes});
}

// What is counted by its place alone.
inline void Metrics::keep(const Event& event) {
  SiteId site = siteOf(event.thread, event.pc, event.kind, Space::kLocal, 0);
  *now_->warps[event.thread / kWarpSize].add(event.thread % kWarpSize, 1) = site;
}

inline void Metrics::keep(const Event& event, Kind kind, Space space, uint64_t address, uint32_t bytes) {
  SiteId site = siteOf(event.thread, event.pc, kind, space, bytes);
  now_->warps[event.thread / kWarpSize].add(event.thread % kWarpSize, site, address);
}

void Metrics::flow(uint64_t block, const FlowMark* marks, size_t count) {
  select(block);
  const FlowMark* const end = marks + count;
  while (marks < end) {
    // Mostly they are all of one thread.
    const uint32_t thread = marks->thread;
    const FlowMark* last = marks + 1;
    while (last < end && last->thread == thread) last++;
    SiteId* path = now_->warps[thread / kWarpSize].add(thread % kWarpSize, size_t(last - marks));
    uint16_t stack = now_->stackOf[thread];
    while (marks < last) {
      // Blocks within one function: none waits for the one before to be found.
      for (; marks < last && marks->flow == Flow::kBranch; marks++)
        *path++ = flowSites_.of(*marks, stack, sites_, stacks_).site;
      if (marks == last) break;
      FlowSites::Found found = flowSites_.of(*marks++, stack, sites_, stacks_);
      *path++ = found.site;
      stack = found.stack;
    }
    now_->stackOf[thread] = stack;
  }
}

void Metrics::event(const Event& event) {
  uint32_t warp = event.thread / kWarpSize, lane = event.thread % kWarpSize;
  if (event.kind == Kind::kBlockStart) return startBlock(event.block);
  select(event.block);
  switch (event.kind) {
    case Kind::kRead:
    case Kind::kWrite:
    case Kind::kAtomicRead:
    case Kind::kAtomicWrite:
    case Kind::kAtomicUpdate:
    case Kind::kMatrixRead: keep(event, event.kind, event.space, event.address, event.bytes); break;
    case Kind::kAsyncIssue:
      // One instruction of the hardware, two accesses: it reads global memory (unless all is zeroed) and writes shared.
      if (event.bytes) keep(event, Kind::kAsyncIssue, Space::kGlobal, event.aux, event.bytes);
      keep(event, Kind::kAsyncWrite, Space::kShared, event.address, event.bytes + event.mask);
      break;
    case Kind::kBarrierArrive:
    case Kind::kGridArrive:
      keep(event);
      if (now_->warps[warp].stop(lane)) replay(warp);
      break;
    case Kind::kWarpArrive:
      keep(event);
      if (now_->warps[warp].whole(event.mask) && now_->warps[warp].stop(lane)) replay(warp);
      break;
    case Kind::kThreadEnd:
      if (now_->warps[warp].end(lane)) replay(warp);
      break;
    case Kind::kBulkLoad:
    case Kind::kBulkStore:
    case Kind::kWgmma: units_.event(event, now_->stackOf[event.thread]); break;
    case Kind::kBlockEnd: endBlock(); break;
    default: break;
  }
}

void Metrics::replay(uint32_t warp) {
  counts_.reach(sites_.size());
  std::vector<WarpStream>& warps = now_->warps;
  warps[warp].replay(sites_, [&](const Step& step) { visit(warp, step); });
  now_->trails[warp].settle(false, [this](SiteId site) { counts_.passes[site].splits++; });
  warps[warp].passOn(warps[(warp + 1) % warps.size()]);
}

void Metrics::visit(uint32_t warp, const Step& step) {
  const Site& site = sites_[step.site];
  if (site.touches()) return access(warp, step);
  PassCount& count = counts_.passes[step.site];
  count.warps++;
  count.threads += uint32_t(__builtin_popcount(step.mask));
  if (site.kind() == Kind::kBranch) now_->trails[warp].enter(step.mask, step.site, site.pc());
}

// Lanes at one instruction, told apart by space and width: a generic pointer may lead them to different memories.
void Metrics::access(uint32_t warp, const Step& step) {
  Request request;
  if (step.uniform) {
    request.mask = step.mask;
    request.bytes = sites_[step.site].bytes();
    for (uint32_t lanes = step.mask; lanes; lanes &= lanes - 1) {
      auto lane = uint32_t(__builtin_ctz(lanes));
      request.address[lane] = step.addresses[lane][step.index];
    }
    return requested(warp, step.site, request);
  }
  for (uint32_t left = step.mask; left; left &= ~request.mask) {
    const SiteId first = *step.own[__builtin_ctz(left)];
    request.mask = 0;
    request.bytes = sites_[first].bytes();
    for (uint32_t lanes = left; lanes; lanes &= lanes - 1) {
      auto lane = uint32_t(__builtin_ctz(lanes));
      const Site& site = sites_[*step.own[lane]];
      if (site.space() != sites_[first].space() || site.bytes() != sites_[first].bytes()) continue;
      request.mask |= 1u << lane;
      request.address[lane] = step.addresses[lane][step.index];
    }
    requested(warp, first, request);
  }
}

// A GPU's shared memory begins at a sector; a worker's begins where its thread-local variables happen to lie.
Request Metrics::withinVariable(Request request) const {
  const uint64_t first = request.address[__builtin_ctz(request.mask)];
  for (const Allocation& one : facts_.shared) {
    if (first - one.base >= one.bytes) continue;
    for (uint32_t left = request.mask; left; left &= left - 1) request.address[__builtin_ctz(left)] -= one.base;
    break;
  }
  return request;
}

void Metrics::requested(uint32_t warp, SiteId id, const Request& request) {
  const Site& site = sites_[id];
  if (site.kind() == Kind::kMatrixRead && site.bytes() == 0) return;  // lanes that give ldmatrix no row
  if (!counts_.accesses[id]) counts_.accesses[id] = std::make_unique<AccessCount>();
  AccessCount& count = *counts_.accesses[id];
  uint32_t cost, ideal;
  if (site.space() == Space::kShared) {
    Wavefronts waves =
        site.kind() == Kind::kMatrixRead ? matrixWavefronts(request) : sharedWavefronts(request);
    cost = waves.needed;
    ideal = waves.ideal;
  } else {
    cost = sectors(site.space() == Space::kPeer ? withinVariable(request) : request);
    ideal = idealSectors(request);
  }
  auto lanes = uint32_t(__builtin_popcount(request.mask));
  count.requests++;
  count.lanes += lanes;
  count.bytes += uint64_t(lanes) * request.bytes;
  count.cost += cost;
  count.ideal += ideal;
  count.least = std::min<uint64_t>(count.least, cost);
  count.most = std::max<uint64_t>(count.most, cost);
  // The worst is the one furthest above its ideal; of equals, the first.
  if (count.requests == 1 || int64_t(cost) - ideal > int64_t(count.worst.cost) - count.worst.ideal) {
    count.worst = Exemplar{now_->block, warp, cost, ideal, request};
  }
}

}  // namespace

std::unique_ptr<Observer> makeMetrics(const ObserverOptions&) { return std::make_unique<Metrics>(); }

}  // namespace lab::simt::lens
