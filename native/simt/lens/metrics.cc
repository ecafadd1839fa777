#include "metrics.h"

#include <algorithm>
#include <unordered_map>

#include "call_stacks.h"
#include "counts.h"
#include "request.h"
#include "warp_stream.h"

namespace lab::simt::lens {

namespace {

using lab_simt::kWarpSize;

class Metrics : public Observer {
 public:
  uint32_t wants() const override { return kWantFlow; }
  void begin(const LaunchFacts& facts) override;
  void event(const Event& event) override;
  void branch(uint64_t block, uint16_t thread, uint64_t pc) override {
    select(block);
    now_->warps[thread / kWarpSize].add(
        thread % kWarpSize, Item{0, now_->stackOf[thread], uint32_t(pc), 0, Kind::kBranch, Space::kLocal});
  }
  std::string json() override;

 private:
  // One execution of a basic block by some lanes of a warp, and where they went next.
  struct Instance {
    Site site;
    uint32_t next;
    bool split;
  };
  // By warp: executions that some lane may still leave, and each lane's. A lane's is the last block that it entered.
  struct Trail {
    std::vector<Instance> instances;
    int32_t of[kWarpSize];
    void clear() {
      instances.clear();
      std::fill(of, of + kWarpSize, -1);
    }
  };

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
  void keep(const Event& event, Kind kind, Space space, uint64_t address, uint32_t bytes, uint32_t pc);
  void replay(uint32_t warp);
  void visit(uint32_t warp, const Step& step);
  void access(uint32_t warp, const Step& step);
  void enterBlock(uint32_t warp, const Step& step);
  void settle(Trail& trail, bool all);

  LaunchFacts facts_;
  Running* now_ = nullptr;  // the block of the event
  std::vector<std::unique_ptr<Running>> running_, idle_;
  std::unordered_map<Place, AccessCount, PlaceHash> accesses_;
  std::unordered_map<Site, BlockCount> blocks_;
  std::unordered_map<Site, MeetingCount> barriers_, warpMeetings_;
  CallStacks stacks_;
};

void Metrics::begin(const LaunchFacts& facts) { facts_ = facts; }

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
    settle(now_->trails[w], true);
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

void Metrics::keep(const Event& event, Kind kind, Space space, uint64_t address, uint32_t bytes, uint32_t pc) {
  now_->warps[event.thread / kWarpSize].add(
      event.thread % kWarpSize,
      Item{address, now_->stackOf[event.thread], pc, uint16_t(std::min(bytes, 0xffffu)), kind, space});
}

void Metrics::event(const Event& event) {
  uint32_t warp = event.thread / kWarpSize, lane = event.thread % kWarpSize, pc = uint32_t(event.pc);
  if (event.kind == Kind::kBlockStart) return startBlock(event.block);
  select(event.block);
  switch (event.kind) {
    case Kind::kRead:
    case Kind::kWrite:
    case Kind::kAtomicRead:
    case Kind::kAtomicWrite:
    case Kind::kAtomicUpdate:
    case Kind::kMatrixRead: keep(event, event.kind, event.space, event.address, event.bytes, pc); break;
    case Kind::kAsyncIssue:
      // One instruction of the hardware, two accesses: it reads global memory (unless all is zeroed) and writes shared.
      if (event.bytes) keep(event, Kind::kAsyncIssue, Space::kGlobal, event.aux, event.bytes, pc);
      keep(event, Kind::kAsyncWrite, Space::kShared, event.address, event.bytes + event.mask, pc);
      break;
    case Kind::kEnter:
      keep(event, event.kind, Space::kLocal, 0, 0, uint32_t(event.aux));
      now_->stackOf[event.thread] = stacks_.enter(now_->stackOf[event.thread], uint32_t(event.aux));
      break;
    case Kind::kLeave:
      now_->stackOf[event.thread] = stacks_.leave(now_->stackOf[event.thread]);
      keep(event, event.kind, Space::kLocal, 0, 0, pc);
      break;
    case Kind::kBarrierArrive:
    case Kind::kGridArrive:
      keep(event, event.kind, Space::kLocal, 0, 0, pc);
      if (now_->warps[warp].stop(lane)) replay(warp);
      break;
    case Kind::kWarpArrive:
      keep(event, event.kind, Space::kLocal, 0, 0, pc);
      if (now_->warps[warp].whole(event.mask) && now_->warps[warp].stop(lane)) replay(warp);
      break;
    case Kind::kThreadEnd:
      if (now_->warps[warp].end(lane)) replay(warp);
      break;
    case Kind::kBlockEnd: endBlock(); break;
    default: break;
  }
}

void Metrics::replay(uint32_t warp) {
  now_->warps[warp].replay([&](const Step& step) { visit(warp, step); });
  settle(now_->trails[warp], false);
}

// Counts the executions that every lane has left and keeps the others.
void Metrics::settle(Trail& trail, bool all) {
  std::vector<Instance> kept;
  std::vector<int32_t> moved(trail.instances.size(), -1);
  for (int32_t& of : trail.of) {
    if (of < 0 || all) continue;
    if (moved[size_t(of)] < 0) {
      moved[size_t(of)] = int32_t(kept.size());
      kept.push_back(trail.instances[size_t(of)]);
    }
    of = moved[size_t(of)];
  }
  for (size_t i = 0; i < trail.instances.size(); i++)
    if (moved[i] < 0 && trail.instances[i].split) blocks_[trail.instances[i].site].splits++;
  trail.instances = std::move(kept);
}

void Metrics::visit(uint32_t warp, const Step& step) {
  const Item& first = step.first();
  uint32_t lanes = uint32_t(__builtin_popcount(step.mask));
  switch (first.kind) {
    case Kind::kBranch: enterBlock(warp, step); break;
    case Kind::kBarrierArrive: {
      MeetingCount& count = barriers_[siteOf(first)];
      count.warps++;
      count.threads += lanes;
      break;
    }
    case Kind::kWarpArrive: {
      MeetingCount& count = warpMeetings_[siteOf(first)];
      count.warps++;
      count.threads += lanes;
      break;
    }
    case Kind::kEnter:
    case Kind::kLeave:
    case Kind::kGridArrive: break;
    default: access(warp, step);
  }
}

void Metrics::enterBlock(uint32_t warp, const Step& step) {
  uint32_t pc = step.first().pc;
  BlockCount& count = blocks_[siteOf(step.first())];
  count.warps++;
  count.threads += uint64_t(__builtin_popcount(step.mask));
  Trail& trail = now_->trails[warp];
  auto mine = int32_t(trail.instances.size());
  trail.instances.push_back({siteOf(step.first()), 0, false});
  for (uint32_t left = step.mask; left; left &= left - 1) {
    int32_t& of = trail.of[__builtin_ctz(left)];
    if (of >= 0) {
      Instance& before = trail.instances[size_t(of)];
      if (before.next == 0) before.next = pc;
      before.split = before.split || before.next != pc;
    }
    of = mine;
  }
}

// Lanes at one instruction, told apart by space and width: a generic pointer may lead them to different memories.
void Metrics::access(uint32_t warp, const Step& step) {
  uint32_t left = step.mask;
  while (left) {
    const Item& first = *step.items[__builtin_ctz(left)];
    Request request;
    request.bytes = first.bytes;
    for (uint32_t lanes = left; lanes; lanes &= lanes - 1) {
      auto lane = uint32_t(__builtin_ctz(lanes));
      const Item& item = *step.items[lane];
      if (item.space != first.space || item.bytes != first.bytes) continue;
      request.mask |= 1u << lane;
      request.address[lane] = item.address;
    }
    left &= ~request.mask;
    if (first.kind == Kind::kMatrixRead && first.bytes == 0) continue;  // lanes that give ldmatrix no row
    AccessCount& count = accesses_[Place{first.pc, uint16_t(first.stack), first.bytes, first.kind, first.space}];
    uint32_t cost, ideal;
    if (first.space == Space::kShared) {
      Wavefronts waves = first.kind == Kind::kMatrixRead ? matrixWavefronts(request) : sharedWavefronts(request);
      cost = waves.needed;
      ideal = waves.ideal;
    } else {
      cost = sectors(request);
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
}

const char* nameOf(Kind kind) {
  switch (kind) {
    case Kind::kRead: return "ld";
    case Kind::kWrite: return "st";
    case Kind::kAtomicRead: return "atomic_ld";
    case Kind::kAtomicWrite: return "atomic_st";
    case Kind::kMatrixRead: return "ldsm";
    case Kind::kAsyncIssue: return "ldgsts_ld";
    case Kind::kAsyncWrite: return "ldgsts_st";
    default: return "atom";
  }
}

const char* nameOf(Space space) {
  switch (space) {
    case Space::kGlobal: return "global";
    case Space::kShared: return "shared";
    case Space::kModule: return "module";
    default: return "unknown";
  }
}

void field(std::string& text, const char* name, uint64_t value) {
  if (text.back() != '{') text += ',';
  text += '"';
  text += name;
  text += "\":";
  text += std::to_string(value);
}

// In the order of their addresses, so that two runs give one text.
template <typename Map>
std::vector<Site> sortedKeys(const Map& map) {
  std::vector<Site> keys;
  for (const auto& entry : map) keys.push_back(entry.first);
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::string Metrics::json() {
  std::string text = "{\"accesses\":[";
  auto site = [&](Site at) {
    field(text, "pc", uint32_t(at));
    text += ",\"calls\":" + stacks_.json(uint16_t(at >> 32));
  };
  std::vector<Place> places;
  for (const auto& entry : accesses_) places.push_back(entry.first);
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tie(a.pc, a.stack, a.space, a.kind, a.bytes) < std::tie(b.pc, b.stack, b.space, b.kind, b.bytes);
  });
  for (const Place& place : places) {
    const AccessCount& count = accesses_[place];
    if (text.back() == '}') text += ',';
    text += "{\"op\":\"" + std::string(nameOf(place.kind)) + "\",\"space\":\"" + nameOf(place.space) + '"';
    site(uint64_t(place.stack) << 32 | place.pc);
    field(text, "width", place.bytes);
    field(text, "requests", count.requests);
    field(text, "lanes", count.lanes);
    field(text, "bytes", count.bytes);
    field(text, "cost", count.cost);
    field(text, "ideal", count.ideal);
    field(text, "least", count.least);
    field(text, "most", count.most);
    text += ",\"worst\":{";
    field(text, "block", count.worst.block);
    field(text, "warp", count.worst.warp);
    field(text, "mask", count.worst.request.mask);
    field(text, "cost", count.worst.cost);
    field(text, "ideal", count.worst.ideal);
    text += ",\"addresses\":[";
    for (uint32_t lane = 0; lane < kWarpSize; lane++) {
      if (lane) text += ',';
      text += count.worst.request.mask >> lane & 1 ? std::to_string(count.worst.request.address[lane]) : "null";
    }
    text += "]}}";
  }
  text += "],\"blocks\":[";
  for (Site at : sortedKeys(blocks_)) {
    const BlockCount& count = blocks_[at];
    if (text.back() == '}') text += ',';
    text += '{';
    site(at);
    field(text, "warps", count.warps);
    field(text, "threads", count.threads);
    field(text, "splits", count.splits);
    text += '}';
  }
  auto meetings = [&](std::unordered_map<Site, MeetingCount>& map) {
    for (Site at : sortedKeys(map)) {
      if (text.back() == '}') text += ',';
      text += '{';
      site(at);
      field(text, "warps", map[at].warps);
      field(text, "threads", map[at].threads);
      text += '}';
    }
  };
  text += "],\"barriers\":[";
  meetings(barriers_);
  text += "],\"warpMeetings\":[";
  meetings(warpMeetings_);
  return text + "]}";
}

}  // namespace

std::unique_ptr<Observer> makeMetrics(const ObserverOptions&) { return std::make_unique<Metrics>(); }

}  // namespace lab::simt::lens
