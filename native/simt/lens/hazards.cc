#include "hazards.h"

#include <algorithm>
#include <cstring>

namespace lab::simt::lens {

using lab_simt::kWarpSize;

namespace {

bool inShared(const LaunchFacts& facts, uint64_t address) {
  return std::any_of(facts.shared.begin(), facts.shared.end(),
                     [&](const Allocation& one) { return address - one.base < one.bytes; });
}

const char* verb(Kind kind) {
  switch (kind) {
    case Kind::kWrite: return "write";
    case Kind::kMatrixRead: return "read";
    case Kind::kAtomicRead: return "atomic read";
    case Kind::kAtomicWrite: return "atomic write";
    case Kind::kAtomicUpdate: return "atomic update";
    default: return "read";
  }
}

}  // namespace

void Hazards::begin(const LaunchFacts& facts) {
  facts_ = facts;
  ordering_.begin(facts.threads);
  uint64_t blocks = uint64_t(facts.grid.x) * facts.grid.y * facts.grid.z;
  allBlocks_ = facts.tracedBlocks.size() >= blocks;
}

// Allocations that nobody has written, and shared memory, begin without values.
void Hazards::fillCells(void* raw, uintptr_t address, Cell* cells, uint32_t count) {
  const auto& self = *static_cast<const Hazards*>(raw);
  for (uint32_t i = 0; i < count; i++) {
    uint64_t at = address + i * kCellBytes;
    if (at > kAddressMask) continue;
    const Allocation* in = self.around(at);
    if (!in || in->initialised || !self.allBlocks_) cells[i].holds = 15;
  }
}

uint64_t Hazards::keyOf(const Event& event) const {
  if (event.space != Space::kShared) return event.address;
  return event.address | (uint64_t(ordering_.number(event.home)) % 0xffff + 1) << kBlockShift;
}

// The allocation that an address lies in, or the one whose begin or end it is nearest to.
const Allocation* Hazards::around(uint64_t address) const {
  const auto& all = facts_.allocations;
  auto after = std::upper_bound(all.begin(), all.end(), address,
                                [](uint64_t wanted, const Allocation& one) { return wanted < one.base; });
  const Allocation* below = after == all.begin() ? nullptr : &*std::prev(after);
  if (below && address < below->base + below->bytes) return below;
  const Allocation* above = after == all.end() ? nullptr : &*after;
  if (!below || !above) return below ? below : above;
  return address - (below->base + below->bytes) <= above->base - address ? below : above;
}

Hazard Hazards::hazardOf(const char* kind, const Event& event, const char* does) const {
  Hazard hazard;
  hazard.kind = kind;
  hazard.acts[0] = Act{event.pc, event.block, event.thread, does};
  hazard.space = event.space;
  return hazard;
}

// Reports an access that lies outside everything it may touch.
bool Hazards::accessible(const Event& event, const char* does) {
  if (event.space != Space::kUnknown) return true;
  const Freed* freed = nullptr;
  for (const Freed& one : facts_.freed)
    if (event.address - one.base < one.bytes) freed = &one;
  Hazard hazard = hazardOf(freed ? "use-after-free" : "out-of-bounds", event, does);
  hazard.address = event.address;
  hazard.bytes = event.bytes;
  if (freed) {
    hazard.base = freed->base;
    hazard.extent = freed->bytes;
  } else if (const Allocation* near = around(event.address)) {
    hazard.base = near->base;
    hazard.extent = near->bytes;
  }
  log_.add(hazard, number_);
  return false;
}

void Hazards::misaligned(const Event& event, const char* does, uint64_t alignment) {
  Hazard hazard = hazardOf("misaligned", event, does);
  hazard.address = event.address;
  hazard.bytes = event.bytes;
  hazard.number = int64_t(alignment);
  log_.add(hazard, number_);
}

void Hazards::uninitialised(const Event& event, const char* does) {
  bool fresh = false;
  for (uint64_t at = keyOf(event), end = at + event.bytes; at < end; at++) {
    Cell& cell = shadow_.cell(at);
    uint8_t bit = uint8_t(1u << at % kCellBytes);
    if (cell.holds & bit) continue;
    fresh = fresh || !(cell.reported & bit);
    cell.reported |= bit;
  }
  if (!fresh) return;
  Hazard hazard = hazardOf("uninitialised", event, does);
  hazard.address = event.address;
  hazard.bytes = event.bytes;
  if (event.space == Space::kGlobal || event.space == Space::kModule) {
    if (const Allocation* in = around(event.address)) {
      hazard.base = in->base;
      hazard.extent = in->bytes;
    }
  }
  hazard.afterBytes = event.valueBytes;
  std::memcpy(hazard.after, event.value, event.valueBytes);
  log_.add(hazard, number_);
}

void Hazards::access(const Event& event, Touch touch) {
  const bool isVolatile = event.order && (event.kind == Kind::kRead || event.kind == Kind::kWrite);
  const char* does = !isVolatile                  ? verb(event.kind)
                     : event.kind == Kind::kWrite ? "volatile write"
                                                  : "volatile read";
  if (!accessible(event, does) || event.bytes == 0) return;
  if (event.address % (event.bytes & -event.bytes) != 0) misaligned(event, does, event.bytes & -event.bytes);
  bool reads = event.kind != Kind::kWrite && event.kind != Kind::kAtomicWrite;
  if (reads) uninitialised(event, does);
  Actor& self = ordering_.actor(event.block, event.thread);
  // An update's `value` is what it found, so what it leaves is not known here.
  bool known = event.valueBytes && event.kind != Kind::kAtomicUpdate;
  races_.touch(self, Races::Access{event.pc, keyOf(event), event.bytes, touch, event.space,
                                   known ? event.value : nullptr, event.valueBytes, number_, does});
}

void Hazards::issue(const Event& event) {
  Actor& self = ordering_.actor(event.block, event.thread);
  Knowledge known = self.known;
  known.learn(self.block, self.rank, self.now);
  thread(event).copies.push_back(Copy{event.address, event.pc, std::move(known)});
  // What the thread does from here on meets the copy: its own time is a later one.
  ordering_.tick(self);
}

void Hazards::perform(const Event& performed) {
  Event event = performed;
  // Mostly the thread's own; a barrier's or pipeline's are performed by whoever comes last or first.
  Actor& self = ordering_.actor(event.block, event.thread);
  Knowledge known = self.known;
  for (uint32_t i = 0; i < facts_.threads; i++) {
    auto holder = threads_.find(event.block * facts_.threads + (event.thread + i) % facts_.threads);
    if (holder == threads_.end()) continue;
    std::vector<Copy>& copies = holder->second.copies;
    auto copy = std::find_if(copies.begin(), copies.end(),
                             [&](const Copy& one) { return one.destination == event.address; });
    if (copy == copies.end()) continue;
    known = std::move(copy->known);
    event.pc = copy->pc;  // where it was asked for says more than where it was waited for
    copies.erase(copy);
    break;
  }
  uint64_t source = event.aux;
  Space from = inShared(facts_, source) ? Space::kShared : Space::kUnknown;
  if (const Allocation* in = around(source); in && source - in->base < in->bytes) {
    from = source + event.bytes <= in->base + in->bytes ? Space::kGlobal : Space::kUnknown;
  }
  if (event.bytes) {
    Event read = event;
    read.address = source;
    read.space = from;
    read.valueBytes = 0;
    if (accessible(read, "asynchronous read")) {
      uninitialised(read, "asynchronous read");
      races_.touchSince(self, known,
                        Races::Access{event.pc, keyOf(read), event.bytes, Touch::kRead, from, nullptr, 0, number_,
                                      "asynchronous read"});
    }
  }
  if (!accessible(event, "asynchronous write")) return;
  races_.touchSince(self, known,
                    Races::Access{event.pc, keyOf(event), event.bytes + event.mask, Touch::kWrite, event.space,
                                  event.valueBytes ? event.value : nullptr, event.valueBytes, number_,
                                  "asynchronous write"});
}

void Hazards::arrive(const Event& event) {
  Actor& self = ordering_.actor(event.block, event.thread);
  Meeting& meeting = ordering_.arriveBarrier(self, uint32_t(event.aux), event.mask, event.pc);
  if (event.aux != 0 || event.mask != 0 || !meeting.several || meeting.pc == event.pc) return;
  Hazard hazard = hazardOf("divergent-barrier", event, "barrier");
  hazard.acts[1] = hazard.acts[0];
  hazard.acts[0] = Act{meeting.pc, event.block, meeting.thread, "barrier"};
  hazard.actCount = 2;
  log_.add(hazard, number_);
}

void Hazards::leave(const Event& event) {
  Actor& self = ordering_.actor(event.block, event.thread);
  uint32_t arrived = ordering_.leaveBarrier(self, uint32_t(event.aux));
  const Exit& exit = exits_[event.block];
  if (!arrived || event.mask != 0 || arrived >= facts_.threads || !exit.any) return;
  Hazard hazard = hazardOf("exited-at-barrier", event, "barrier");
  hazard.acts[1] = hazard.acts[0];
  hazard.acts[0] = Act{exit.pc, event.block, exit.thread, "exit"};
  hazard.actCount = 2;
  hazard.number = int64_t(facts_.threads) - arrived;
  log_.add(hazard, number_);
}

void Hazards::meetWarp(const Event& event) {
  Actor& self = ordering_.actor(event.block, event.thread);
  Thread& own = thread(event);
  int32_t source = own.source;
  own.source = -1;
  ordering_.arriveWarp(self, event.mask);
  if (source < 0) return;
  uint32_t lanes = facts_.threads - event.thread / kWarpSize * kWarpSize;
  uint32_t present = lanes >= kWarpSize ? ~0u : (1u << lanes) - 1;
  if (present & event.mask & 1u << source) return;
  Hazard hazard = hazardOf("inactive-shuffle", event, "shuffle");
  hazard.number = source;
  log_.add(hazard, number_);
}

void Hazards::blockEnd(const Event& event) {
  abandonBulk(event);
  Event shared = event;
  shared.space = Space::kShared;
  for (const Allocation& one : facts_.shared) {
    shared.address = one.base;
    const uint64_t begin = keyOf(shared);
    shadow_.forget(begin, begin + one.bytes);
    ordering_.forget(begin, begin + one.bytes);
  }
  ordering_.blockEnd(event.block);
  for (uint32_t i = 0; i < facts_.threads; i++) threads_.erase(event.block * facts_.threads + i);
  exits_.erase(event.block);
  for (uint32_t warp = 0; warp * kWarpSize < facts_.threads; warp++) products_.erase(event.block << 5 | warp);
}

// Threads that wait at one place are told together; places beyond the last one known join it.
void Hazards::stuck(const Event& event) {
  static const char* const kPlaces[] = {"nowhere", "at a barrier", "in a warp collective", "in __syncwarp()",
                                        "at __activemask()", "for a condition"};
  const char* does = kPlaces[std::min<uint64_t>(event.aux, 5)];
  if (event.aux == 1) {
    does = event.mask == 0 ? "at __syncthreads()" : event.mask >= lab_simt::kNamedBarriers ? "at the grid's barrier"
                                                                                            : "at a named barrier";
  }
  Hazard& hazard = deadlock_;
  if (hazard.number == 0) {
    hazard = hazardOf("deadlock", event, does);
    hazard.actCount = 0;
  }
  hazard.number++;
  for (uint32_t i = 0; i < hazard.actCount; i++) {
    Act& act = hazard.acts[i];
    if ((act.pc == event.pc && act.does == does) || i + 1 == kMostActs) {
      act.threads++;
      return;
    }
  }
  hazard.acts[hazard.actCount++] = Act{event.pc, event.block, event.thread, does, 1};
}

void Hazards::event(const Event& event) {
  if (event.space == Space::kPeer) {  // whose it is, `home` says
    Event shared = event;
    shared.space = Space::kShared;
    return this->event(shared);
  }
  number_++;
  auto self = [&]() -> Actor& { return ordering_.actor(event.block, event.thread); };
  switch (event.kind) {
    // An `order` tells a volatile: what an atomic without order of its own does.
    case Kind::kRead:
      access(event, event.order ? Touch::kStrongRead : Touch::kRead);
      if (event.order) ordering_.atomic(self(), keyOf(event), event.order, true, false);
      return;
    case Kind::kWrite:
      // A volatile is an atomic without an order where its thread has made something visible by a fence before, as one
      // that raises a flag does. Without any it orders nothing, and whoever reads it races.
      access(event, event.order && self().published() ? Touch::kStrongWrite : Touch::kWrite);
      if (event.order) ordering_.atomic(self(), keyOf(event), event.order, false, true);
      return;
    case Kind::kMatrixRead: return access(event, Touch::kRead);
    case Kind::kAtomicRead:
      access(event, Touch::kStrongRead);
      return ordering_.atomic(self(), keyOf(event), event.order, true, false);
    case Kind::kAtomicWrite:
      access(event, Touch::kStrongWrite);
      return ordering_.atomic(self(), keyOf(event), event.order, false, true);
    case Kind::kAtomicUpdate:
      access(event, event.aux ? Touch::kStrongRead : Touch::kStrongWrite);
      return ordering_.atomic(self(), keyOf(event), event.order, true, !event.aux);
    case Kind::kAsyncIssue: return issue(event);
    case Kind::kAsyncWrite: return perform(event);
    case Kind::kBulkLoad:
    case Kind::kBulkStore: return issueBulk(event);
    case Kind::kBulkLanded: return landBulk(event);
    case Kind::kBulkStored: return storeBulk(event);
    case Kind::kWgmma: return issueProduct(event);
    case Kind::kWgmmaRead: return readProduct(event);
    case Kind::kWgmmaWaited: {
      Actor& reader = ordering_.wgmmaOf(event.block, event.thread);
      self().known.learn(reader.block, reader.rank, reader.now);
      return;
    }
    case Kind::kFence: return ordering_.fence(self(), event.order);
    case Kind::kBarrierArrive: return arrive(event);
    case Kind::kBarrierArriveOnly: return ordering_.arriveOnly(self(), uint32_t(event.aux), event.mask);
    case Kind::kBarrierLeave: return leave(event);
    case Kind::kWarpArrive: return meetWarp(event);
    case Kind::kWarpLeave: return ordering_.leaveWarp(self(), event.mask);
    case Kind::kGridArrive: return ordering_.arriveGrid(self());
    case Kind::kGridLeave: return ordering_.leaveGrid(self());
    case Kind::kRelease: return ordering_.release(self(), keyOf(event), event.aux);
    case Kind::kAcquire: return ordering_.acquire(self(), keyOf(event));
    case Kind::kShuffleSource: thread(event).source = int32_t(event.aux); return;
    case Kind::kOverflow: return log_.add(hazardOf("overflow", event, "arithmetic"), number_);
    case Kind::kBadIndex: {
      Hazard hazard = hazardOf("bad-index", event, "index");
      hazard.number = int64_t(event.aux);
      return log_.add(hazard, number_);
    }
    case Kind::kMisaligned: return misaligned(event, "access", event.aux);
    case Kind::kStuck: return stuck(event);
    case Kind::kEndless: return log_.add(hazardOf("time-limit", event, "runs"), number_);
    case Kind::kThreadEnd: exits_[event.block] = Exit{event.thread, event.pc, true}; return;
    case Kind::kBlockStart: return ordering_.blockStart(event.block);
    case Kind::kBlockEnd: return blockEnd(event);
    default: return;
  }
}

std::string Hazards::json() {
  if (deadlock_.number > 0) log_.add(deadlock_, ++number_);
  return "{\"hazards\":" + log_.json(facts_) + ",\"omitted\":" + std::to_string(log_.left()) +
         ",\"shadowBytes\":" + std::to_string(shadow_.bytes()) + "}";
}

std::unique_ptr<Observer> makeHazards(const ObserverOptions&) { return std::make_unique<Hazards>(); }

}  // namespace lab::simt::lens
