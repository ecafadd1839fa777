// One launch while it runs: what every block of it shares.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "include/simt_abi.h"

namespace lab::simt {

struct Module;
class PrintBuffer;
namespace lens {
class Tracer;
}

// All blocks of a cooperative launch meet here; each comes once a meeting, on its worker's thread.
class GridBarrier {
 public:
  void reset(uint64_t blocks) {
    blocks_ = blocks;
    waiting_ = finished_ = 0;
  }
  // False: some blocks have exited and the rest can never all arrive.
  bool arrive();
  // A block has exited. False: the rest wait for it in vain.
  bool leave();
  uint64_t finished() const { return finished_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t blocks_ = 0, waiting_ = 0, finished_ = 0, generation_ = 0;
};

struct GridRun {
  const Module* module = nullptr;
  const char* kernel = "";
  void (*invoke)(const unsigned char*) = nullptr;
  const unsigned char* args = nullptr;
  uint32_t argBytes = 0;
  lab_simt::Id3 grid{1, 1, 1}, block{1, 1, 1};
  uint64_t blocks = 1;
  uint32_t threads = 1;
  uint32_t dynamicShared = 0, staticShared = 0;
  bool cooperative = false;
  GridBarrier* barrier = nullptr;        // cooperative launches
  PrintBuffer* print = nullptr;
  lens::Tracer* tracer = nullptr;        // a traced launch: all its blocks run on one worker
  uint64_t chunk = 1;                    // blocks handed out at a time
  alignas(64) std::atomic<uint64_t> next{0};  // first block not yet handed to a worker; alone on its line
};

}  // namespace lab::simt
