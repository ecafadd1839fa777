// Lanes of one warp: who can run, and the places where they meet to exchange values.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "fiber.h"

namespace lab::simt {

// Where the lanes of one mask meet. Two sets of slots take turns: a lane may enter the next meeting while others still
// read the last one, and cannot get further ahead than that.
struct Rendezvous {
  uint32_t mask = 0;
  uint32_t arrived = 0;
  uint32_t readers = 0;  // lanes that may still read the finished meeting's slots
  uint32_t parity = 0;
  uint32_t bytes = 0;
  alignas(64) uint8_t slots[2][lab_simt::kWarpSize * lab_simt::kMaxExchangeBytes];

  uint8_t* slot() { return slots[parity]; }
};

struct alignas(64) Warp {
  uint32_t runnable = 0;  // lanes that can go on, those not yet started included
  uint32_t started = 0;   // lanes that have a stack
  uint32_t alive = 0;     // lanes that exist and have not exited
  uint32_t parked = 0;    // lanes at an __activemask, waiting for the others to get somewhere
  uint32_t polling = 0;   // lanes in waitUntil
  uint32_t together = 0;  // answer of the last resolved __activemask
  Rendezvous* recent = nullptr;
  ThreadView* lanes[lab_simt::kWarpSize] = {};
  std::vector<std::unique_ptr<Rendezvous>> meetings;

  void reset(uint32_t lanesPresent) {
    runnable = alive = lanesPresent;
    started = parked = polling = 0;
    recent = nullptr;
    for (auto& meeting : meetings) meeting->arrived = meeting->readers = 0;
  }
  // The meeting place of `mask`: the one in use, or a free one.
  Rendezvous* meeting(uint32_t mask);
  // True when the meeting's last lane has arrived (exited lanes are not waited for).
  bool complete(const Rendezvous& r) const { return (r.arrived & alive) == (r.mask & alive); }
  // Finishes a meeting: answers the lanes that came to it.
  uint32_t finish(Rendezvous& r) {
    uint32_t came = r.arrived;
    if (__builtin_expect(came != r.mask, 0)) clearMissing(r);
    r.readers = came;
    r.arrived = 0;
    r.parity ^= 1;
    return came;
  }
  // Lanes that do not exist or have exited show zeros.
  static void clearMissing(Rendezvous& r);
};

}  // namespace lab::simt
