#include "ordering.h"

namespace lab::simt::lens {

namespace {
constexpr uint32_t kNoHome = ~0u;
bool acquires(int order) {
  return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order == __ATOMIC_ACQ_REL ||
         order == __ATOMIC_SEQ_CST;
}
bool releases(int order) {
  return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}
}  // namespace

void Ordering::begin(uint32_t threads) {
  firstUnit_ = (threads + lab_simt::kWarpSize - 1) / lab_simt::kWarpSize * lab_simt::kWarpSize;
  threads_ = firstUnit_ + 2 * kUnits;
  warps_ = threads_ / lab_simt::kWarpSize;
  prepare(grid_, kNoHome);
}

void Ordering::prepare(Meeting& meeting, uint32_t home) const {
  meeting.arriving.reset(home, threads_);
  meeting.fenced.reset(home, threads_);
}

void Ordering::blockStart(uint64_t index) {
  uint32_t number = uint32_t(blocks_.size());
  numbers_[index] = number;
  blocks_.emplace_back();
  Block& block = blocks_.back();
  block.index = index;
  block.actors.resize(threads_);
  for (uint32_t rank = 0; rank < threads_; rank++) {
    Actor& actor = block.actors[rank];
    actor.block = number;
    actor.rank = uint16_t(rank);
    actor.known.reset(number, threads_);
    actor.pending.reset(number, threads_);
    for (Knowledge& snapshot : actor.snapshot) snapshot.reset(number, threads_);
  }
  block.barriers.resize(lab_simt::kNamedBarriers);
  for (Meeting& barrier : block.barriers) prepare(barrier, number);
}

void Ordering::blockEnd(uint64_t index) {
  Block& block = blocks_[numbers_[index]];
  std::vector<Actor>().swap(block.actors);
  std::vector<Meeting>().swap(block.barriers);
  block.warps.clear();
}

Actor& Ordering::actor(uint64_t block, uint16_t thread) {
  if (recent_ >= blocks_.size() || blocks_[recent_].index != block) recent_ = numbers_[block];
  return blocks_[recent_].actors[thread];
}

Actor& Ordering::wgmmaOf(uint64_t block, uint16_t thread) {
  return actor(block, uint16_t(firstUnit_ + thread / lab_simt::kWarpSize));
}

Actor& Ordering::bulkOf(uint64_t block, uint64_t barrier) {
  return actor(block, uint16_t(firstUnit_ + kUnits + barrier / 8 % kUnits));
}

// What the thread tells when it releases: what it knows, and all it did itself.
Knowledge Ordering::shown(const Actor& self) const {
  Knowledge all = self.known;
  all.learn(self.block, self.rank, self.now);
  return all;
}

// A meeting or fence completes what the thread's atomics have seen.
void Ordering::settle(Actor& self) {
  if (!self.seen) return;
  self.known.join(self.pending);
  self.pending.reset(self.block, threads_);
  self.seen = false;
}

void Ordering::enter(Actor& self, Meeting& meeting) {
  settle(self);
  // Threads that came out of one meeting know the same.
  if (meeting.arrived++ == 0 || !meeting.last.same(self.known)) {
    meeting.arriving.join(self.known);
    meeting.last = self.known;
  }
  meeting.arriving.learn(self.block, self.rank, self.now);
  if (self.released[1]) meeting.fenced.join(self.snapshot[1]);
}

void Ordering::leave(Actor& self, const Meeting& meeting) {
  if (meeting.fencedBefore.empty()) return;
  self.snapshot[1].join(meeting.fencedBefore);
  self.released[1] = true;
}

void Ordering::seal(Block& block, Meeting& meeting) {
  meeting.complete = std::move(meeting.arriving);
  meeting.arriving = Knowledge();
  meeting.arriving.reset(meeting.complete.home(), threads_);
  meeting.fencedBefore = std::move(meeting.fenced);
  meeting.fenced = Knowledge();
  meeting.fenced.reset(meeting.complete.home(), threads_);
  meeting.last = Knowledge();
  meeting.arrived = 0;
  meeting.several = false;
  meeting.phase++;
  meeting.time = ++block.ticks;
}

Meeting& Ordering::arriveBarrier(Actor& self, uint32_t id, uint32_t count, uint64_t pc) {
  Block& block = blocks_[self.block];
  Meeting& meeting = block.barriers[id];
  if (meeting.arrived == 0) {
    meeting.pc = pc;
    meeting.thread = self.rank;
  } else if (meeting.pc != pc) {
    meeting.several = true;
  }
  enter(self, meeting);
  self.phase = meeting.phase;
  if (count && meeting.arrived >= count) seal(block, meeting);
  return meeting;
}

void Ordering::arriveOnly(Actor& self, uint32_t id, uint32_t count) {
  Block& block = blocks_[self.block];
  Meeting& meeting = block.barriers[id];
  enter(self, meeting);
  tick(self);
  if (count && meeting.arrived >= count) seal(block, meeting);
}

uint32_t Ordering::leaveBarrier(Actor& self, uint32_t id) {
  Block& block = blocks_[self.block];
  Meeting& meeting = block.barriers[id];
  uint32_t arrived = 0;
  if (meeting.phase == self.phase) {
    arrived = meeting.arrived;
    seal(block, meeting);
  }
  self.known = meeting.complete;
  self.now = meeting.time;
  leave(self, meeting);
  return arrived;
}

void Ordering::arriveWarp(Actor& self, uint32_t mask) {
  Meeting& meeting = blocks_[self.block].warps[uint64_t(self.rank / lab_simt::kWarpSize) << 32 | mask];
  if (meeting.arrived == 0) prepare(meeting, self.block);
  enter(self, meeting);
  self.warpPhase = meeting.phase;
}

void Ordering::leaveWarp(Actor& self, uint32_t mask) {
  Block& block = blocks_[self.block];
  Meeting& meeting = block.warps[uint64_t(self.rank / lab_simt::kWarpSize) << 32 | mask];
  if (meeting.phase == self.warpPhase) seal(block, meeting);
  self.known = meeting.complete;
  self.now = meeting.time;
  leave(self, meeting);
}

void Ordering::arriveGrid(Actor& self) {
  enter(self, grid_);
  self.gridPhase = grid_.phase;
}

void Ordering::leaveGrid(Actor& self) {
  Block& block = blocks_[self.block];
  if (grid_.phase == self.gridPhase) seal(block, grid_);
  if (block.gridPhase != grid_.phase) {
    block.gridPhase = grid_.phase;
    block.gridTime = ++block.ticks;
  }
  self.known.join(grid_.complete);
  self.now = block.gridTime;
  leave(self, grid_);
}

void Ordering::fence(Actor& self, uint8_t order) {
  settle(self);
  bool device = scopeOf(order) != Scope::kBlock;
  Knowledge all = shown(self);
  if (device) self.snapshot[1] = all;
  self.snapshot[0] = std::move(all);
  self.released[0] = true;
  self.released[1] = self.released[1] || device;
  tick(self);
}

void Ordering::atomic(Actor& self, uint64_t address, uint8_t order, bool reads, bool writes) {
  int memory = memoryOrderOf(order);
  auto found = locations_.find(address);
  if (reads && found != locations_.end()) {
    const Location& location = found->second;
    auto near = location.within.find(self.block);
    Knowledge& into = acquires(memory) ? self.known : self.pending;
    self.seen = self.seen || !acquires(memory);
    into.join(location.everywhere);
    if (near != location.within.end()) into.join(near->second);
  }
  if (!writes) return;
  bool tells = releases(memory) || self.released[0] || self.released[1];
  if (found == locations_.end()) {
    if (!tells) return;
    found = locations_.try_emplace(address).first;
    found->second.everywhere.reset(self.block, threads_);
  }
  Location& location = found->second;
  if (!reads) {  // a plain store ends what earlier ones released
    location.everywhere.reset(self.block, threads_);
    location.within.clear();
  }
  auto near = [&]() -> Knowledge& {
    auto [at, fresh] = location.within.try_emplace(self.block);
    if (fresh) at->second.reset(self.block, threads_);
    return at->second;
  };
  if (releases(memory)) {
    (scopeOf(order) == Scope::kBlock ? near() : location.everywhere).join(shown(self));
    tick(self);
  }
  if (self.released[1]) location.everywhere.join(self.snapshot[1]);
  if (self.released[0]) near().join(self.snapshot[0]);
}

Ordering::Object& Ordering::objectOf(const Actor& self, uint64_t object) {
  auto [at, fresh] = objects_.try_emplace(object);
  if (fresh) {
    at->second.arriving.reset(self.block, threads_);
    at->second.released.reset(self.block, threads_);
  }
  return at->second;
}

void Ordering::release(Actor& self, uint64_t object, uint64_t how) {
  Object& meant = objectOf(self, object);
  if (how < 3) {
    settle(self);
    (how == 0 ? meant.released : meant.arriving).join(shown(self));
    tick(self);
  }
  if (how < 2) return;
  if (how == 3) meant.arriving.join(meant.released);
  meant.released = std::move(meant.arriving);
  meant.arriving = Knowledge();
  meant.arriving.reset(self.block, threads_);
}

void Ordering::finish(const Actor& self, uint64_t object) {
  objectOf(self, object).arriving.learn(self.block, self.rank, self.now);
}

void Ordering::acquire(Actor& self, uint64_t object) {
  auto found = objects_.find(object);
  if (found != objects_.end()) self.known.join(found->second.released);
}

void Ordering::forget(uint64_t begin, uint64_t end) {
  auto drop = [&](auto& table) {
    for (auto it = table.begin(); it != table.end();) {
      it = it->first >= begin && it->first < end ? table.erase(it) : std::next(it);
    }
  };
  drop(locations_);
  drop(objects_);
}

}  // namespace lab::simt::lens
