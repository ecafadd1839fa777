// What a traced launch tells its observers: one stream of events in the order in which they happened.
//
// A traced launch runs its blocks one after another on one worker, so there is a total order; threads of a block take
// turns at meetings (barriers, shuffles), as on the plain device. Blocks of a cluster have a worker each, of which one has
// the turn; addresses of their shared memories are told as those of the first block's, and whose they are in `home`. The producer (tracer.h) calls every observer for
// every event of a traced block, on the worker's thread, while the thread that caused it stands still. Blocks left
// out by sampling run untraced: their writes are in memory, but no event tells of them.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../include/simt_abi.h"
#include "hook_table.h"

namespace lab::simt::lens {

enum class Kind : uint8_t {
  // One thread touches memory: `address`, `bytes`, `space`, `value`. A Write is told just after it happened (an access
  // to Space::kUnknown just before, because the process may not survive it); a Read and an atomic hold what was there.
  kRead,
  kWrite,
  kAtomicRead,
  kAtomicWrite,
  kAtomicUpdate,     // read and write in one step; `aux`: 1 when a compare-and-swap failed and wrote nothing
  kMatrixRead,       // a lane's share of ldmatrix: the row of 16 bytes at `address`, or bytes 0 of a lane that gives none
  // Copies that run beside the thread (cp.async and what is built on it). `address`: destination, `aux`: source,
  // `bytes` read and `mask` more bytes zeroed. kAsyncWrite is the moment the copy is performed, at the wait.
  kAsyncIssue,
  kAsyncCommit,
  kAsyncWait,        // `aux`: groups that may stay unfinished, ~0: none, uncommitted copies too
  kAsyncWrite,
  // Hopper's units; `aux` is the address of a BulkTold or WgmmaTold (hopper_told.h), good while the event is told.
  // A bulk copy (TMA) is asked for by one thread; `address` is the tile in shared memory, `mask` its bytes.
  kBulkLoad,
  kBulkStore,
  kBulkLanded,       // a load arrives for the mbarrier of BulkTold; `thread` is whoever waited for it
  kBulkStored,       // a store is done, at its thread's wait
  // A thread issues its part of a warpgroup's product; told of each of 128 threads. A warp reads its operands at the wait,
  // told once of one of its threads; kWgmmaWaited: the thread has waited for all that its warp has read.
  kWgmma,
  kWgmmaRead,
  kWgmmaWaited,
  kFence,            // `order`: scope
  // Meetings. An arrival is told before the thread waits, the departure when it goes on.
  kBarrierArrive,    // __syncthreads and kin: `aux` the barrier's id (0 .. 15), `mask` its count, 0: all living threads
  kBarrierArriveOnly,  // bar.arrive: no departure follows
  kBarrierLeave,
  kWarpArrive,       // __syncwarp (`bytes` 0), shuffle, vote, match, mma (`bytes` a lane shows): `mask` the lanes named
  kWarpLeave,
  kGridArrive,       // the barrier of a cooperative launch
  kGridLeave,
  kPollArrive,       // waits for a condition of the headers (mbarrier, pipeline): goes on once it holds
  kPollLeave,
  // Synchronisation through an object of the headers (mbarrier, pipeline stage) at `address`: what the thread did is known
  // to whoever acquires the object later. `aux` of a release: 0 at once; 1 once the object's phase ends; 2 when this
  // ends it and forgets the phases before; 3: the phase ends, and is known beside those before it.
  kRelease,
  kAcquire,
  // The lane whose value a shuffle takes, in `aux`; told just before the kWarpArrive that it belongs to.
  kShuffleSource,
  // What the compiler's own checks found, just before the operation: a signed integer that overflows, an index beyond its
  // array's extent (`aux` the index), a pointer to an object of larger alignment (`address`, `aux` the alignment).
  kOverflow,
  kBadIndex,
  kMisaligned,
  // Control flow. No event is of these kinds: Observer::flow tells it.
  kBranch,
  kEnter,
  kLeave,
  // A kernel compiled for stepping: `bytes` is a lab_simt::StepMark, `mask` the key of the place, `aux` a StepWatch's address.
  kStep,
  // The launch is given up: a thread waits for what will never come (`aux` how, as Wait in fiber.h; `mask` at what), or was
  // running when the time was up.
  kStuck,
  kEndless,
  kThreadStart,
  kThreadEnd,
  kBlockStart,       // `thread` is 0
  kBlockEnd,
};

enum class Space : uint8_t {
  kGlobal,    // inside an allocation of the device
  kShared,    // the block's, static or dynamic
  kModule,    // a __device__ or __constant__ variable
  kLocal,     // a thread's own stack; only counted, never told
  kUnknown,   // none of these: out of bounds, freed, or wild
  kPeer,      // the shared memory of another block of the cluster
};

// How far an atomic or fence reaches, in `order`.
enum class Scope : uint8_t { kBlock, kDevice, kSystem };
constexpr uint8_t orderOf(int memoryOrder, Scope scope) { return uint8_t(memoryOrder | int(scope) << 4); }
constexpr int memoryOrderOf(uint8_t order) { return order & 15; }  // __ATOMIC_RELAXED .. __ATOMIC_SEQ_CST
constexpr Scope scopeOf(uint8_t order) { return Scope(order >> 4); }

constexpr uint32_t kValueBytes = 16;

struct Event {
  uint64_t pc;       // relative to the module's load address; a return address, so the instruction lies just before it
  uint64_t address;
  uint64_t aux;
  uint64_t block;    // linear index in the grid
  uint64_t home;     // the block whose shared memory `address` is in, where it is: a peer's in a cluster, else `block`
  uint32_t bytes;
  uint32_t mask;
  uint16_t thread;   // linear index in the block; lane = thread % 32
  Kind kind;
  Space space;
  uint8_t order;
  uint8_t valueBytes;  // how many bytes of `value` are known: min(bytes, 16), or 0
  uint8_t value[kValueBytes];
};

struct Allocation {
  uint64_t base, bytes;
  std::string name;    // of a module variable; empty of a tensor
  bool initialised;    // something wrote it, as a whole or in part, before this launch
};

// An allocation that is no more; nothing has taken its addresses since.
struct Freed {
  uint64_t base, bytes;
};

// Known before the first event.
struct LaunchFacts {
  std::string kernel;
  lab_simt::Id3 grid, block;
  uint32_t threads = 0;                  // of a block
  uint32_t staticShared = 0, dynamicShared = 0;
  std::vector<Allocation> allocations;   // ascending by base; tensors and module variables
  std::vector<Allocation> shared;        // a block's shared variables by name, "" the dynamic one; addresses are every block's
  std::vector<Freed> freed;
  std::vector<uint64_t> tracedBlocks;    // ascending
};

// Looks at a launch and answers what it found as one JSON value. One object a launch.
class Observer {
 public:
  virtual ~Observer() = default;
  // What it can do without, so that a trace costs less: kWantValues (Event::value), kWantFlow (kBranch, kEnter, kLeave).
  // kWantEnding: a launch that cannot go on (deadlock, bad address, time) is given up and told of; without anyone who
  // wants that, it ends with its fault as a plain launch does.
  static constexpr uint32_t kWantValues = 1, kWantFlow = 2, kWantEnding = 4;
  virtual uint32_t wants() const { return kWantValues | kWantFlow | kWantEnding; }
  virtual void begin(const LaunchFacts& facts) = 0;
  virtual void event(const Event& event) = 0;
  // Where threads of a block went between two events, in order; to who wants control flow.
  virtual void flow(uint64_t, const FlowMark*, size_t) {}
  // After the last event. Plain JSON, with every program counter an integer as in Event::pc.
  virtual std::string json() = 0;
};

// Options of one observer, as the caller gave them: {"seed": "7"}.
using ObserverOptions = std::map<std::string, std::string>;

// The observer of a name ("metrics", "hazards", "steps"), or null. The list of them is in observers.cc.
std::unique_ptr<Observer> makeObserver(const std::string& name, const ObserverOptions& options);

}  // namespace lab::simt::lens
