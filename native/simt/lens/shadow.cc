#include "shadow.h"

#include <algorithm>

namespace lab::simt::lens {

Cell* Shadow::page(uintptr_t number) {
  std::unique_ptr<Cell[]>& cells = pages_[number];
  if (!cells) {
    cells = std::make_unique<Cell[]>(kPageCells);
    bytes_ += kPageCells * sizeof(Cell);
    filler_(context_, number * kPageBytes, cells.get(), kPageCells);
  }
  return cells.get();
}

uint32_t Shadow::take(uint32_t room) {
  Pool& pool = pools_[room - 1];
  if (!pool.unused.empty()) {
    uint32_t index = pool.unused.back();
    pool.unused.pop_back();
    return index;
  }
  if (pool.used % kChunk == 0) {
    size_t count = size_t(kChunk) << (room - 1);
    pool.chunks.push_back(std::make_unique<Record[]>(count));
    bytes_ += count * sizeof(Record);
  }
  return pool.used++;
}

Record* Shadow::add(Cell& cell, uint32_t most) {
  uint32_t capacity = cell.room ? 1u << (cell.room - 1) : 0;
  if (cell.count == capacity) {
    if (capacity >= most) return nullptr;
    Cell larger = cell;
    larger.room = uint8_t(cell.room + 1);
    larger.records = take(larger.room);
    if (capacity) {
      std::copy_n(records(cell), cell.count, records(larger));
      pools_[cell.room - 1].unused.push_back(cell.records);
    }
    cell = larger;
  }
  return records(cell) + cell.count++;
}

void Shadow::drop(Cell& cell, uint32_t index) {
  Record* all = records(cell);
  all[index] = all[--cell.count];
}

void Shadow::clear(Cell& cell) {
  if (cell.room) pools_[cell.room - 1].unused.push_back(cell.records);
  cell = Cell{};
}

void Shadow::forget(uintptr_t begin, uintptr_t end) {
  for (uintptr_t at = begin / kPageBytes * kPageBytes; at < end; at += kPageBytes) {
    auto found = pages_.find(at / kPageBytes);
    if (found == pages_.end()) continue;
    uintptr_t first = std::max(begin, at), last = std::min(end, at + kPageBytes);
    for (uintptr_t a = first; a < last; a += kCellBytes) clear(found->second[a % kPageBytes / kCellBytes]);
  }
}

}  // namespace lab::simt::lens
