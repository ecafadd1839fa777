#include "device.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "../core/own_threads.h"
#include "../core/random.h"
#include "host_info.h"
#include "limits.h"
#include "stray.h"

namespace lab::simt {

namespace {

WorkerOptions workerOptions(const OpenOptions& options, unsigned workers, const PrintBuffer* print) {
  WorkerOptions result;
  result.workers = workers;
  result.stackBytes = options.stackBytes;
  result.timeLimitSeconds = options.timeLimitSeconds;
  result.faultPage = static_cast<FaultPage*>(options.faultPage);
  result.faultPageBytes = options.faultPageBytes;
  result.print = print;
  return result;
}

unsigned workerCount(const OpenOptions& options) {
  if (options.workers > 0) return unsigned(options.workers);
  return std::max(1u, std::thread::hardware_concurrency());
}

template <typename T>
void fill(uint64_t address, uint64_t count, uint64_t pattern) {
  std::fill_n(reinterpret_cast<T*>(address), count, T(pattern));
}

}  // namespace

CpuDevice::CpuDevice(const OpenOptions& options)
    : options_(options),
      workerCount_(workerCount(options)),
      memory_(options.memoryLimit ? options.memoryLimit : Memory::defaultLimit()),
      workers_(workerOptions(options, workerCount_, &print_)) {
  installFaultHandlers();
  adoptPresentThreads();
}

DeviceInfo CpuDevice::info() { return describeHost(int(workerCount_), memory_.reading().total); }

template <typename F>
Status CpuDevice::submit(uint32_t stream, F command) {
  if (!capturing_.empty()) {
    auto capture = capturing_.find(stream);
    if (capture != capturing_.end()) {
      capture->second.push_back(std::move(command));
      return {};
    }
  }
  return command();
}

Status CpuDevice::fillPattern(uint64_t address, uint32_t width, uint64_t count, uint64_t pattern, uint32_t stream) {
  return submit(stream, [=]() -> Status {
    memory_.written(address);
    switch (width) {
      case 1: std::memset(reinterpret_cast<void*>(address), int(pattern & 0xff), count); break;
      case 2: fill<uint16_t>(address, count, pattern); break;
      case 4: fill<uint32_t>(address, count, pattern); break;
      case 8: fill<uint64_t>(address, count, pattern); break;
      default:
        return Status::error("invalid-argument",
                             "Filling memory: an element has 1, 2, 4 or 8 bytes, not " + std::to_string(width) + ".");
    }
    return {};
  });
}

Status CpuDevice::fillRandom(uint64_t address, const FillRandomCmd& cmd) {
  return submit(cmd.stream, [this, address, cmd]() -> Status {
    Status wrong = checkRandom(cmd);
    memory_.written(address);
    if (wrong.ok()) lab::fillRandom(reinterpret_cast<void*>(address), 0, cmd.count, cmd, int(workerCount_));
    return wrong;
  });
}

Status CpuDevice::upload(uint64_t address, const void* host, uint64_t bytes, uint32_t stream) {
  if (capturing_.count(stream)) {
    return Status::error("invalid-capture",
                         "Uploading while a graph is captured: a graph holds launches, copies and fills.");
  }
  memory_.written(address);
  std::memcpy(reinterpret_cast<void*>(address), host, bytes);
  return {};
}

Status CpuDevice::download(void* host, uint64_t address, uint64_t bytes, uint32_t stream) {
  if (capturing_.count(stream)) {
    return Status::error("invalid-capture",
                         "Reading back while a graph is captured: a graph holds launches, copies and fills.");
  }
  std::memcpy(host, reinterpret_cast<const void*>(address), bytes);
  return {};
}

Status CpuDevice::copy(uint64_t dst, uint64_t src, uint64_t bytes, uint32_t stream) {
  return submit(stream, [=]() -> Status {
    memory_.written(dst);
    std::memmove(reinterpret_cast<void*>(dst), reinterpret_cast<const void*>(src), bytes);
    return {};
  });
}

Status CpuDevice::eventRecord(uint32_t event, uint32_t stream) {
  return submit(stream, [this, event]() -> Status {
    events_[event] = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    return {};
  });
}

Status CpuDevice::eventDestroy(uint32_t event) {
  events_.erase(event);
  return {};
}

Status CpuDevice::elapsed(uint32_t from, uint32_t to, double* seconds) {
  auto first = events_.find(from), last = events_.find(to);
  if (first == events_.end() || last == events_.end()) {
    return Status::error("invalid-event", "Reading the time between two events: both must have been recorded.");
  }
  *seconds = last->second - first->second;
  return {};
}

// Every launch has ended when it returns.
Status CpuDevice::unfinished(double* seconds) {
  *seconds = strayWork();
  return {};
}

Status CpuDevice::graphBegin(uint32_t stream) {
  if (!capturing_.try_emplace(stream).second) {
    return Status::error("invalid-capture", "Beginning a graph capture: the stream is being captured already.");
  }
  return {};
}

Status CpuDevice::graphEnd(uint32_t stream, uint32_t graph) {
  auto capture = capturing_.find(stream);
  if (capture == capturing_.end()) {
    return Status::error("invalid-capture", "Ending a graph capture: the stream is not being captured.");
  }
  graphs_[graph] = std::move(capture->second);
  capturing_.erase(capture);
  return {};
}

Status CpuDevice::graphLaunch(uint32_t graph, uint32_t stream) {
  auto found = graphs_.find(graph);
  if (found == graphs_.end())
    return Status::error("invalid-graph", "Launching a graph: it was never captured, or destroyed.");
  if (capturing_.count(stream)) {
    return Status::error("invalid-capture", "Launching a graph while another is captured on the same stream.");
  }
  for (const Command& command : found->second) {
    Status status = command();
    if (!status.ok()) return status;
  }
  return {};
}

Status CpuDevice::graphDestroy(uint32_t graph) {
  graphs_.erase(graph);
  return {};
}

Status CpuDevice::tensorMap(const TensorMapCmd& cmd, uint64_t address, void* out128) {
  if (cmd.rank < 1 || cmd.rank > 5) {
    return Status::error("invalid-argument",
                         "Encoding a tensor map: a rank of 1 to 5 was expected, not " + std::to_string(cmd.rank) + ".");
  }
  lab_simt::TensorMap map{};
  map.address = address;
  std::copy(cmd.dims, cmd.dims + 5, map.dims);
  std::copy(cmd.strides, cmd.strides + 4, map.strides);
  std::copy(cmd.box, cmd.box + 5, map.box);
  std::copy(cmd.elementStrides, cmd.elementStrides + 5, map.elementStrides);
  map.dataType = uint8_t(cmd.dataType);
  map.rank = uint8_t(cmd.rank);
  map.interleave = uint8_t(cmd.interleave);
  map.swizzle = uint8_t(cmd.swizzle);
  map.l2Promotion = uint8_t(cmd.l2Promotion);
  map.oobFill = uint8_t(cmd.oobFill);
  map.magic[0] = 'L';
  map.magic[1] = 'T';
  std::memcpy(out128, &map, sizeof map);
  return {};
}

Status CpuDevice::loadModule(uint32_t handle, const std::string& path, const std::vector<EntryName>& entries,
                             std::vector<KernelAttributes>* out) {
  if (modules_.count(handle))
    return Status::error("invalid-command", "Loading a module: handle " + std::to_string(handle) + " is taken.");
  std::unique_ptr<Module> module;
  Status status = Module::load(path, &module);
  if (!status.ok()) return status;
  std::vector<std::pair<uint32_t, Kernel>> loaded;
  for (const EntryName& wanted : entries) {
    const lab_simt::EntryInfo* entry = module->find(wanted.symbol);
    if (!entry) {
      return Status::error("no-such-kernel",
                           "Loading the module " + path + ": it has no kernel \"" + wanted.name + "\".");
    }
    Kernel kernel{module.get(), entry, module->staticShared(*entry), module->bounds(*entry), handle};
    KernelAttributes attributes;
    attributes.kernel = nextKernel_++;
    attributes.name = wanted.name;
    attributes.symbol = wanted.symbol;
    attributes.staticShared = kernel.staticShared;
    attributes.maxThreadsPerBlock = kernel.bounds.maxThreads;
    for (uint32_t i = 0; i < entry->paramCount; i++)
      attributes.params.emplace_back(entry->params[2 * i], entry->params[2 * i + 1]);
    loaded.emplace_back(attributes.kernel, kernel);
    out->push_back(std::move(attributes));
  }
  for (auto& [id, kernel] : loaded) kernels_[id] = kernel;
  modules_[handle] = std::move(module);
  return {};
}

Status CpuDevice::unloadModule(uint32_t handle) {
  for (auto it = kernels_.begin(); it != kernels_.end();)
    it = it->second.owner == handle ? kernels_.erase(it) : std::next(it);
  modules_.erase(handle);
  return {};
}

Status CpuDevice::symbol(uint32_t module, const std::string& name, uint64_t* address, uint64_t* bytes) {
  auto found = modules_.find(module);
  if (found == modules_.end())
    return Status::error("invalid-module", "Looking up a variable: its module is not loaded.");
  return found->second->variable(name, address, bytes);
}

}  // namespace lab::simt

namespace lab {

Status openCpu(const OpenOptions& options, std::unique_ptr<Backend>* out) {
  if (options.workers < 0 || options.workers > 1024) {
    return Status::error("invalid-argument", "Opening the CPU device: 0 to 1024 workers were expected, not " +
                                                 std::to_string(options.workers) + ".");
  }
  if (options.stackBytes > lab_simt::kSlotBytes - 128 * 1024) {
    return Status::error("invalid-argument", "Opening the CPU device: a thread's stack can be at most 384 KiB, not " +
                                                 std::to_string(options.stackBytes) + " bytes.");
  }
  *out = std::make_unique<simt::CpuDevice>(options);
  return {};
}

}  // namespace lab
