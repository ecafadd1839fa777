// The CPU device: the Backend whose kernels are shared objects and whose threads are fibers.
//
// Commands run when they are submitted, on the caller's time, so every stream is always up to date; a graph is a list
// of commands with their arguments resolved.
#pragma once
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "../core/backend.h"
#include "lens/tracer.h"
#include "memory.h"
#include "module.h"
#include "print_buffer.h"
#include "workers.h"

namespace lab::simt {

class CpuDevice : public Backend {
 public:
  explicit CpuDevice(const OpenOptions& options);

  DeviceInfo info() override;
  Status alloc(uint64_t bytes, uint64_t* address) override { return memory_.alloc(bytes, address); }
  Status free(uint64_t address) override { return memory_.free(address); }
  Status fillPattern(uint64_t address, uint32_t width, uint64_t count, uint64_t pattern, uint32_t stream) override;
  Status fillRandom(uint64_t address, const FillRandomCmd& cmd) override;
  Status upload(uint64_t address, const void* host, uint64_t bytes, uint32_t stream) override;
  Status download(void* host, uint64_t address, uint64_t bytes, uint32_t stream) override;
  Status copy(uint64_t dst, uint64_t src, uint64_t bytes, uint32_t stream) override;
  Status launch(const Launch& launch) override;
  Status eventRecord(uint32_t event, uint32_t stream) override;
  Status eventDestroy(uint32_t event) override;
  Status streamCreate(uint32_t) override { return {}; }
  Status streamDestroy(uint32_t) override { return {}; }
  Status streamWait(uint32_t, uint32_t) override { return {}; }
  Status graphBegin(uint32_t stream) override;
  Status graphEnd(uint32_t stream, uint32_t graph) override;
  Status graphLaunch(uint32_t graph, uint32_t stream) override;
  Status graphDestroy(uint32_t graph) override;
  Status tensorMap(const TensorMapCmd& cmd, uint64_t address, void* out128) override;
  Status loadModule(uint32_t module, const std::string& path, const std::vector<EntryName>& entries,
                    std::vector<KernelAttributes>* out) override;
  Status unloadModule(uint32_t module) override;
  Status symbol(uint32_t module, const std::string& name, uint64_t* address, uint64_t* bytes) override;
  Status synchronize(uint32_t, bool) override { return {}; }
  Status query(uint32_t, bool* done) override {
    *done = true;
    return {};
  }
  Status elapsed(uint32_t from, uint32_t to, double* seconds) override;
  Status memory(MemoryReading* out) override {
    *out = memory_.reading();
    return {};
  }
  Status state(DeviceState*) override { return {}; }
  Status unfinished(double* seconds) override;
  Status occupancy(uint32_t kernel, uint32_t blockThreads, uint32_t dynamicShared, int* blocks) override;
  Status lensBegin(const LensRequest& request) override;
  Status lensEnd(std::string* json) override;
  std::string takePrintf() override { return print_.take(); }

 private:
  struct Kernel {
    const Module* module;
    const lab_simt::EntryInfo* entry;
    uint64_t staticShared;
    LaunchBounds bounds;
    uint32_t owner;  // module handle
  };
  using Command = std::function<Status()>;

  // Runs a command, or keeps it when its stream is being captured.
  template <typename F>
  Status submit(uint32_t stream, F command);
  Status checkLaunch(const Launch& launch, const Kernel& kernel) const;
  Status beginTrace(GridRun& grid);
  Status runLaunch(const Kernel& kernel, const Launch& launch);

  OpenOptions options_;
  unsigned workerCount_;
  Memory memory_;
  PrintBuffer print_;
  std::unordered_map<uint32_t, std::unique_ptr<Module>> modules_;
  std::unordered_map<uint32_t, Kernel> kernels_;
  std::unordered_map<uint32_t, double> events_;  // seconds of the steady clock
  std::unordered_map<uint32_t, std::vector<Command>> capturing_, graphs_;
  uint32_t nextKernel_ = 1;
  std::unique_ptr<lens::Tracer> tracer_;  // of the launch to be traced, or just traced
  Workers workers_;
};

}  // namespace lab::simt
