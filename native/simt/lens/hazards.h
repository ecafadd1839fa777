// The observer that looks for what is wrong: races, bad addresses, values nobody wrote, meetings that do not fit.
#pragma once
#include <deque>
#include <unordered_map>
#include <vector>

#include "events.h"
#include "hazard_log.h"
#include "ordering.h"
#include "races.h"
#include "shadow.h"

namespace lab::simt::lens {

class Hazards : public Observer {
 public:
  Hazards() : shadow_(fillCells, this), races_(ordering_, shadow_, log_) {}
  uint32_t wants() const override { return kWantValues | kWantEnding; }
  void begin(const LaunchFacts& facts) override;
  void event(const Event& event) override;
  // {"hazards": [...], "omitted": number of places beyond those listed, "shadowBytes": ...}
  std::string json() override;  // once

 private:
  // A copy that runs beside the thread: begun, and with what its thread knew then.
  struct Copy {
    uint64_t destination, pc;
    Knowledge known;
    uint32_t bulk = 0;         // bytes of a load by TMA
    uint64_t home = 0;         // of a bulk copy: the block whose shared memory it is
  };
  struct Thread {
    std::vector<Copy> copies;  // issued and not yet performed
    int32_t source = -1;       // lane whose value its next shuffle takes
    uint64_t products = 0;     // of wgmma, issued
  };
  // A warp's products that have not read their operands; what its lanes knew when they issued each.
  struct Products {
    struct Issued {
      Knowledge known;
      uint64_t pc;
    };
    std::deque<Issued> waiting;
    uint64_t first = 0;        // number of the oldest
  };
  struct Exit {
    uint16_t thread = 0;
    uint64_t pc = 0;
    bool any = false;
  };

  // Where an access is kept: every block's shared memory has the same addresses, and blocks may take turns.
  uint64_t keyOf(const Event& event) const;
  static void fillCells(void* self, uintptr_t address, Cell* cells, uint32_t count);
  const Allocation* around(uint64_t address) const;
  Hazard hazardOf(const char* kind, const Event& event, const char* does) const;
  bool accessible(const Event& event, const char* does);
  void access(const Event& event, Touch touch);
  void misaligned(const Event& event, const char* does, uint64_t alignment);
  void uninitialised(const Event& event, const char* does);
  void issue(const Event& event);
  void perform(const Event& event);
  // Hopper's units (hazards_hopper.cc).
  void issueBulk(const Event& event);
  void landBulk(const Event& event);
  void storeBulk(const Event& event);
  void abandonBulk(const Event& event);
  void issueProduct(const Event& event);
  void readProduct(const Event& event);
  struct Asker {
    uint64_t block;
    uint16_t thread;
  };
  bool takeCopy(const Event& event, Copy* copy, Asker* asker);
  void touchRows(const Event& event, Actor& self, const Copy& copy, Asker asker, Touch touch, const char* does);
  void arrive(const Event& event);
  void leave(const Event& event);
  void meetWarp(const Event& event);
  void blockEnd(const Event& event);
  void stuck(const Event& event);
  Thread& thread(const Event& event) { return threads_[event.block * facts_.threads + event.thread]; }

  LaunchFacts facts_;
  Ordering ordering_;
  Shadow shadow_;
  HazardLog log_;
  Races races_;
  std::unordered_map<uint64_t, Thread> threads_;  // those with something to remember
  std::unordered_map<uint64_t, Exit> exits_;      // by block
  std::unordered_map<uint64_t, Products> products_;  // by the number of a warp in the launch
  bool allBlocks_ = true;                         // traced: nobody unseen writes
  Hazard deadlock_;                               // of threads that nobody will wake
  uint64_t number_ = 0;                           // of the event
};

}  // namespace lab::simt::lens
