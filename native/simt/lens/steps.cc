// The "steps" observer: a block's threads, statement by statement.
#include "steps.h"

#include <cstring>

#include "steps_json.h"

namespace lab::simt::lens {

namespace {

using lab_simt::StepMark;
using lab_simt::StepWatch;

constexpr uint32_t kMostElements = 256;  // of a local array; larger ones are left out

class StepRecorder : public Observer {
 public:
  explicit StepRecorder(uint64_t mostSteps) : mostSteps_(mostSteps) {}

  uint32_t wants() const override { return kWantValues; }
  void begin(const LaunchFacts& facts) override { recording_.facts = facts; }

  void event(const Event& event) override {
    if (event.kind == Kind::kBlockStart) {
      recording_.blocks.push_back({event.block, std::vector<StepThread>(recording_.facts.threads)});
      return;
    }
    if (recording_.blocks.empty() || event.thread >= recording_.facts.threads || recording_.tooLarge) return;
    // The newest, but where blocks take turns.
    size_t at = recording_.blocks.size() - 1;
    while (at > 0 && recording_.blocks[at].block != event.block) at--;
    StepThread& thread = recording_.blocks[at].threads[event.thread];
    switch (event.kind) {
      case Kind::kStep: mark(event, thread); break;
      case Kind::kRead:
      case Kind::kWrite:
      case Kind::kAtomicRead:
      case Kind::kAtomicWrite:
      case Kind::kAtomicUpdate:
      case Kind::kAsyncWrite: touch(event, event.kind, event.address, thread); break;
      case Kind::kBulkLanded: touch(event, Kind::kAsyncWrite, event.address, thread); break;
      case Kind::kAsyncIssue:
        if (event.bytes) touch(event, Kind::kRead, event.aux, thread);
        break;
      case Kind::kWarpArrive: flag(thread, kMeetsWarp); break;
      case Kind::kBarrierArrive:
        if (event.mask && event.mask < recording_.facts.threads) break;
        flag(thread, kMeetsBlock);
        thread.phase++;
        break;
      case Kind::kGridArrive:
        flag(thread, kMeetsBlock);
        thread.phase++;
        break;
      default: break;
    }
  }

  std::string json() override { return stepsJson(recording_); }

 private:
  static void flag(StepThread& thread, StepFlag which) {
    resume(thread);
    if (!thread.steps.empty()) thread.steps.back().flags |= which;
  }

  void mark(const Event& event, StepThread& thread) {
    refresh(thread);  // what the statement before has done
    const auto* watch = reinterpret_cast<const StepWatch*>(event.aux);
    switch (StepMark(event.bytes)) {
      case StepMark::kStatement:
        if (++steps_ > mostSteps_) {
          recording_.tooLarge = true;
          return;
        }
        thread.keys.resize(thread.depth + 1);
        thread.keys[thread.depth] = event.mask;
        begin(thread);
        break;
      case StepMark::kEnter: thread.depth++; break;
      case StepMark::kLeave: thread.depth--; break;
      case StepMark::kWatch: open(*watch, event.mask, event.thread, thread); break;
      case StepMark::kUnwatch: close(event.aux, thread); break;
    }
  }

  static void begin(StepThread& thread) {
    // The first statement also takes what the kernel was called with.
    uint32_t change = thread.steps.empty() ? 0 : uint32_t(thread.changes.size());
    thread.steps.push_back(LaneStep{thread.keys[thread.depth], thread.phase, uint16_t(thread.depth), 0,
                                    uint32_t(thread.accesses.size()), change});
    for (uint32_t local : thread.ended) thread.changes.push_back(StepChange{local, 0, true, 0});
    thread.ended.clear();
  }

  // What comes after a return belongs to the statement that called.
  static void resume(StepThread& thread) {
    if (!thread.steps.empty() && thread.steps.back().depth > thread.depth && thread.keys.size() > thread.depth)
      begin(thread);
  }

  void touch(const Event& event, Kind kind, uint64_t address, StepThread& thread) {
    if (thread.steps.empty()) return;
    resume(thread);
    StepAccess access{event.pc, address, event.bytes, ++accesses_, kind, event.valueBytes, {}};
    std::memcpy(access.value, event.value, sizeof access.value);
    thread.accesses.push_back(access);
  }

  void open(const StepWatch& watch, uint32_t key, uint32_t rank, StepThread& thread) {
    auto& list = watch.shared ? recording_.shared : recording_.locals;
    uint64_t address = reinterpret_cast<uintptr_t>(watch.address);
    uint32_t index = uint32_t(list.size());
    auto [known, fresh] = (watch.shared ? sharedIds_ : localIds_).try_emplace({key, watch.name}, index);
    if (fresh) {
      list.push_back(StepVariable{watch.name, watch.type, watch.elementBytes,
                                  std::vector<uint32_t>(watch.extents, watch.extents + watch.rank), key,
                                  watch.shared ? address : 0});
    }
    if (watch.shared) return;
    uint64_t elements = list[known->second].elements();
    // An array is shown of each warp's first lane: 32 of them would bury everything else.
    if (elements > kMostElements || (elements > 1 && rank % lab_simt::kWarpSize)) return;
    thread.alive.push_back({reinterpret_cast<uintptr_t>(&watch), address, known->second, uint32_t(elements),
                            watch.elementBytes, {}});
    refresh(thread);
  }

  static void close(uint64_t watch, StepThread& thread) {
    for (size_t at = thread.alive.size(); at-- > 0;) {
      if (thread.alive[at].watch != watch) continue;
      thread.ended.push_back(thread.alive[at].local);
      thread.alive.erase(thread.alive.begin() + long(at));
      return;
    }
  }

  // Notes every watched element that differs from what it was, and what the statement's atomics have left.
  static void refresh(StepThread& thread) {
    size_t statement = thread.steps.empty() ? thread.accesses.size() : thread.steps.back().firstAccess;
    for (size_t at = statement; at < thread.accesses.size(); at++) {
      StepAccess& access = thread.accesses[at];
      if (access.kind == Kind::kAtomicUpdate)
        std::memcpy(access.value, reinterpret_cast<const void*>(access.address), access.valueBytes);
    }
    for (StepThread::Alive& one : thread.alive) {
      const auto* now = reinterpret_cast<const uint8_t*>(one.address);
      size_t bytes = size_t(one.elements) * one.elementBytes;
      bool first = one.last.empty();
      if (!first && !std::memcmp(one.last.data(), now, bytes)) continue;
      if (first) one.last.resize(bytes);
      for (uint32_t element = 0; element < one.elements; element++) {
        const uint8_t* value = now + size_t(element) * one.elementBytes;
        if (!first && !std::memcmp(&one.last[size_t(element) * one.elementBytes], value, one.elementBytes)) continue;
        resume(thread);
        uint64_t bits = 0;
        std::memcpy(&bits, value, std::min<size_t>(one.elementBytes, sizeof bits));
        thread.changes.push_back(StepChange{one.local, element, false, bits});
      }
      std::memcpy(one.last.data(), now, bytes);
    }
  }

  StepRecording recording_;
  std::map<std::pair<uint32_t, std::string>, uint32_t> localIds_, sharedIds_;
  uint64_t steps_ = 0, mostSteps_;
  uint32_t accesses_ = 0;
};

}  // namespace

uint64_t StepVariable::elements() const {
  uint64_t count = 1;
  for (uint32_t extent : extents) count *= extent;
  return count;
}

std::unique_ptr<Observer> makeStepRecorder(const ObserverOptions& options) {
  auto most = options.find("mostSteps");
  return std::make_unique<StepRecorder>(most == options.end() ? 4'000'000 : std::strtoull(most->second.c_str(), nullptr, 10));
}

}  // namespace lab::simt::lens
