// What Hopper's units do for a kernel: bulk copies (TMA) and wgmma, counted by the place that asks for them.
//
// Both are one instruction of a whole warp, or of one elected thread, so they need no putting together of lanes.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "call_stacks.h"
#include "events.h"

namespace lab::simt::lens {

class UnitCounts {
 public:
  // Takes kBulkLoad, kBulkStore and kWgmma; `stack`: the calls that led there.
  void event(const Event& event, uint16_t stack);
  // {"bulk": [...], "wgmma": [...]} without the braces, in the order of addresses.
  std::string json(const CallStacks& stacks) const;

 private:
  enum class Bulk : uint8_t { kLoad, kStore, kAdd };
  struct BulkPlace {
    uint32_t pc;
    uint16_t stack;
    Bulk kind;
    bool operator<(const BulkPlace& o) const { return std::tie(pc, stack, kind) < std::tie(o.pc, o.stack, o.kind); }
  };
  struct BulkCount {
    uint64_t instructions = 0;
    uint64_t sharedBytes = 0;            // filled or read, in every block that a load goes to
    uint64_t bytes = 0;                  // of global memory
    uint64_t sectors = 0, ideal = 0;
  };
  struct ProductPlace {
    uint32_t pc;
    uint16_t stack, n;
    bool registers, bfloat16;
    bool operator<(const ProductPlace& o) const {
      return std::tie(pc, stack, n, registers, bfloat16) < std::tie(o.pc, o.stack, o.n, o.registers, o.bfloat16);
    }
  };
  struct ProductCount {
    uint64_t warps = 0;                  // instructions executed
    uint64_t bytes = 0;                  // of shared memory read for operands
    uint64_t wavefronts = 0, ideal = 0;
  };

  std::map<BulkPlace, BulkCount> bulk_;
  std::map<ProductPlace, ProductCount> products_;
};

}  // namespace lab::simt::lens
