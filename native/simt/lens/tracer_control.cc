// Where a traced launch is taken out of its course: others run before an access, or it ends early.
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "../block.h"
#include "../include/simt_api.h"
#include "tracer.h"

namespace lab::simt::lens {

void Tracer::giveUp(ThreadView* self, const char* why) {
  ended_ = why;
  blockEnd();
  static_cast<Block*>(self->block)->abandon();
}

void Tracer::stuck(const ThreadView* waiting, uint64_t pc, uint32_t wait, uint32_t argument) {
  if (current() != this) return;
  settle();
  Event event = blank(waiting, Kind::kStuck, pc);
  event.aux = wait;
  event.mask = argument;
  deliver(event);
}

void Tracer::onPause(ThreadView* self, uint64_t pc) {
  if (Tracer* tracer = current()) tracer->pause(self, pc);
}

void Tracer::pauseNow(ThreadView* self, uint64_t pc) {
  if (expired_.load(std::memory_order_relaxed)) {
    settle();
    deliver(blank(self, Kind::kEndless, pc));
    giveUp(self, "time-limit");
  }
  if (!schedule_ || !schedule_->interrupts()) return;
  settle();
  static_cast<Block*>(self->block)->interrupt(self);
}

void Tracer::spin(ThreadView* self) {
  if (++spins_ % 64 != 0) return;
  settle();
  static_cast<Block*>(self->block)->yield(self);
}

// Whether an access to memory of nobody leaves the process whole: behind or in front of an allocation, in its own pages;
// or, of a read, wherever something is mapped.
bool Tracer::survives(uint64_t address, uint64_t bytes, bool writes) const {
  constexpr uint64_t kPage = 4096, kDynamicStep = 1024;
  for (const Allocation& one : facts_.allocations) {
    if (address >= one.base / kPage * kPage && address + bytes <= (one.base + one.bytes + kPage - 1) / kPage * kPage) {
      return one.name.empty() || !writes;  // behind a variable lies another
    }
  }
  for (const Allocation& one : facts_.shared) {
    uint64_t room = (one.bytes + kDynamicStep - 1) / kDynamicStep * kDynamicStep;
    if (one.name.empty() && address >= one.base && address + bytes <= one.base + room) return true;
  }
  if (writes) return false;
  uint8_t scratch[64];
  iovec to{scratch, std::min<size_t>(bytes, sizeof scratch)};
  iovec from{reinterpret_cast<void*>(address), to.iov_len};
  return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == ssize_t(to.iov_len);
}

// Ends the launch before an access that would end the process.
void Tracer::guard(ThreadView* self, const Event& event) {
  if (!endings_) return;
  bool reads = event.kind == Kind::kRead || event.kind == Kind::kAtomicRead || event.kind == Kind::kMatrixRead;
  uint64_t bytes = event.bytes;
  if (event.kind == Kind::kAsyncWrite) {
    if (map_.find(event.aux, bytes) == Space::kUnknown && bytes && !survives(event.aux, bytes, false))
      giveUp(self, "illegal-address");
    bytes += event.mask;
  }
  // The host's own moves of 16 bytes are of aligned ones only, here and there.
  bool plain = event.kind == Kind::kRead || event.kind == Kind::kWrite;
  if (plain && event.bytes >= 16 && event.address % 16 != 0) {
    settle();
    giveUp(self, "misaligned-address");
  }
  if (event.kind == Kind::kAsyncIssue || event.space != Space::kUnknown) return;
  if (!survives(event.address, bytes, !reads)) giveUp(self, "illegal-address");
}

void Tracer::object(uint32_t rank, Kind kind, uint64_t pc, uint64_t address, uint64_t aux) {
  if (current() != this) return;
  settle();
  Event event = blank(lab_simt::self(), kind, pc);
  event.thread = uint16_t(rank);
  event.address = address;
  event.aux = aux;
  event.space = Space::kShared;
  deliver(event);
}

void Tracer::unit(uint32_t rank, Kind kind, uint64_t pc, const void* tile, uint32_t bytes, const void* told) {
  if (current() != this) return;
  settle();
  Event event = blank(lab_simt::self(), kind, pc);
  event.thread = uint16_t(rank);
  event.address = reinterpret_cast<uintptr_t>(tile);
  event.mask = bytes;
  event.aux = reinterpret_cast<uintptr_t>(told);
  event.space = Space::kShared;
  deliver(event);
}

}  // namespace lab::simt::lens
