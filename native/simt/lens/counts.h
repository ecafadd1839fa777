// What the metrics observer counts, and the places it counts it by.
#pragma once
#include <cstddef>
#include <cstdint>

#include "request.h"
#include "warp_stream.h"

namespace lab::simt::lens {

// The request of an instruction that cost most, for drawing.
struct Exemplar {
  uint64_t block = 0;
  uint32_t warp = 0, cost = 0, ideal = 0;
  Request request;
};

// One instruction that touches one kind of memory with one width.
struct AccessCount {
  uint64_t requests = 0, lanes = 0, bytes = 0;
  uint64_t cost = 0, ideal = 0;      // sectors, or wavefronts of shared memory
  uint64_t least = ~0ull, most = 0;  // of one request
  Exemplar worst;
};

struct BlockCount {
  uint64_t warps = 0, threads = 0;   // how often entered
  uint64_t splits = 0;               // after which the lanes went different ways
};

struct MeetingCount {
  uint64_t warps = 0, threads = 0;
};

// An address in the module and the calls that led there.
using Site = uint64_t;
inline Site siteOf(const Item& item) { return uint64_t(item.stack) << 32 | item.pc; }

// Where in the module, which kind of access, how wide: the key of an AccessCount.
struct Place {
  uint32_t pc;
  uint16_t stack, bytes;
  Kind kind;
  Space space;
  bool operator==(const Place& other) const {
    return pc == other.pc && stack == other.stack && bytes == other.bytes && kind == other.kind && space == other.space;
  }
};
struct PlaceHash {
  size_t operator()(const Place& p) const {
    uint64_t bits = uint64_t(p.pc) << 32 | uint32_t(p.bytes) << 16 | uint32_t(p.kind) << 8 | uint32_t(p.space);
    bits += uint64_t(p.stack) << 20;
    return size_t((bits ^ bits >> 29) * 0x9e3779b97f4a7c15ull);
  }
};

}  // namespace lab::simt::lens
