// The device contract in C++: what the cuda and the cpu backend implement and the command decoder drives.
// No exceptions cross it: every call answers a Status.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"

namespace lab {

// Ok when `code` is empty. `fatal`: the device cannot go on (the host process will end and be replaced).
struct Status {
  std::string code;     // LabError code, "out-of-memory", "illegal-address", "invalid-launch" ...
  std::string message;  // what was being done, what was expected, what came, what to do
  std::string kernel;   // where known
  std::string detail;   // JSON object text with block, thread, address, pc, module where known; or empty
  bool fatal = false;
  bool ok() const { return code.empty(); }
  static Status error(std::string code, std::string message, bool fatal = false) {
    Status s; s.code = std::move(code); s.message = std::move(message); s.fatal = fatal; return s;
  }
};

struct DeviceInfo {
  std::string kind, name, arch, driverVersion, runtimeVersion, compiler, uuid;
  int capabilityMajor = 0, capabilityMinor = 0;
  int multiprocessors = 0, warpSize = 32, maxThreadsPerBlock = 1024, maxThreadsPerMultiprocessor = 0, maxBlocksPerMultiprocessor = 0;
  uint32_t maxBlockDim[3] = {1024, 1024, 64};
  uint32_t maxGridDim[3] = {0x7fffffffu, 65535, 65535};
  uint64_t sharedPerBlock = 0, sharedPerBlockOptin = 0, sharedPerMultiprocessor = 0;
  int registersPerMultiprocessor = 0, registersPerBlock = 0;
  uint64_t l2Bytes = 0, totalMemory = 0;
  double clockHz = 0, memoryClockHz = 0;
  int memoryBusBits = 0, workers = 0;
  bool cooperativeLaunch = false, clusters = false;
};

struct KernelAttributes {
  uint32_t kernel = 0;  // handle, chosen by the backend, never 0
  std::string name, symbol;
  int registers = -1, localBytes = -1, constBytes = -1, binaryVersion = -1;  // -1: not known
  uint64_t staticShared = 0;
  int maxThreadsPerBlock = 1024;
  std::vector<std::pair<uint32_t, uint32_t>> params;  // offset, size
};

struct MemoryReading { uint64_t used = 0, free = 0, total = 0; };
struct DeviceState { double smClockHz = -1, memoryClockHz = -1, temperatureC = -1, powerW = -1, powerLimitW = -1; bool throttleKnown = false; std::vector<std::string> throttleReasons; };
struct EntryName { std::string name, symbol; };

// A launch with its arguments already patched (addresses and tensor maps in place).
struct Launch {
  uint32_t kernel, stream;
  uint32_t grid[3], block[3], cluster[3];
  uint32_t dynamicShared, flags;
  const uint8_t* args;
  uint32_t argBytes;
};

// A launch to be traced: which blocks, how much at most, and who looks.
struct LensRequest {
  struct Observer {
    std::string name;
    std::map<std::string, std::string> options;
  };
  std::vector<uint64_t> blocks;  // linear indices; empty: `sample` blocks spread evenly, 0: every block
  uint64_t sample = 0;
  uint64_t maxAccesses = 0;      // memory accesses of threads that may be traced
  std::vector<Observer> observers;
  bool scheduled = false;        // threads and blocks go on in an order drawn from `seed`
  uint64_t seed = 0;
  // Memory of the caller's device that was freed: what still points there is told as a use after free.
  std::vector<std::pair<uint64_t, uint64_t>> freed;  // base, bytes
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual DeviceInfo info() = 0;

  // Commands. The decoder owns the buffer table (handle -> address, bytes) and calls with raw addresses.
  virtual Status alloc(uint64_t bytes, uint64_t* address) = 0;
  virtual Status free(uint64_t address) = 0;
  virtual Status fillPattern(uint64_t address, uint32_t width, uint64_t count, uint64_t pattern, uint32_t stream) = 0;
  virtual Status fillRandom(uint64_t address, const FillRandomCmd& cmd) = 0;
  virtual Status upload(uint64_t address, const void* host, uint64_t bytes, uint32_t stream) = 0;
  virtual Status download(void* host, uint64_t address, uint64_t bytes, uint32_t stream) = 0;
  virtual Status copy(uint64_t dst, uint64_t src, uint64_t bytes, uint32_t stream) = 0;
  virtual Status launch(const Launch& launch) = 0;
  virtual Status eventRecord(uint32_t event, uint32_t stream) = 0;
  virtual Status eventDestroy(uint32_t event) = 0;
  virtual Status streamCreate(uint32_t stream) = 0;
  virtual Status streamDestroy(uint32_t stream) = 0;
  virtual Status streamWait(uint32_t stream, uint32_t event) = 0;
  virtual Status graphBegin(uint32_t stream) = 0;
  virtual Status graphEnd(uint32_t stream, uint32_t graph) = 0;
  virtual Status graphLaunch(uint32_t graph, uint32_t stream) = 0;
  virtual Status graphDestroy(uint32_t graph) = 0;
  // Encodes 128 bytes, 64-byte aligned.
  virtual Status tensorMap(const TensorMapCmd& cmd, uint64_t address, void* out128) = 0;

  // Requests.
  virtual Status loadModule(uint32_t module, const std::string& path, const std::vector<EntryName>& entries,
                            std::vector<KernelAttributes>* out) = 0;
  virtual Status unloadModule(uint32_t module) = 0;
  virtual Status symbol(uint32_t module, const std::string& name, uint64_t* address, uint64_t* bytes) = 0;
  virtual Status synchronize(uint32_t stream, bool all) = 0;
  virtual Status query(uint32_t stream, bool* done) = 0;
  virtual Status elapsed(uint32_t from, uint32_t to, double* seconds) = 0;
  virtual Status memory(MemoryReading* out) = 0;
  // May be called from any thread.
  virtual Status state(DeviceState* out) = 0;
  // For the timing loop, once the end event of a run has come: seconds of work that is found still running, on
  // whatever stream or thread. Waits for it where the device can.
  virtual Status unfinished(double* seconds) = 0;
  // Makes cache lines that a kernel asked to keep ordinary ones again; *done where there is such a thing.
  virtual Status resetPersistingLines(bool* done) {
    *done = false;
    return {};
  }
  virtual Status occupancy(uint32_t kernel, uint32_t blockThreads, uint32_t dynamicShared, int* blocksPerMultiprocessor) = 0;
  // Text printed by kernels since the last call.
  virtual std::string takePrintf() = 0;

  // Traces the next launch of an instrumented module; its findings as JSON once it has run.
  virtual Status lensBegin(const LensRequest& request);
  virtual Status lensEnd(std::string* json);

  // The segment uploads and downloads use from now on; a backend may pin it. The caller keeps it mapped.
  virtual void attachStaging(void* memory, uint64_t bytes) { (void)memory; (void)bytes; }
};

inline Status Backend::lensBegin(const LensRequest&) {
  return Status::error("unsupported", "Tracing a launch: only the CPU device can.");
}
inline Status Backend::lensEnd(std::string*) { return lensBegin({}); }

// Options of opening, as the client passes them.
struct OpenOptions {
  int ordinal = 0;            // cuda: which GPU
  int workers = 0;            // cpu: worker threads, 0 = all cores
  uint64_t memoryLimit = 0;   // cpu: bytes of device memory, 0 = three quarters of what the host has free
  uint64_t stackBytes = 0;    // cpu: stack of one CUDA thread, 0 = default
  double timeLimitSeconds = 0;  // cpu: a launch longer than this is ended with its line, 0 = none
  void* faultPage = nullptr;  // shared with the parent: where a dying device writes what it knows
  size_t faultPageBytes = 0;
  std::vector<std::string> searchPaths;  // cuda: folders to look in for libcuda, libnvrtc, libnvidia-ml
};

Status openCpu(const OpenOptions& options, std::unique_ptr<Backend>* out);   // native/simt/device.cc
Status openCuda(const OpenOptions& options, std::unique_ptr<Backend>* out);  // native/cuda/device.cc

// The first bytes of the fault page. Written from a signal handler, so plain data only.
struct FaultPage {
  uint32_t magic;       // 0x4c414246 "FBAL" once written, 0 before
  uint32_t printfBytes; // printf text follows at offset 4096
  char code[32];        // "illegal-address" ...
  char kernel[256];
  char module[1024];    // path of the shared object, for the line table
  char message[1024];
  uint64_t pc;          // relative to the module's load address
  uint64_t address;     // faulting address
  uint32_t block[3], thread[3];
  uint32_t hasWhere;    // block, thread valid
};

}  // namespace lab
