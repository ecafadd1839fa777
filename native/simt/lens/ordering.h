// What happens before what: the clocks of a launch's threads, and every way in which they learn of one another.
//
// Order comes from barriers, warp meetings, the grid's barrier, objects with release and acquire, and from an atomic of one
// thread seen by another's where a fence (or the atomic's own memory order) stands on both sides. Standing in one warp
// orders nothing: since Volta, lanes run independently.
//
// The hardware orders memory at __syncwarp; that a shuffle or vote does so too is accepted here, because code relies on it.
// A barrier or warp meeting also completes what an atomic without acquire order has seen: the thread that counted the
// blocks done passes it on to its block at __syncthreads, as the CUDA guide's example does. Likewise a meeting passes on
// what a thread's fence has made visible: every thread may fence and one of them count, after a barrier.
//
// Hopper's units work beside the threads and have clocks of their own: every warp a reader of wgmma's operands, and a block
// kUnits writers of TMA, of which an mbarrier has one. Their ranks come after those of the threads.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "events.h"
#include "knowledge.h"

namespace lab::simt::lens {

// A place where threads meet: all that arrived in one phase know of one another afterwards.
struct Meeting {
  Knowledge arriving, complete, last;
  Knowledge fenced, fencedBefore;  // what its threads' fences have made visible to the device: arriving, complete
  uint32_t phase = 0, arrived = 0;
  Time time = 0;            // of those that leave
  bool several = false;     // arrivals of this phase came from more than one place
  uint64_t pc = 0;          // of its first arrival
  uint16_t thread = 0;
};

struct Actor {
  uint32_t block = 0;       // as the ordering numbers them
  uint16_t rank = 0;
  bool seen = false;        // an atomic has seen what is not acquired yet
  bool released[2] = {};    // by a fence: within the block, for the device
  Time now = 1;
  uint32_t phase = 0, gridPhase = 0, warpPhase = 0;
  Knowledge known, pending, snapshot[2];

  bool published() const { return released[0] || released[1]; }
};

class Ordering {
 public:
  void begin(uint32_t threads);
  void blockStart(uint64_t block);
  void blockEnd(uint64_t block);
  Actor& actor(uint64_t block, uint16_t thread);
  // How a block is numbered here, and the grid's index of a number.
  uint32_t number(uint64_t block) const { return numbers_.at(block); }
  uint64_t blockIndex(uint32_t number) const { return blocks_[number].index; }
  uint32_t warpsPerBlock() const { return warps_; }
  // Whether a rank is a unit's.
  bool isUnit(uint32_t rank) const { return rank >= firstUnit_; }
  Actor& wgmmaOf(uint64_t block, uint16_t thread);
  Actor& bulkOf(uint64_t block, uint64_t barrier);

  // Answers the phase that this arrival joins; `count` 0: nobody knows how many will come.
  Meeting& arriveBarrier(Actor& self, uint32_t id, uint32_t count, uint64_t pc);
  void arriveOnly(Actor& self, uint32_t id, uint32_t count);
  // Answers how many had arrived when this is the phase's first departure, else 0.
  uint32_t leaveBarrier(Actor& self, uint32_t id);
  void arriveWarp(Actor& self, uint32_t mask);
  void leaveWarp(Actor& self, uint32_t mask);
  void arriveGrid(Actor& self);
  void leaveGrid(Actor& self);
  void fence(Actor& self, uint8_t order);
  // An atomic's part in the order, after it happened.
  void atomic(Actor& self, uint64_t address, uint8_t order, bool reads, bool writes);
  // `how`: as Kind::kRelease tells it.
  void release(Actor& self, uint64_t object, uint64_t how);
  // What a unit has just done is known once the object's phase ends; `self` a unit.
  void finish(const Actor& self, uint64_t object);
  void acquire(Actor& self, uint64_t object);
  // Objects in memory that a new block takes over.
  void forget(uint64_t begin, uint64_t end);
  // From here on the thread's accesses are later than what it has shown to anybody.
  Time tick(Actor& self) { return self.now = ++blocks_[self.block].ticks; }

 private:
  struct Block {
    uint64_t index = 0;
    Time ticks = 1, gridTime = 0;
    uint32_t gridPhase = 0;
    std::vector<Actor> actors;  // by rank; empty once the block has ended
    std::vector<Meeting> barriers;
    std::unordered_map<uint64_t, Meeting> warps;  // by warp << 32 | mask
  };
  struct Location {
    Knowledge everywhere;
    std::map<uint32_t, Knowledge> within;  // by block: released with block scope
  };

  void prepare(Meeting& meeting, uint32_t home) const;
  void enter(Actor& self, Meeting& meeting);
  static void leave(Actor& self, const Meeting& meeting);
  void seal(Block& block, Meeting& meeting);
  void settle(Actor& self);
  Knowledge shown(const Actor& self) const;

  static constexpr uint32_t kUnits = 32;
  struct Object {
    Knowledge arriving, released;
  };
  Object& objectOf(const Actor& self, uint64_t object);

  uint32_t threads_ = 1, warps_ = 1;  // of a block, units and their warps included
  uint32_t firstUnit_ = 1;
  std::vector<Block> blocks_;
  std::unordered_map<uint64_t, uint32_t> numbers_;
  uint32_t recent_ = ~0u;
  Meeting grid_;
  std::unordered_map<uint64_t, Location> locations_;
  std::unordered_map<uint64_t, Object> objects_;
};

}  // namespace lab::simt::lens
