#include "probe.h"

#include "driver.h"
#include "nvml.h"
#include "nvrtc.h"

namespace lab::cuda {
namespace {

// A library whose version one call tells.
template <typename Version>
Found ask(const Library& library, const char* symbol, Version version) {
  Found out;
  out.path = library.path();
  out.error = library.error();
  void* function = library.symbol(symbol);
  out.found = function != nullptr;
  if (library.found() && !function) out.error = library.path() + " has no " + symbol;
  if (function) out.version = version(function);
  return out;
}

std::string cublasLtVersion(void* function) {
  const size_t v = reinterpret_cast<size_t (*)()>(function)();
  return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
}

std::string ncclVersion(void* function) {
  int v = 0;
  if (reinterpret_cast<int (*)(int*)>(function)(&v)) return {};
  // From 2.9 on: major * 10000 + minor * 100 + patch.
  return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
}

Found probeDriver(const std::vector<std::string>& paths, std::vector<Gpu>* gpus) {
  Driver driver;
  Found out;
  const Status status = Driver::open(paths, &driver);
  out.found = status.ok();
  out.error = status.message;
  if (!out.found) return out;
  out.path = driver.library.path();
  out.version = driver.version();
  int count = 0;
  driver.deviceCount(&count);
  for (int i = 0; i < count; ++i) {
    Device device = 0;
    char name[256] = "";
    size_t bytes = 0;
    Gpu gpu;
    if (driver.deviceGet(&device, i) != kSuccess) continue;
    driver.deviceName(name, sizeof name, device);
    driver.deviceTotalMemory(&bytes, device);
    driver.deviceAttribute(&gpu.capabilityMajor, kCapabilityMajor, device);
    driver.deviceAttribute(&gpu.capabilityMinor, kCapabilityMinor, device);
    gpu.name = name;
    gpu.memory = bytes;
    gpus->push_back(gpu);
  }
  return out;
}

}  // namespace

Probe probe(const std::vector<std::string>& searchPaths) {
  Probe out;
  out.driver = probeDriver(searchPaths, &out.gpus);
  out.nvrtc.version = nvrtcVersion(searchPaths, &out.nvrtc.path, &out.nvrtc.error);
  out.nvrtc.found = !out.nvrtc.version.empty();
  const std::string nvml = nvmlDriverVersion(searchPaths, &out.nvml.path, &out.nvml.error);
  out.nvml.found = !nvml.empty();
  out.nvml.version = nvml;
  out.cublasLt = ask(openCublasLt(searchPaths), "cublasLtGetVersion", cublasLtVersion);
  out.nccl = ask(openNccl(searchPaths), "ncclGetVersion", ncclVersion);
  return out;
}

}  // namespace lab::cuda
