#include "races.h"

#include <algorithm>
#include <cstring>

namespace lab::simt::lens {

using lab_simt::kWarpSize;

namespace {

// Readers of one cell that are remembered: in shared memory every warp of a block, in global memory a few. A write that
// races with more of them than are kept races with those kept, too, unless it is ordered after just these.
constexpr uint32_t kMostShared = 32, kMostGlobal = 8;

// Calls visit(address of the cell, bytes of it as a mask).
template <typename F>
void eachCell(uint64_t address, uint32_t bytes, F visit) {
  uint64_t end = address + bytes;
  for (uint64_t at = address & ~uint64_t(kCellBytes - 1); at < end; at += kCellBytes) {
    uint32_t mask = 15;
    if (at < address) mask &= 15u << (address - at);
    if (at + kCellBytes > end) mask &= 15u >> (at + kCellBytes - end);
    visit(at, mask);
  }
}

}  // namespace

uint32_t Races::site(const Access& access) {
  if (recent_ < sites_.size() && sites_[recent_].pc == access.pc && sites_[recent_].does == access.does) return recent_;
  // Words are literals: their addresses tell them apart.
  uint64_t key = access.pc * 31 + reinterpret_cast<uintptr_t>(access.does);
  auto [at, fresh] = numbers_.try_emplace(key, uint32_t(sites_.size()));
  if (fresh) sites_.push_back(Site{access.pc, access.does, access.asker});
  sites_[at->second].asker = access.asker;
  return recent_ = at->second;
}

int Races::unordered(const Actor& self, const Knowledge& known, Time own, const Record& record) const {
  uint32_t block = record.warp / ordering_.warpsPerBlock(), warp = record.warp % ordering_.warpsPerBlock();
  uint32_t lanes = record.lanes;
  if (own && block == self.block && warp == self.rank / kWarpSize) lanes &= ~(1u << self.rank % kWarpSize);
  if (!lanes) return -1;
  const Time* row = known.row(block);
  if (!row) return __builtin_ctz(lanes);
  row += warp * kWarpSize;
  for (; lanes; lanes &= lanes - 1) {
    int lane = __builtin_ctz(lanes);
    if (row[lane] < record.time) return lane;
  }
  return -1;
}

void Races::report(const Actor& self, const Record& record, int lane, const Access& access) {
  Hazard hazard;
  hazard.kind = "race";
  hazard.actCount = 2;
  uint32_t block = record.warp / ordering_.warpsPerBlock(), warp = record.warp % ordering_.warpsPerBlock();
  const Site& site = sites_[record.site];
  const auto rank = uint16_t(warp * kWarpSize + uint32_t(lane));
  hazard.acts[0] = Act{site.pc, ordering_.blockIndex(block), ordering_.isUnit(rank) ? site.asker : rank, site.does};
  hazard.acts[1] = Act{access.pc, ordering_.blockIndex(self.block),
                       ordering_.isUnit(self.rank) ? access.asker : self.rank, access.does};
  hazard.space = access.space;
  hazard.address = access.address & kAddressMask;
  hazard.bytes = access.bytes;
  hazard.afterBytes = access.value ? std::min(access.valueBytes, kValueBytes) : 0;
  if (hazard.afterBytes) std::memcpy(hazard.after, access.value, hazard.afterBytes);
  hazard.beforeBytes = std::min(access.bytes, kValueBytes);
  for (uint32_t i = 0; i < hazard.beforeBytes; i++) {
    uint64_t at = access.address + i;
    hazard.before[i] = shadow_.cell(at).value[at % kCellBytes];
  }
  bool same = access.touch == Touch::kWrite && record.kind() == Touch::kWrite &&
              hazard.afterBytes == access.bytes && std::memcmp(hazard.before, hazard.after, hazard.afterBytes) == 0;
  log_.add(hazard, access.event, same);
}

void Races::check(const Actor& self, const Knowledge& known, Time own, const Access& access) {
  eachCell(access.address, access.bytes, [&](uint64_t at, uint32_t mask) {
    Cell& cell = shadow_.cell(at);
    for (uint32_t i = 0; i < cell.count;) {
      Record& record = shadow_.records(cell)[i];
      if (!(record.bytes & mask)) {
        i++;
        continue;
      }
      bool clash = conflict(access.touch, record.kind());
      bool covered = replaces(access.touch, record.kind());
      if (clash || covered) {
        int lane = unordered(self, known, own, record);
        if (clash && lane >= 0) report(self, record, lane, access);
        // A race that was told is not told again by everybody who comes later.
        if (covered && (lane < 0 || clash)) {
          record.bytes &= ~mask & 15;
          if (!record.bytes) {
            shadow_.drop(cell, i);
            continue;
          }
        }
      }
      i++;
    }
  });
}

void Races::keep(const Actor& self, const Access& access) {
  Record fresh{};
  fresh.warp = self.block * ordering_.warpsPerBlock() + self.rank / kWarpSize;
  fresh.lanes = 1u << self.rank % kWarpSize;
  fresh.time = self.now;
  fresh.site = site(access) & (kMostSites - 1);
  fresh.touch = uint32_t(access.touch) & 3;
  const uint32_t most = access.space == Space::kShared ? kMostShared : kMostGlobal;
  eachCell(access.address, access.bytes, [&](uint64_t at, uint32_t mask) {
    Cell& cell = shadow_.cell(at);
    if (access.value) {
      for (uint32_t i = 0; i < kCellBytes; i++) {
        uint64_t offset = at + i - access.address;
        if (mask >> i & 1 && offset < access.valueBytes) cell.value[i] = access.value[offset];
      }
    }
    if (writes(access.touch)) cell.holds |= uint8_t(mask);
    fresh.bytes = mask & 15;
    Record* all = cell.room ? shadow_.records(cell) : nullptr;
    for (uint32_t i = 0; i < cell.count; i++) {
      Record& record = all[i];
      if (record.warp == fresh.warp && record.time == fresh.time && record.touch == fresh.touch &&
          record.site == fresh.site && record.bytes == fresh.bytes) {
        record.lanes |= fresh.lanes;
        return;
      }
    }
    if (Record* room = shadow_.add(cell, most)) {
      *room = fresh;
    } else {
      // Full: of one block's records the newest is worth most; blocks kept apart tell races between blocks.
      uint32_t victim = cell.count - 1;
      for (uint32_t i = 0; i < cell.count; i++) {
        if (all[i].warp / ordering_.warpsPerBlock() == self.block && replaces(access.touch, all[i].kind())) victim = i;
      }
      if (replaces(access.touch, all[victim].kind())) all[victim] = fresh;
    }
  });
}

}  // namespace lab::simt::lens
