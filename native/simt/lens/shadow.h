// Shadow memory: for every four bytes a kernel touched, who touched them last, and which of them hold a value at all.
#pragma once
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "knowledge.h"

namespace lab::simt::lens {

// How memory is touched. Strong: atomic, or volatile as a flag is, which no other strong access races with.
enum class Touch : uint8_t { kRead, kWrite, kStrongRead, kStrongWrite };

inline bool writes(Touch t) { return t == Touch::kWrite || t == Touch::kStrongWrite; }
inline bool isStrong(Touch t) { return t == Touch::kStrongRead || t == Touch::kStrongWrite; }
inline bool conflict(Touch a, Touch b) { return (writes(a) || writes(b)) && !(isStrong(a) && isStrong(b)); }
// Whatever conflicts with `earlier` conflicts with `later` too, so of two ordered ones only the later need be kept.
inline bool replaces(Touch later, Touch earlier) {
  if (later == Touch::kWrite || earlier == Touch::kStrongRead) return true;
  return later == earlier;
}

// Lanes of one warp that touched some of a cell's bytes at one time from one place.
struct Record {
  uint32_t warp;   // over the whole launch
  uint32_t lanes;
  Time time;
  uint32_t site : 24;
  uint32_t bytes : 4;  // of the cell
  uint32_t touch : 2;
  uint32_t : 2;

  Touch kind() const { return Touch(touch); }
};
static_assert(sizeof(Record) == 16, "the shadow of a large tensor is made of these");

constexpr uint32_t kCellBytes = 4;
constexpr uint32_t kMostSites = 1u << 24;

struct Cell {
  uint32_t records = 0;  // where they lie in their size's pool
  uint8_t count = 0;
  uint8_t room = 0;      // none, or 2^(room-1) records
  uint8_t holds = 0;     // bytes that hold a value
  uint8_t reported = 0;  // bytes whose missing value was reported
  uint8_t value[kCellBytes] = {};  // as last seen
};

class Shadow {
 public:
  // Where the cells of a new page begin: which bytes hold a value already. Called with an address and a number of bytes,
  // and with one bit a byte to set.
  using Filler = void (*)(void* context, uintptr_t address, Cell* cells, uint32_t count);
  Shadow(Filler filler, void* context) : filler_(filler), context_(context) {}

  Cell& cell(uintptr_t address) {
    uintptr_t page = address / kPageBytes;
    Recent& recent = recent_[page % kRecent];
    if (recent.page != page) recent = Recent{page, this->page(page)};
    return recent.cells[address % kPageBytes / kCellBytes];
  }
  Record* records(const Cell& cell) {
    return &pools_[cell.room - 1].chunks[cell.records / kChunk][(cell.records % kChunk) << (cell.room - 1)];
  }
  // Room for one more record; at most `most` (a power of two), beyond which it answers null.
  Record* add(Cell& cell, uint32_t most);
  void drop(Cell& cell, uint32_t index);
  void clear(Cell& cell);
  // Forgets who touched these bytes, and that they hold a value.
  void forget(uintptr_t begin, uintptr_t end);
  // Calls visit(address, cell) for every cell of a page that exists.
  template <typename F>
  void each(F visit) {
    for (auto& [page, cells] : pages_) {
      for (uint32_t i = 0; i < kPageCells; i++) visit(page * kPageBytes + i * kCellBytes, cells[i]);
    }
  }
  // Bytes of host memory in use.
  size_t bytes() const { return bytes_; }

 private:
  static constexpr uintptr_t kPageBytes = 4096;
  static constexpr uint32_t kPageCells = kPageBytes / kCellBytes, kChunk = 1024, kRecent = 64, kSizes = 6;

  struct Recent {
    uintptr_t page = ~uintptr_t(0);
    Cell* cells = nullptr;
  };
  struct Pool {
    std::vector<std::unique_ptr<Record[]>> chunks;
    std::vector<uint32_t> unused;
    uint32_t used = 0;
  };

  Cell* page(uintptr_t number);
  uint32_t take(uint32_t room);

  Filler filler_;
  void* context_;
  std::unordered_map<uintptr_t, std::unique_ptr<Cell[]>> pages_;
  Recent recent_[kRecent];
  Pool pools_[kSizes];  // of 1, 2, 4, 8, 16, 32 records
  size_t bytes_ = 0;
};

}  // namespace lab::simt::lens
