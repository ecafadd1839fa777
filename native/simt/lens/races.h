// Finds two touches of one byte, one of them a write, that nothing orders.
#pragma once
#include <unordered_map>
#include <vector>

#include "events.h"
#include "hazard_log.h"
#include "ordering.h"
#include "shadow.h"

namespace lab::simt::lens {

// Shared memory is kept apart by block, in the bits above those of an address.
constexpr unsigned kBlockShift = 48;
constexpr uint64_t kAddressMask = (uint64_t(1) << kBlockShift) - 1;

class Races {
 public:
  Races(const Ordering& ordering, Shadow& shadow, HazardLog& log) : ordering_(ordering), shadow_(shadow), log_(log) {}

  // A thread touches `bytes` bytes; `value` are the first of them as read or written (null: not known).
  struct Access {
    uint64_t pc, address;
    uint32_t bytes;
    Touch touch;
    Space space;
    const uint8_t* value;
    uint32_t valueBytes;
    uint64_t event;            // number of the event, for the log
    const char* does;          // a word for the report
    uint16_t asker = 0;        // of what a unit does: the thread that asked for it
  };
  // What `self` does now, in the order of its own time.
  void touch(const Actor& self, const Access& access) { check(self, self.known, self.now, access), keep(self, access); }
  // The same for a copy that was begun earlier and takes effect now: whatever was not known when it began may have met it,
  // the thread's own later doings among them.
  void touchSince(const Actor& self, const Knowledge& begun, const Access& access) {
    check(self, begun, 0, access);
    keep(self, access);
  }
 private:
  void check(const Actor& self, const Knowledge& known, Time own, const Access& access);
  void keep(const Actor& self, const Access& access);
  // The lowest lane of the record that `known` does not cover, or -1. `own`: the thread's own time, which its program
  // order covers; 0: it covers nothing.
  int unordered(const Actor& self, const Knowledge& known, Time own, const Record& record) const;
  void report(const Actor& self, const Record& record, int lane, const Access& access);
  uint32_t site(const Access& access);

  const Ordering& ordering_;
  Shadow& shadow_;
  HazardLog& log_;
  // Places that touch memory, and how they are told.
  struct Site {
    uint64_t pc;
    const char* does;
    uint16_t asker;  // the last
  };
  std::vector<Site> sites_;
  std::unordered_map<uint64_t, uint32_t> numbers_;  // of a place with its word; the newest place is often the next, too
  uint32_t recent_ = ~0u;
};

}  // namespace lab::simt::lens
