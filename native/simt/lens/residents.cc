#include "residents.h"

#include <algorithm>
#include <cstring>

#include "../module.h"
#include "schedule.h"
#include "tracer.h"

namespace lab::simt::lens {

Residents::Residents(Block& first, const Stacks& stacks, size_t stackBytes, void* dynamicShared)
    : stackBytes_(stackBytes), dynamicShared_(dynamicShared) {
  residents_.push_back(std::make_unique<Resident>());
  residents_[0]->stacks = &stacks;
  residents_[0]->block = &first;
}

Residents::~Residents() = default;

bool Residents::ensure(size_t count) {
  while (residents_.size() < count) {
    auto resident = std::make_unique<Resident>();
    resident->ownStacks = std::make_unique<Stacks>(lab_simt::kMaxThreads, stackBytes_);
    if (!resident->ownStacks->ok()) return false;
    resident->ownBlock = std::make_unique<Block>(*resident->ownStacks);
    resident->stacks = resident->ownStacks.get();
    resident->block = resident->ownBlock.get();
    residents_.push_back(std::move(resident));
  }
  return true;
}

// Puts the resident's shared memory in place of whoever had the turn before.
void Residents::take(Resident& resident) {
  if (holder_ == &resident) return;
  auto* dynamic = static_cast<uint8_t*>(dynamicShared_);
  if (holder_ && holder_->live) {
    holder_->shared.resize(staticBytes_ + dynamicBytes_);
    std::memcpy(holder_->shared.data(), staticShared_, staticBytes_);
    std::memcpy(holder_->shared.data() + staticBytes_, dynamic, dynamicBytes_);
  }
  if (!resident.shared.empty()) {
    std::memcpy(staticShared_, resident.shared.data(), staticBytes_);
    std::memcpy(dynamic, resident.shared.data() + staticBytes_, dynamicBytes_);
  }
  holder_ = &resident;
}

bool Residents::run(GridRun& grid, Tracer& tracer, void (*onStacks)(void*, const Stacks*), void* context) {
  uint64_t together = grid.cooperative ? grid.blocks : grid.schedule ? Schedule::kResidents : 1;
  size_t count = size_t(std::min(together, grid.blocks));
  if (!ensure(count)) return false;
  staticBytes_ = grid.module->threadLocal(&staticShared_);
  dynamicBytes_ = grid.dynamicShared;
  holder_ = nullptr;
  for (size_t i = 0; i < count; i++) {
    residents_[i]->live = false;
    residents_[i]->block->prepare(grid, dynamicShared_);
  }
  uint64_t next = 0;
  bool over = false;
  for (size_t turn = 0; !over;) {
    // Free places go to the next blocks in order, as on the hardware; whose turn it is, is drawn or goes round.
    size_t busy = 0, place = grid.schedule ? grid.schedule->below(uint32_t(count)) : turn++ % count;
    for (size_t i = 0; i < count; i++) busy += residents_[i]->live;
    Resident& resident = *residents_[place];
    if (!resident.live && next == grid.blocks) {
      if (!busy) break;
      continue;
    }
    bool fresh = !resident.live;
    if (fresh) {
      resident.index = next++;
      resident.shared.clear();
    }
    take(resident);
    resident.live = true;
    onStacks(context, resident.stacks);
    tracer.enterBlock(*resident.block, resident.index, *resident.stacks, fresh);
    fresh ? resident.block->run(resident.index) : resident.block->resume();
    if (resident.block->abandoned()) {
      over = true;
    } else if (!resident.block->suspended()) {
      resident.live = false;
      tracer.blockEnd();
      if (grid.cooperative && !grid.barrier->leave()) {
        for (size_t i = 0; i < count; i++) {
          if (!residents_[i]->live) continue;
          tracer.enterBlock(*residents_[i]->block, residents_[i]->index, *residents_[i]->stacks, false);
          residents_[i]->block->tellStuck();
          tracer.leaveBlock();
        }
        tracer.end("deadlock");
        over = true;
      }
    } else {
      tracer.leaveBlock();
    }
  }
  // What a suspended block left on its stacks is given up with it.
  for (size_t i = 0; i < count; i++)
    if (residents_[i]->live) residents_[i]->block->forget();
  return true;
}

}  // namespace lab::simt::lens
