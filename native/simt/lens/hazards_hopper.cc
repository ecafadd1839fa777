// What Hopper's units do to memory, in the order of their own clocks.
//
// A copy or product takes effect at its wait, and may have taken effect at any time since it was asked for: it meets
// whatever its thread did not know of by then. Who waits for it, or for the mbarrier that it signals, knows of it afterwards.
#include <algorithm>

#include "../wgmma_operands.h"
#include "hazards.h"
#include "hopper_told.h"

namespace lab::simt::lens {

using lab_simt::kWarpSize;

void Hazards::issueBulk(const Event& event) {
  Actor& self = ordering_.actor(event.block, event.thread);
  Knowledge known = self.known;
  known.learn(self.block, self.rank, self.now);
  const uint32_t bytes = event.kind == Kind::kBulkLoad ? event.mask : 0;
  std::vector<Copy>& copies = thread(event).copies;
  for (uint64_t block : reinterpret_cast<const BulkTold*>(event.aux)->blocks)
    copies.push_back(Copy{event.address, event.pc, known, bytes, block});
  if (reinterpret_cast<const BulkTold*>(event.aux)->blocks.empty())
    copies.push_back(Copy{event.address, event.pc, std::move(known), bytes, event.home});
  ordering_.tick(self);
}

// The oldest copy to or from a tile that is on its way, and the thread that asked for it: mostly one of the tile's own block.
bool Hazards::takeCopy(const Event& event, Copy* found, Asker* asker) {
  auto take = [&](uint64_t block, uint32_t rank, std::vector<Copy>& copies) {
    auto copy = std::find_if(copies.begin(), copies.end(), [&](const Copy& one) {
      return one.destination == event.address && one.home == event.home;
    });
    if (copy == copies.end()) return false;
    *found = std::move(*copy);
    *asker = {block, uint16_t(rank)};
    copies.erase(copy);
    return true;
  };
  for (uint32_t i = 0; i < facts_.threads; i++) {
    const uint32_t rank = (event.thread + i) % facts_.threads;
    auto holder = threads_.find(event.block * facts_.threads + rank);
    if (holder != threads_.end() && take(event.block, rank, holder->second.copies)) return true;
  }
  for (auto& [number, thread] : threads_)
    if (take(number / facts_.threads, uint32_t(number % facts_.threads), thread.copies)) return true;
  return false;
}

// The copy's side in global memory.
void Hazards::touchRows(const Event& event, Actor& self, const Copy& copy, Asker asker, Touch touch, const char* does) {
  for (const GlobalRow& row : reinterpret_cast<const BulkTold*>(event.aux)->rows) {
    Event global = event;
    global.pc = copy.pc;
    global.block = asker.block;
    global.thread = asker.thread;
    global.address = reinterpret_cast<uintptr_t>(row.at);
    global.bytes = row.bytes;
    const Allocation* in = around(global.address);
    const bool inside = in && global.address >= in->base && global.address + row.bytes <= in->base + in->bytes;
    global.space = inside ? Space::kGlobal : Space::kUnknown;
    if (!accessible(global, does)) return;
    if (touch == Touch::kRead) uninitialised(global, does);
    races_.touchSince(self, copy.known,
                      Races::Access{copy.pc, global.address, row.bytes, touch, Space::kGlobal, nullptr, 0, number_, does, asker.thread});
  }
}

void Hazards::landBulk(const Event& event) {
  Copy copy;
  Asker asker{};
  if (!takeCopy(event, &copy, &asker)) return;  // asked for by a block that is not traced
  Event barrier = event;
  barrier.address = reinterpret_cast<const BulkTold*>(event.aux)->barrier;
  Actor& unit = ordering_.bulkOf(event.block, barrier.address);
  ordering_.tick(unit);
  touchRows(event, unit, copy, asker, Touch::kRead, "TMA read");
  races_.touchSince(unit, copy.known, Races::Access{copy.pc, keyOf(event), event.mask, Touch::kWrite, Space::kShared, nullptr, 0,
                                                    number_, "TMA write", asker.thread});
  ordering_.finish(unit, keyOf(barrier));
}

// A thread waits for its own stores, and has read and written then.
void Hazards::storeBulk(const Event& event) {
  Copy copy;
  Asker asker{};
  if (!takeCopy(event, &copy, &asker)) return;
  Actor& self = ordering_.actor(event.block, event.thread);
  races_.touchSince(self, copy.known, Races::Access{copy.pc, keyOf(event), event.mask, Touch::kRead, Space::kShared, nullptr, 0,
                                                    number_, "TMA read", asker.thread});
  const bool adds = reinterpret_cast<const BulkTold*>(event.aux)->add;
  touchRows(event, self, copy, asker, adds ? Touch::kStrongWrite : Touch::kWrite, adds ? "TMA add" : "TMA write");
}

// Loads that nobody waited for: they land some time, and race with whoever reads or writes the tile.
void Hazards::abandonBulk(const Event& event) {
  for (uint32_t rank = 0; rank < facts_.threads; rank++) {
    auto holder = threads_.find(event.block * facts_.threads + rank);
    if (holder == threads_.end()) continue;
    for (const Copy& copy : holder->second.copies) {
      if (!copy.bulk || copy.home != event.block) continue;
      Event landed = event;
      landed.address = copy.destination;
      landed.home = copy.home;
      landed.space = Space::kShared;
      Actor& unit = ordering_.bulkOf(event.block, 0);
      ordering_.tick(unit);
      races_.touchSince(unit, copy.known, Races::Access{copy.pc, keyOf(landed), copy.bulk, Touch::kWrite, Space::kShared, nullptr,
                                                        0, number_, "TMA write", uint16_t(rank)});
    }
  }
}

// The instruction is the whole warp's: what one lane knows, it knows. That a product reads memory nobody has written is no
// finding: a kernel may issue one more than it uses, to keep its loop simple. A wait that is missing shows as a race.
void Hazards::issueProduct(const Event& event) {
  Actor& self = ordering_.actor(event.block, event.thread);
  Products& warp = products_[event.block << 5 | event.thread / kWarpSize];
  const uint64_t number = thread(event).products++;
  if (number >= warp.first + warp.waiting.size()) {
    warp.waiting.push_back({self.known, event.pc});
  } else {
    Knowledge& known = warp.waiting[number - warp.first].known;
    if (!known.same(self.known)) known.join(self.known);
  }
  warp.waiting[number - warp.first].known.learn(self.block, self.rank, self.now);
  ordering_.tick(self);
}

void Hazards::readProduct(const Event& event) {
  Products& warp = products_[event.block << 5 | event.thread / kWarpSize];
  if (warp.waiting.empty()) return;
  const Products::Issued issued = std::move(warp.waiting.front());
  warp.waiting.pop_front();
  warp.first++;
  Actor& reader = ordering_.wgmmaOf(event.block, event.thread);
  ordering_.tick(reader);
  Event chunk = event;
  chunk.pc = issued.pc;
  chunk.bytes = kOperandChunk;
  auto read = [&](const uint8_t* const (&chunks)[8]) {
    for (const uint8_t* at : chunks) {
      chunk.address = reinterpret_cast<uintptr_t>(at);
      races_.touchSince(reader, issued.known, Races::Access{issued.pc, keyOf(chunk), kOperandChunk, Touch::kRead, Space::kShared,
                                                            nullptr, 0, number_, "wgmma read", event.thread});
    }
  };
  const auto& product = *reinterpret_cast<const WgmmaTold*>(event.aux);
  if (product.rows) forEachCoreMatrix(product.a, product.firstRow, product.rows, read);
  forEachCoreMatrix(product.b, 0, product.n, read);
}

}  // namespace lab::simt::lens
