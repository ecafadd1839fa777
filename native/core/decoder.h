// Decodes command batches and drives a Backend.
//
// A batch comes from another process, so nothing in it is trusted: every record is checked for its size,
// every range against the buffer or the staging segment it names. Errors are kept, the first one wins, and
// synchronize hands it out, as CUDA does with a failed launch. After a fatal error nothing reaches the
// backend any more.
//
// A transfer has finished with the staging segment when submit() returns.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backend.h"

namespace lab {

class Decoder {
 public:
  explicit Decoder(Backend& backend) : backend_(backend) {}

  // The memory that kUpload and kDownload name by offset. The caller keeps it mapped.
  void attachStaging(void* memory, uint64_t bytes);
  void submit(const uint8_t* batch, uint64_t bytes);

  // The first error since the last call; a fatal one stays for good.
  Status takeError();
  // The fatal error the device ended with, or Ok.
  const Status& ended() const { return fatal_; }
  // Notes an error that a request of the backend met, so that a fatal one stays.
  Status note(Status status);

  // Makes a module's variable usable as a buffer until the module is unloaded.
  Status bindSymbol(uint32_t module, uint32_t buffer, uint64_t address, uint64_t bytes);
  void dropModule(uint32_t module);
  // Where buffers lay that were freed, address and bytes, as far as nothing lies there again; the newest few thousand.
  std::vector<std::pair<uint64_t, uint64_t>> freedRanges() const;

 private:
  // `module` is 0 for memory of our own. `failed`: its allocation failed, so that freeing it is no second
  // error.
  struct Buffer {
    uint64_t address = 0, bytes = 0;
    uint32_t module = 0;
    bool failed = false;
  };
  struct alignas(64) TensorMapBytes {
    uint8_t bytes[128];
  };

  Status dispatch(const uint8_t* record, const Header& header);
  Status alloc(const AllocCmd& cmd);
  Status freeBuffer(const FreeCmd& cmd);
  Status fillPattern(const FillPatternCmd& cmd);
  Status fillRandom(const FillRandomCmd& cmd);
  Status transfer(const TransferCmd& cmd, bool toDevice);
  Status copy(const CopyCmd& cmd);
  Status launch(const uint8_t* record, const Header& header);
  Status applyPatch(const Patch& patch, uint32_t argBytes);
  Status tensorMap(const TensorMapCmd& cmd);
  // Checks that [offset, offset + bytes) lies in the buffer and gives its device address.
  Status resolve(uint32_t buffer, uint64_t offset, uint64_t bytes, const char* doing,
                 uint64_t* address) const;
  const Buffer* find(uint32_t buffer) const;

  Backend& backend_;
  static constexpr size_t kFreedKept = 4096;

  std::unordered_map<uint32_t, Buffer> buffers_;
  std::deque<std::pair<uint64_t, uint64_t>> freed_;  // address, bytes
  std::unordered_map<uint32_t, TensorMapBytes> maps_;
  uint8_t* staging_ = nullptr;
  uint64_t stagingBytes_ = 0;
  Status first_, fatal_;
  // Where a launch's arguments are patched; reused, so that a launch allocates nothing.
  alignas(64) uint8_t args_[32768];
};

}  // namespace lab
