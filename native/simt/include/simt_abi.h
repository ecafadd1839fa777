// What a compiled kernel module and the CPU device agree on: plain data and a table of functions.
//
// Both sides include this file: a module (a .cu file built by the host compiler) and the runtime in the addon.
// The module exports nothing but `lab_module` (a ModuleInfo); the runtime hands it a `Runtime` table when it loads, so a module
// needs no symbol of the addon and another runtime (a tracing one) can be handed in instead.
#pragma once
#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "simt_switch.h"

namespace lab_simt {

constexpr uint32_t kAbiVersion = 4;

// Every CUDA thread owns one slot of address space, a power of two in size and aligned to it. Its stack grows down
// from the slot's top; above the stack lies its ThreadView, found by masking the stack pointer. The view's place
// shifts with the slot's number so that the views (and stacks) of a block do not fight for one cache set.
constexpr unsigned kSlotLog2 = 19;
constexpr uintptr_t kSlotBytes = uintptr_t(1) << kSlotLog2;
constexpr unsigned kColours = 32;
constexpr unsigned kViewBytes = 128;
constexpr unsigned kWarpSize = 32;
constexpr unsigned kMaxThreads = 1024;
constexpr unsigned kNamedBarriers = 16;
constexpr unsigned kMaxExchangeBytes = 64;  // a lane's share of one warp exchange
constexpr unsigned kMaxDeferBytes = 48;     // payload of one deferred effect

struct Id3 { uint32_t x, y, z; };

// A block as its threads see it; constant while they run.
struct BlockView {
  Id3 blockIdx, blockDim, gridDim;
  uint32_t threads;             // in the block
  uint32_t warps;
  void* dynamicShared;
  uint32_t dynamicSharedBytes;
  uint32_t staticSharedBytes;
  uint32_t cooperative;         // 1 in a cooperative launch
  uint32_t worker;              // which worker thread runs it: %smid's twin
  uint32_t clusterRank, clusterBlocks;  // of its cluster; one block without clusters
  Id3 clusterDim, clusterBlock;         // the cluster's extents, and the block's place in it
};

// A CUDA thread; what names it is constant while it runs. Two cache lines, the first all that a switch needs.
struct ThreadView {
  BlockView* block;
  uint32_t rank;                // linear index in the block, x fastest; lane = rank % 32
  uint32_t schedulerWord;       // the scheduler's own
  Context context;              // where it stopped
  ThreadView* successor;        // who went on when it last waited: usually who will the next time
  void* scheduler[2];           // the scheduler's own; up to here the first cache line
  Id3 threadIdx;                // in a query: the kernel's __cluster_dims__, zeros without
  int32_t spin;                 // atomics left before the thread lets others run
  uint32_t query;               // 1: not a launch; a kernel with launch bounds stores them and returns
  uint32_t boundThreads, boundBlocks;
  uint32_t lens;                // a traced launch: what the thread does not want told (hooks/lens_hooks.cc)
  uintptr_t lensBlock;          // the basic block it entered last while nothing was told; 0: none
  void* spare[3];
};
static_assert(sizeof(ThreadView) == kViewBytes, "a ThreadView fills the step between two colours");

// A worker's sweep: the threads of its block come to __syncthreads() one after another in a known order, so each hands
// over to the next with no word to the runtime. It lies in the worker's own thread-local storage: found without the
// stack pointer, the processor can look up several threads ahead, where it would otherwise wait for load after load.
struct Sweep {
  ThreadView** at;     // the running thread's place in the order; nullptr: no sweep is on
  ThreadView** begin;
  ThreadView** end;
};

struct Votes { uint32_t trues, total; };
struct Hopper;

// What a kernel compiled for stepping tells of a thread (simt_steps.h).
enum class StepMark : uint32_t { kStatement, kEnter, kLeave, kWatch, kUnwatch };
// A variable while it lives. `type`: f d h n (bfloat16) i u b p (pointer).
struct StepWatch {
  const char* name;
  const void* address;
  uint32_t elementBytes;
  uint32_t extents[4];          // `rank` of them, the slowest first; none of a single value
  uint8_t rank;
  char type;
  bool shared;                  // in the block's shared memory
};

// The runtime's entry points. Each is called from a CUDA thread and may run other threads before it returns.
struct Runtime {
  uint32_t version, bytes;
  // Waits for `count` threads of the block at barrier `id` (0 .. 15); count 0 means all threads not yet exited.
  void (*barrier)(uint32_t id, uint32_t count);
  // Arrives without waiting (bar.arrive).
  void (*barrierArrive)(uint32_t id, uint32_t count);
  // A barrier that also counts over the arrivals how many had a true predicate.
  Votes (*barrierVote)(uint32_t id, uint32_t count, uint32_t predicate);
  // Lanes in `mask` (those still alive) meet; each deposits `bytes` bytes (at most kMaxExchangeBytes, the same in
  // every lane); answers the deposits: lane i's at answer + i * bytes, valid until the caller's next exchange.
  const void* (*warpExchange)(uint32_t mask, const void* value, uint32_t bytes);
  void (*warpSync)(uint32_t mask);
  // Lanes that are at this very call together with the caller; `place` tells calls apart that a compiler may merge.
  uint32_t (*activeMask)(uint32_t place);
  void (*yield)();
  // Lets others run until ready(context) is true; a block in which nobody can make it true is a reported deadlock.
  void (*waitUntil)(bool (*ready)(void* context), void* context, const char* what);
  // All threads of all blocks of a cooperative launch meet.
  void (*gridBarrier)();
  // Ends the device with a fault: a LabError code, one sentence, the source place where known (or nullptr, 0).
  void (*fault)(const char* code, const char* message, const char* file, uint32_t line);
  int (*print)(const char* format, va_list args);
  // cp.async's queue, one a thread: effects run when a wait reaches their group, as late as the hardware may.
  void (*asyncDefer)(void (*effect)(void* payload), const void* payload, uint32_t bytes);
  void (*asyncCommit)();
  void (*asyncWait)(uint32_t keep);  // runs all groups but the newest `keep`; ~0u: everything, committed or not, too
  uint64_t (*globalTimer)();         // nanoseconds
  uint32_t (*isShared)(const void*);  // 1 for an address in the calling block's shared memory, static or dynamic
  // Only a kernel compiled for stepping calls it: `key` of a statement, `watch` of a variable.
  void (*step)(StepMark mark, uint32_t key, const StepWatch* watch);
  // The device's heap, of a fixed size: null where it is used up.
  void* (*heapAllocate)(uint64_t bytes);
  void (*heapFree)(void* memory);
  int64_t sweepOffset;  // where a worker's Sweep lies, from the thread pointer
  const Hopper* hopper;              // simt_abi_hopper.h
};

struct EntryInfo {
  const char* name;                       // as asked for: "saxpy", "tile<float, 128>"
  const char* symbol;                     // key the runtime is asked for
  const void* function;                   // the kernel itself: its linker name is in its static shared memory's names
  void (*invoke)(const unsigned char*);   // calls the kernel with a packed argument block
  const uint32_t* params;                 // pairs of offset, size
  uint32_t paramCount;
  uint32_t argBytes;
  uint32_t bounded;                       // 1: the kernel answers a query of its launch bounds and cluster
};

struct ModuleInfo {
  uint32_t version;
  const EntryInfo* entries;
  uint32_t entryCount;
  void (*attach)(const Runtime*);     // before anything runs
  void (*bindShared)(void* dynamic);  // on a worker, before its first block of a launch
};

// The CPU device's tensor map: what cuTensorMapEncodeTiled was told, in the 128 bytes of a CUtensorMap.
struct TensorMap {
  uint64_t address;
  uint64_t dims[5];
  uint64_t strides[4];   // bytes, of dims 1 .. rank-1
  uint32_t box[5];
  uint32_t elementStrides[5];
  uint8_t dataType, rank, interleave, swizzle, l2Promotion, oobFill;
  uint8_t magic[2];      // 'L', 'T'
};
static_assert(sizeof(TensorMap) == 128, "a tensor map is 128 bytes");

}  // namespace lab_simt
