// The producer of events: one traced launch, from the device's request to the observers' answers.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../../core/backend.h"
#include "../fiber.h"
#include "../grid.h"
#include "address_map.h"
#include "events.h"
#include "hook_table.h"
#include "schedule.h"

namespace lab::simt {
class Block;
class Stacks;
struct Module;
}  // namespace lab::simt

namespace lab::simt::lens {

class Tracer {
 public:
  // Errors: "invalid-argument" for an observer that does not exist.
  static Status make(const LensRequest& request, std::unique_ptr<Tracer>* out);
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // Readies the one launch that is traced. Errors: "not-instrumented", "invalid-argument" (a block beyond the grid).
  Status begin(const GridRun& grid, std::vector<Allocation> tensors);
  bool started() const { return started_; }
  // After the launch: the observers' answers as one JSON object. Errors: "trace-too-large".
  Status finish(std::string* json);

  // Of a launch with clusters: every worker shows the shared memory of its blocks, before the first cluster begins; then a
  // cluster of these blocks, by rank, begins.
  void introduce(const Block& block, uint32_t rank);
  void enterCluster(const std::vector<uint64_t>& blocks);

  // What the scheduler tells, on the worker's thread.
  bool traces(uint64_t block) const;
  // The turn goes to a block: `fresh` where it is its first.
  void enterBlock(const Block& block, uint64_t index, const Stacks& stacks, bool fresh);
  // It has the turn no longer, and will go on later.
  void leaveBlock();
  void blockEnd();
  // Null where threads go on in their natural order.
  Schedule* schedule() { return schedule_.get(); }
  // The launch is not run to its end.
  void end(const char* why) { ended_ = why; }
  bool over() const { return ended_ != nullptr; }
  // An address in the shared memory of a cluster's block as events tell it, and the block that it is of.
  struct Place {
    uint64_t address, home;
  };
  Place placeOf(uint64_t address) const;
  // The block of that rank in the cluster being run.
  uint64_t blockOf(uint32_t rank) const { return rank < ranks_.size() ? ranks_[rank] : block_; }
  // Ends the launch for what the observers were told, on behalf of the running thread.
  [[noreturn]] void giveUp(ThreadView* self, const char* why);
  // A thread that waits for what will never come; `pc` absolute, `wait` as in fiber.h.
  void stuck(const ThreadView* waiting, uint64_t pc, uint32_t wait, uint32_t argument);
  // The launch has run too long; called by a signal handler. True the first time: the thread that runs will give up.
  bool expire() { return endings_ && !expired_.exchange(true); }
  // Whether a launch that cannot go on is given up; else it ends with its fault.
  bool outlives() const { return endings_; }
  void threadStart(ThreadView* self) { tell(self, Kind::kThreadStart, 0); }
  void threadEnd(ThreadView* self) { tell(self, Kind::kThreadEnd, 0); }

  // What the traced runtime tells (trace_runtime.cc). `pc` is absolute; 0 where there is none.
  void tell(ThreadView* self, Kind kind, uint64_t pc, uint32_t mask = 0, uint32_t bytes = 0, uint64_t aux = 0);
  // A release or acquire of the object at an address.
  void object(uint32_t rank, Kind kind, uint64_t pc, uint64_t address, uint64_t aux = 0);
  // What one of Hopper's units does with `bytes` bytes of shared memory; `told` is the event's `aux`.
  void unit(uint32_t rank, Kind kind, uint64_t pc, const void* tile, uint32_t bytes, const void* told);
  // Memory of the device's own that the headers read: the slots of an exchange.
  void hide(const void* base, uint64_t bytes) { map_.addOnce(uint64_t(base), bytes, Space::kLocal); }

  // The tracer whose block runs on the calling worker now, or null.
  static Tracer* current();

 private:
  Tracer(const LensRequest& request, std::vector<std::pair<std::string, std::unique_ptr<Observer>>> observers);
  static void onAccess(ThreadView* self, Access access, uint64_t pc, uint64_t address, uint32_t bytes, uint32_t order);
  static void onFence(ThreadView* self, uint64_t pc, uint32_t order);
  static void onFlowFull(ThreadView* self);
  static void onPause(ThreadView* self, uint64_t pc);
  static void onOperation(ThreadView* self, uint32_t operation, uint64_t pc, const void* address, const void* other,
                          uint32_t bytes, uint32_t extra);

  Event blank(const ThreadView* self, Kind kind, uint64_t pc) const;
  // The module's own data that is no variable of its source: never told.
  bool nobodys(Space space, uint64_t address) const {
    return space == Space::kUnknown && address >= imageBegin_ && address < imageEnd_;
  }
  void memory(ThreadView* self, Event& event);
  void guard(ThreadView* self, const Event& event);
  void spin(ThreadView* self);
  void readValue(Event& event) const;
  void deliver(const Event& event);
  void blockStart(const Block& block, uint64_t index);
  void attach(uint64_t index);
  bool survives(uint64_t address, uint64_t bytes, bool writes) const;
  // Lets others run before an access, by the schedule; gives up where the launch has run too long.
  void pause(ThreadView* self, uint64_t pc) {
    if (__builtin_expect(schedule_ || expired_.load(std::memory_order_relaxed), 0)) pauseNow(self, pc);
  }
  void pauseNow(ThreadView* self, uint64_t pc);
  // Tells what is held back: before any other event, and before another thread runs.
  void settle() {
    if (pending_) deliverPending();
    if (buffer_.at != marks_) deliverFlow();
  }
  void deliverPending();
  void deliverFlow();
  void stop();
  void mapSpaces();
  Status chooseBlocks(const GridRun& grid);
  std::vector<Allocation> sharedOf(const Block& block);
  void ready(std::vector<Allocation> shared);
  void tellStart(uint64_t block);

  LensRequest request_;
  std::vector<std::pair<std::string, std::unique_ptr<Observer>>> observers_;
  std::vector<Observer*> list_, flow_;  // the same, for the hot path; those who want control flow
  bool values_ = false;             // some observer wants values
  bool branches_ = false;           // some observer wants control flow
  bool endings_ = false;            // some observer wants to know how a launch ends that cannot go on
  bool started_ = false, active_ = false, tooLarge_ = false, sampled_ = false;
  uint32_t spins_ = 0;
  bool pending_ = false;            // `held_` is a write whose value is not yet in memory
  Event held_{};
  static constexpr size_t kMarks = 256;
  FlowMark marks_[kMarks];          // control flow since the last event
  FlowBuffer buffer_{marks_, marks_ + kMarks};
  HookTable hooks_{};
  LaunchFacts facts_;
  AddressMap map_;
  const Module* module_ = nullptr;
  uint64_t imageBegin_ = 0, imageEnd_ = 0, base_ = 0;
  const void* args_ = nullptr;
  std::vector<uint8_t> arguments_;  // as launched, so that the caller can tell which tensor lies where
  std::unique_ptr<Schedule> schedule_;
  std::atomic<bool> expired_{false};
  const char* ended_ = nullptr;     // why the launch was given up
  // Of a launch with clusters: where each rank's shared memory lies, and which block has the rank now.
  struct PeerRange {
    uint64_t base, bytes, told;       // `told`: where the first block's lies
    uint32_t rank;
  };
  std::mutex introductions_;
  std::vector<std::vector<Allocation>> introduced_;  // by rank
  std::vector<PeerRange> peers_;
  std::vector<uint64_t> ranks_;
  uint64_t block_ = 0, events_ = 0, accesses_ = 0, limit_ = 0, blocks_ = 0;
};

}  // namespace lab::simt::lens
