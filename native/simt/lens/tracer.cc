#include "tracer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "../block.h"
#include "../heap.h"
#include "../include/simt_lens.h"
#include "../module.h"
#include "../stacks.h"
#include "trace_hopper.h"
#include "trace_runtime.h"

namespace lab::simt::lens {

namespace {
constexpr uint64_t kArgBytes = 32768;  // what a launch's arguments may take (launch.cc)
// Read at every event: found without a call.
__attribute__((tls_model("initial-exec"))) thread_local Tracer* running = nullptr;
}  // namespace

Tracer* Tracer::current() { return running; }

Status Tracer::make(const LensRequest& request, std::unique_ptr<Tracer>* out) {
  std::vector<std::pair<std::string, std::unique_ptr<Observer>>> observers;
  for (const LensRequest::Observer& wanted : request.observers) {
    auto observer = makeObserver(wanted.name, wanted.options);
    if (!observer)
      return Status::error("invalid-argument", "Tracing a launch: there is no observer \"" + wanted.name + "\".");
    observers.emplace_back(wanted.name, std::move(observer));
  }
  out->reset(new Tracer(request, std::move(observers)));
  return {};
}

Tracer::Tracer(const LensRequest& request, std::vector<std::pair<std::string, std::unique_ptr<Observer>>> observers)
    : request_(request), observers_(std::move(observers)), limit_(request.maxAccesses ? request.maxAccesses : ~0ull) {
  for (auto& [name, observer] : observers_) {
    list_.push_back(observer.get());
    if (observer->wants() & Observer::kWantFlow) flow_.push_back(observer.get());
    values_ = values_ || (observer->wants() & Observer::kWantValues);
    branches_ = branches_ || (observer->wants() & Observer::kWantFlow);
    endings_ = endings_ || (observer->wants() & Observer::kWantEnding);
  }
  hooks_ = {kHookVersion, 0, &buffer_, onAccess, onFence, onFlowFull, onOperation, onPause};
  if (request_.scheduled) schedule_ = std::make_unique<Schedule>(request_.seed);
}

Tracer::~Tracer() {
  if (active_) stop();
}

// Blocks of one cluster are traced together: they see each other's memory.
static void addWholeClusters(const GridRun& grid, std::vector<uint64_t>& chosen) {
  if (grid.clusterBlocks() == 1) return;
  const uint64_t across = grid.grid.x / grid.cluster.x, down = grid.grid.y / grid.cluster.y;
  std::vector<uint64_t> all;
  for (uint64_t block : chosen) {
    const uint64_t x = block % grid.grid.x / grid.cluster.x, row = block / grid.grid.x;
    const uint64_t y = row % grid.grid.y / grid.cluster.y, z = row / grid.grid.y / grid.cluster.z;
    for (uint32_t rank = 0; rank < grid.clusterBlocks(); rank++)
      all.push_back(grid.blockOf((z * down + y) * across + x, grid.placeOf(rank)));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  chosen = std::move(all);
}

Status Tracer::chooseBlocks(const GridRun& grid) {
  const uint64_t blocks = grid.blocks;
  std::vector<uint64_t>& chosen = facts_.tracedBlocks;
  blocks_ = blocks;
  chosen = request_.blocks;
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  if (!chosen.empty() && chosen.back() >= blocks) {
    return Status::error("invalid-argument", "Tracing a launch: block " + std::to_string(chosen.back()) +
                                                 " was asked for, the grid has " + std::to_string(blocks) + ".");
  }
  if (chosen.empty()) {
    uint64_t count = request_.sample && request_.sample < blocks ? request_.sample : blocks;
    // The first and the last among them: a grid's ends are where kernels differ.
    for (uint64_t i = 0; i < count; i++) chosen.push_back(count > 1 ? i * (blocks - 1) / (count - 1) : 0);
  }
  addWholeClusters(grid, chosen);
  sampled_ = chosen.size() < blocks;
  return {};
}

Status Tracer::begin(const GridRun& grid, std::vector<Allocation> tensors) {
  if (!grid.module->attachHooks) {
    return Status::error("not-instrumented", std::string("Tracing ") + grid.kernel +
                                                 ": its module was not compiled for the lens.");
  }
  Status wrong = chooseBlocks(grid);
  if (!wrong.ok()) return wrong;
  started_ = true;
  module_ = grid.module;
  base_ = imageBegin_ = hooks_.base = module_->base;
  imageEnd_ = module_->end();
  args_ = grid.args;
  if (grid.clusterBlocks() > 1) introduced_.resize(grid.clusterBlocks());
  arguments_.assign(grid.args, grid.args + grid.argBytes);
  facts_.kernel = grid.kernel;
  facts_.grid = grid.grid;
  facts_.block = grid.block;
  facts_.threads = grid.threads;
  facts_.staticShared = grid.staticShared;
  facts_.dynamicShared = grid.dynamicShared;
  facts_.allocations = std::move(tensors);
  for (auto [base, bytes] : request_.freed) facts_.freed.push_back({base, bytes});
  for (Module::Variable& one : module_->variables())
    facts_.allocations.push_back({one.address, one.bytes, std::move(one.name), true});
  std::sort(facts_.allocations.begin(), facts_.allocations.end(),
            [](const Allocation& a, const Allocation& b) { return a.base < b.base; });
  return {};
}

bool Tracer::traces(uint64_t block) const {
  if (tooLarge_) return false;
  return !sampled_ || std::binary_search(facts_.tracedBlocks.begin(), facts_.tracedBlocks.end(), block);
}

void Tracer::enterBlock(const Block& block, uint64_t index, const Stacks& stacks, bool fresh) {
  if (!traces(index)) return;
  if (!fresh) return attach(index);
  map_.addOnce(stacks.begin(), stacks.bytes(), Space::kLocal);
  map_.addOnce(uint64_t(&block), sizeof block, Space::kLocal);
  map_.addOnce(uint64_t(&tracedHopper()), sizeof(lab_simt::Hopper), Space::kLocal);
  blockStart(block, index);
}

void Tracer::leaveBlock() {
  if (running != this) return;
  settle();
  stop();
}

void Tracer::attach(uint64_t index) {
  running = this;
  block_ = index;
  buffer_.at = marks_;
  module_->attachHooks(&hooks_);
}

// A block's shared memory, on its worker, where thread-local variables have their addresses.
std::vector<Allocation> Tracer::sharedOf(const Block& block) {
  std::vector<Allocation> found;
  std::vector<Module::Variable> pointers;
  std::vector<Module::Variable> shared = module_->sharedVariables(&pointers);
  for (const Module::Variable& one : pointers) map_.addOnce(one.address, one.bytes, Space::kLocal);
  for (Module::Variable& one : shared) {
    // Whether a variable with a constructor has been made is the CPU device's own business.
    if (one.name.rfind("guard variable for ", 0) == 0) {
      map_.addOnce(one.address, one.bytes, Space::kLocal);
    } else {
      found.push_back({one.address, one.bytes, std::move(one.name), false});
    }
  }
  if (block.dynamicSharedBytes) found.push_back({uint64_t(block.dynamicShared), block.dynamicSharedBytes, "", false});
  return found;
}

void Tracer::introduce(const Block& block, uint32_t rank) {
  std::lock_guard<std::mutex> lock(introductions_);
  introduced_[rank] = sharedOf(block);
}

// Of a cluster's blocks each has a worker, and on it addresses of its own; told are those of the first.
void Tracer::enterCluster(const std::vector<uint64_t>& blocks) {
  if (!traces(blocks[0])) return;
  ranks_ = blocks;
  if (!active_) {
    for (uint32_t rank = 0; rank < introduced_.size(); rank++) {
      for (size_t i = 0; i < introduced_[rank].size(); i++) {
        const Allocation& one = introduced_[rank][i];
        peers_.push_back({one.base, one.bytes, introduced_[0][i].base, rank});
        if (rank) map_.addOnce(one.base, one.bytes, Space::kShared);
      }
    }
    ready(introduced_[0]);
  }
  for (uint64_t block : blocks) tellStart(block);
}

Tracer::Place Tracer::placeOf(uint64_t address) const {
  for (const PeerRange& peer : peers_)
    if (address - peer.base < peer.bytes) return {peer.told + (address - peer.base), ranks_[peer.rank]};
  // What the whole cluster shares belongs to its first block.
  return {address, ranks_.empty() ? block_ : ranks_[0]};
}

// `shared`: the first block's, whose addresses stand for every block's.
void Tracer::ready(std::vector<Allocation> shared) {
  active_ = true;
  facts_.shared = std::move(shared);
  mapSpaces();
  for (Observer* observer : list_) observer->begin(facts_);
}

void Tracer::blockStart(const Block& block, uint64_t index) {
  if (!active_) ready(sharedOf(block));
  attach(index);
  if (ranks_.empty()) tellStart(index);
}

void Tracer::tellStart(uint64_t block) {
  Event event{};
  event.kind = Kind::kBlockStart;
  event.block = event.home = block;
  deliver(event);
}

void Tracer::mapSpaces() {
  for (const Allocation& one : facts_.allocations)
    map_.add(one.base, one.bytes, one.base >= imageBegin_ && one.base < imageEnd_ ? Space::kModule : Space::kGlobal);
  for (const Allocation& one : facts_.shared) map_.add(one.base, one.bytes, Space::kShared);
  map_.add(uint64_t(args_), kArgBytes, Space::kLocal);  // parameters: the GPU's constant bank
  map_.add(uint64_t(&tracedRuntime()), sizeof(lab_simt::Runtime), Space::kLocal);
  map_.fill(imageBegin_, imageEnd_, Space::kUnknown);  // read at every meeting: found at once, though nobody's
}

void Tracer::blockEnd() {
  if (!active_ || running != this) return;
  settle();
  Event event{};
  event.kind = Kind::kBlockEnd;
  event.block = event.home = block_;
  deliver(event);
  stop();
}

void Tracer::stop() {
  module_->attachHooks(nullptr);
  running = nullptr;
}

Event Tracer::blank(const ThreadView* self, Kind kind, uint64_t pc) const {
  Event event;  // all but its value, which valueBytes says is none
  event.pc = pc ? pc - base_ : 0;
  event.address = event.aux = 0;
  event.block = event.home = block_;
  event.bytes = event.mask = 0;
  event.thread = uint16_t(self->rank);
  event.kind = kind;
  event.space = Space::kLocal;
  event.order = event.valueBytes = 0;
  return event;
}

void Tracer::deliver(const Event& event) {
  events_++;
  if (__builtin_expect(!peers_.empty() && event.space == Space::kShared, 0)) {
    Event told = event;
    const Place place = placeOf(event.address);
    told.address = place.address;
    told.home = place.home;
    if (told.kind <= Kind::kMatrixRead && place.home != event.block) told.space = Space::kPeer;
    for (Observer* observer : list_) observer->event(told);
    return;
  }
  for (Observer* observer : list_) observer->event(event);
}

void Tracer::deliverPending() {
  pending_ = false;
  readValue(held_);
  deliver(held_);
}

void Tracer::deliverFlow() {
  auto count = size_t(buffer_.at - marks_);
  buffer_.at = marks_;
  if (!branches_) return;
  events_ += count;
  for (Observer* observer : flow_) observer->flow(block_, marks_, count);
}

void Tracer::readValue(Event& event) const {
  if (!values_ || event.space == Space::kUnknown) return;
  event.valueBytes = uint8_t(std::min(event.bytes, kValueBytes));
  std::memcpy(event.value, reinterpret_cast<const void*>(event.address), event.valueBytes);
}

// Tells an access: a write once it has happened, everything else at once.
void Tracer::memory(ThreadView* self, Event& event) {
  settle();
  // What a kernel's malloc gave is nobody's tensor: it is neither counted nor watched.
  if (event.space == Space::kUnknown && DeviceHeap::instance().holds(event.address, event.bytes)) return;
  if (nobodys(event.space, event.address)) return guard(self, event);
  if (++accesses_ > limit_) {
    tooLarge_ = true;
    stop();
  } else if (event.kind == Kind::kWrite && values_ && event.space != Space::kUnknown) {
    held_ = event;
    pending_ = true;
  } else {
    if (event.kind != Kind::kWrite) readValue(event);
    deliver(event);
  }
  if (event.space == Space::kUnknown || (event.bytes >= 16 && event.address % 16 != 0)) guard(self, event);
}

void Tracer::tell(ThreadView* self, Kind kind, uint64_t pc, uint32_t mask, uint32_t bytes, uint64_t aux) {
  if (running != this) return;
  settle();
  Event event = blank(self, kind, pc);
  event.mask = mask;
  event.bytes = bytes;
  event.aux = aux;
  deliver(event);
}

void Tracer::onAccess(ThreadView* self, Access access, uint64_t pc, uint64_t address, uint32_t bytes, uint32_t order) {
  static constexpr Kind kKinds[] = {Kind::kRead,        Kind::kWrite,        Kind::kAtomicRead,
                                    Kind::kAtomicWrite, Kind::kAtomicUpdate, Kind::kAtomicUpdate};
  Tracer* tracer = running;
  if (!tracer) return;
  // An update has paused by itself, before it looked at what it changes.
  if (access != Access::kAtomicUpdate && access != Access::kAtomicFailed) tracer->pause(self, pc);
  const Space space = tracer->map_.find(address, bytes, pc);
  if (space != Space::kLocal && !(access == Access::kRead && tracer->nobodys(space, address))) {
    Event event = tracer->blank(self, kKinds[uint32_t(access)], pc);
    event.address = address;
    event.bytes = bytes;
    event.order = uint8_t(order);
    event.aux = access == Access::kAtomicFailed;
    event.space = space;
    tracer->memory(self, event);
  }
  // A loop that reads a volatile until it changes lets others run now and then, as one that spins on an atomic does.
  if (access == Access::kRead && order) tracer->spin(self);
}

void Tracer::onFence(ThreadView* self, uint64_t pc, uint32_t order) {
  Tracer* tracer = running;
  if (!tracer) return;
  tracer->settle();
  Event event = tracer->blank(self, Kind::kFence, pc);
  event.order = uint8_t(order);
  tracer->deliver(event);
}

void Tracer::onFlowFull(ThreadView* self) {
  Tracer* tracer = running;
  if (!tracer) return;
  uint64_t last = tracer->buffer_.at[-1].pc + tracer->base_;
  tracer->settle();
  if (tracer->expired_.load(std::memory_order_relaxed)) tracer->pauseNow(self, last);
}

void Tracer::onOperation(ThreadView* self, uint32_t operation, uint64_t pc, const void* address, const void* other,
                         uint32_t bytes, uint32_t extra) {
  using Operation = lab_simt::lens::Operation;
  static constexpr Kind kKinds[] = {Kind::kAtomicUpdate, Kind::kMatrixRead,    Kind::kAsyncIssue, Kind::kAsyncWrite,
                                    Kind::kShuffleSource, Kind::kRelease,       Kind::kAcquire,    Kind::kOverflow,
                                    Kind::kBadIndex,      Kind::kMisaligned};
  Tracer* tracer = running;
  if (!tracer) return;
  Event event = tracer->blank(self, kKinds[operation], pc);
  event.address = uint64_t(address);
  event.aux = uint64_t(other);
  event.bytes = bytes;
  if (operation == uint32_t(Operation::kAtomicUpdate)) {
    tracer->pause(self, pc);
    event.order = uint8_t(extra);
    event.space = tracer->map_.find(event.address, bytes, pc);
    if (event.space != Space::kLocal) tracer->memory(self, event);
    return;
  }
  if (operation >= uint32_t(Operation::kShuffleSource)) {
    tracer->settle();
    event.space = tracer->map_.find(event.address, bytes ? bytes : 1);
    tracer->deliver(event);
    return;
  }
  event.mask = extra;
  event.space = bytes + extra ? tracer->map_.find(event.address, bytes ? bytes : extra) : Space::kShared;
  tracer->settle();
  if (++tracer->accesses_ > tracer->limit_) {
    tracer->tooLarge_ = true;
    tracer->stop();
    return;
  }
  tracer->deliver(event);
  tracer->guard(self, event);
}

}  // namespace lab::simt::lens
