#include "runtime.h"

#include <time.h>

#include "block_hot.h"
#include "fault.h"
#include "heap.h"
#include "include/simt_api.h"
#include "module.h"
#include "print_buffer.h"
#include "runtime_hopper.h"

namespace lab::simt {

namespace {

using lab_simt::Votes;

Block& blockOf(ThreadView* self) { return *static_cast<Block*>(self->block); }

void checkBarrier(ThreadView* self, uint32_t id, uint32_t count) {
  if (id >= kGridBarrierId || count > self->block->threads || count % lab_simt::kWarpSize) {
    raiseFault("invalid-barrier",
               "a named barrier was used with an id above 15, or a count that is no multiple of 32 or "
               "more than the block has");
  }
}

void barrier(uint32_t id, uint32_t count) {
  ThreadView* self = lab_simt::self();
  if (id | count) checkBarrier(self, id, count);
  blockOf(self).barrier(self, id, count, 0);
}

void barrierArrive(uint32_t id, uint32_t count) {
  ThreadView* self = lab_simt::self();
  checkBarrier(self, id, count);
  blockOf(self).barrierArrive(id, count);
}

Votes barrierVote(uint32_t id, uint32_t count, uint32_t predicate) {
  ThreadView* self = lab_simt::self();
  if (id | count) checkBarrier(self, id, count);
  return blockOf(self).barrier(self, id, count, predicate);
}

const void* warpExchange(uint32_t mask, const void* value, uint32_t bytes) {
  ThreadView* self = lab_simt::self();
  return blockOf(self).exchange(self, mask, value, bytes, Wait::kCollective);
}

void warpSync(uint32_t mask) {
  ThreadView* self = lab_simt::self();
  blockOf(self).exchange(self, mask, nullptr, 0, Wait::kWarpSync);
}

uint32_t activeMask(uint32_t place) {
  ThreadView* self = lab_simt::self();
  detailOf(self).site = reinterpret_cast<uintptr_t>(__builtin_return_address(0)) ^ uint64_t(place) << 48;
  return blockOf(self).activeMask(self);
}

void yield() {
  ThreadView* self = lab_simt::self();
  blockOf(self).yield(self);
}

void waitUntil(bool (*ready)(void*), void* context, const char* what) {
  ThreadView* self = lab_simt::self();
  blockOf(self).waitUntil(self, ready, context, what);
}

void gridBarrier() {
  ThreadView* self = lab_simt::self();
  if (!self->block->cooperative) {
    raiseFault("not-cooperative", "grid synchronisation needs a cooperative launch: pass { cooperative: true }");
  }
  blockOf(self).barrier(self, kGridBarrierId, 0, 0);
}

void fault(const char* code, const char* message, const char* file, uint32_t line) {
  raiseFault(code, message, file, line, __builtin_return_address(0));
}

int print(const char* format, va_list args) { return blockOf(lab_simt::self()).grid()->print->print(format, args); }

void asyncDefer(void (*effect)(void*), const void* payload, uint32_t bytes) {
  ThreadView* self = lab_simt::self();
  blockOf(self).async(self).defer(effect, payload, bytes);
}

void asyncCommit() {
  ThreadView* self = lab_simt::self();
  blockOf(self).async(self).commit();
}

void asyncWait(uint32_t keep) {
  ThreadView* self = lab_simt::self();
  blockOf(self).async(self).wait(keep);
}

uint64_t globalTimer() {
  timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return uint64_t(t.tv_sec) * 1'000'000'000 + uint64_t(t.tv_nsec);
}

uint32_t isShared(const void* address) {
  const Block& block = blockOf(lab_simt::self());
  auto offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(block.dynamicShared);
  return offset < block.dynamicSharedBytes || block.grid()->module->inStaticShared(address);
}

void* heapAllocate(uint64_t bytes) { return DeviceHeap::instance().allocate(bytes); }
void heapFree(void* memory) { DeviceHeap::instance().free(memory); }

// A plain launch of a kernel compiled for stepping has nobody to tell.
void step(lab_simt::StepMark, uint32_t, const lab_simt::StepWatch*) {}

}  // namespace

const lab_simt::Runtime& runtimeTable() {
  static const lab_simt::Runtime table = {lab_simt::kAbiVersion,
                                          sizeof(lab_simt::Runtime),
                                          barrier,
                                          barrierArrive,
                                          barrierVote,
                                          warpExchange,
                                          warpSync,
                                          activeMask,
                                          yield,
                                          waitUntil,
                                          gridBarrier,
                                          fault,
                                          print,
                                          asyncDefer,
                                          asyncCommit,
                                          asyncWait,
                                          globalTimer,
                                          isShared,
                                          step,
                                          heapAllocate,
                                          heapFree,
                                          Block::sweepOffset(),
                                          &hopperTable()};
  return table;
}

}  // namespace lab::simt
