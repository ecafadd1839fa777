// The CUDA device: the contract over the driver API. One context, used from one thread.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "core/backend.h"
#include "driver.h"
#include "ledger.h"
#include "nvml.h"
#include "output_capture.h"
#include "pinned_ring.h"

namespace lab::cuda {

class CudaDevice final : public Backend {
 public:
  static Status open(const OpenOptions& options, std::unique_ptr<Backend>* out);
  ~CudaDevice() override;
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  DeviceInfo info() override { return info_; }

  // memory.cc
  Status alloc(uint64_t bytes, uint64_t* address) override;
  Status free(uint64_t address) override;
  Status fillPattern(uint64_t address, uint32_t width, uint64_t count, uint64_t pattern,
                     uint32_t stream) override;
  Status fillRandom(uint64_t address, const FillRandomCmd& cmd) override;
  Status upload(uint64_t address, const void* host, uint64_t bytes, uint32_t stream) override;
  Status download(void* host, uint64_t address, uint64_t bytes, uint32_t stream) override;
  Status copy(uint64_t dst, uint64_t src, uint64_t bytes, uint32_t stream) override;
  Status memory(MemoryReading* out) override;
  void attachStaging(void* memory, uint64_t bytes) override;

  // launch.cc
  Status launch(const Launch& launch) override;
  Status occupancy(uint32_t kernel, uint32_t blockThreads, uint32_t dynamicShared, int* blocks) override;

  // stream.cc
  Status eventRecord(uint32_t event, uint32_t stream) override;
  Status eventDestroy(uint32_t event) override;
  Status streamCreate(uint32_t stream) override;
  Status streamDestroy(uint32_t stream) override;
  Status streamWait(uint32_t stream, uint32_t event) override;
  Status graphBegin(uint32_t stream) override;
  Status graphEnd(uint32_t stream, uint32_t graph) override;
  Status graphLaunch(uint32_t graph, uint32_t stream) override;
  Status graphDestroy(uint32_t graph) override;
  Status synchronize(uint32_t stream, bool all) override;
  Status query(uint32_t stream, bool* done) override;
  Status elapsed(uint32_t from, uint32_t to, double* seconds) override;
  Status unfinished(double* seconds) override;
  Status resetPersistingLines(bool* done) override;

  // module.cc
  Status loadModule(uint32_t module, const std::string& path, const std::vector<EntryName>& entries,
                    std::vector<KernelAttributes>* out) override;
  Status unloadModule(uint32_t module) override;
  Status symbol(uint32_t module, const std::string& name, uint64_t* address, uint64_t* bytes) override;

  Status tensorMap(const TensorMapCmd& cmd, uint64_t address, void* out128) override;
  Status state(DeviceState* out) override;
  std::string takePrintf() override { return output_.take(); }

 private:
  // One kernel of a loaded module; its handle is its place in kernels_ plus 1.
  struct Kernel {
    Function function = nullptr;  // null once its module was unloaded
    std::string name;
    uint32_t maxThreads = 0;
    uint64_t staticShared = 0;
    uint32_t argBytes = 0;      // what the compiler laid out; 0 when the driver cannot tell
    uint64_t dynamicLimit = 0;  // MAX_DYNAMIC_SHARED_SIZE as set so far
    bool nonPortableCluster = false;
  };
  struct LoadedModule {
    Module module;
    std::vector<uint32_t> kernels;
  };
  struct CapturedGraph {
    GraphExec exec = nullptr;
    std::vector<uint32_t> kernels;
    // Where its kernels were entered in the ledger last.
    uint64_t epoch = 0;
    uint32_t stream = 0;
  };
  // Streams are looked up at every launch, so the last one found is remembered.
  struct StreamEntry {
    uint32_t id;
    Stream stream;
  };

  CudaDevice(const OpenOptions& options, Driver driver, Device device, Context context);

  // Ok, or the error the driver answered while `doing`, with the kernels it may come from.
  Status check(Result result, const char* doing) {
    return result == kSuccess ? Status() : fault(result, doing);
  }
  Status fault(Result result, const char* doing);
  // Waits through `wait`, whose output on stdout and stderr (printf, assert) is kept.
  template <typename Wait>
  Status waitFor(Wait wait, const char* doing) {
    output_.beginWait();
    const Result result = wait();
    output_.endWait();
    return check(result, doing);
  }

  bool findStream(uint32_t id, Stream* out);
  Status unknownStream(uint32_t id) const;
  Status notWhileCapturing(const char* doing) const;
  Kernel* findKernel(uint32_t kernel);
  Status refuse(const Launch& launch, const Kernel& kernel) const;
  Status allowShared(Kernel& kernel, uint32_t dynamicShared);
  Status fillWide(uint64_t address, uint64_t count, uint64_t pattern, Stream stream);

  Driver driver_;
  Device device_;
  Context context_;
  DeviceInfo info_;
  Nvml nvml_;
  OutputCapture output_;
  Ledger ledger_;
  PinnedRing fills_, uploads_;  // random values made by the host, small uploads

  std::vector<Kernel> kernels_;
  std::unordered_map<uint32_t, LoadedModule> modules_;
  std::unordered_map<uint32_t, Stream> streams_;
  std::unordered_map<uint32_t, Event> events_;
  std::unordered_map<uint32_t, CapturedGraph> graphs_;
  std::unordered_map<uint64_t, uint64_t> allocations_;
  uint64_t used_ = 0;
  StreamEntry lastStream_{0, nullptr};

  // A capture records on a stream of its own, since CUDA cannot capture the default one.
  Stream captureStream_ = nullptr;
  bool capturing_ = false;
  uint32_t capturedId_ = 0;
  std::vector<uint32_t> capturedKernels_;

  void* staging_ = nullptr;
  bool stagingPinned_ = false;
  bool dead_ = false;  // a fatal error was met: the driver refuses every call
};

}  // namespace lab::cuda
