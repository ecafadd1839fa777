// Modules: loading a CUBIN, what the driver says of its kernels, its variables.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "device.h"

namespace lab::cuda {
namespace {

// [offset, size] of every parameter; empty where the driver is too old to tell.
std::vector<std::pair<uint32_t, uint32_t>> parameters(const Driver& driver, Function function) {
  std::vector<std::pair<uint32_t, uint32_t>> out;
  size_t offset = 0, size = 0;
  for (size_t i = 0; driver.funcParamInfo && driver.funcParamInfo(function, i, &offset, &size) == kSuccess;
       ++i) {
    out.emplace_back(static_cast<uint32_t>(offset), static_cast<uint32_t>(size));
  }
  return out;
}

}  // namespace

Status CudaDevice::loadModule(uint32_t id, const std::string& path, const std::vector<EntryName>& entries,
                              std::vector<KernelAttributes>* out) {
  if (modules_.count(id))
    return Status::error("invalid-command", "Loading a module: handle " + std::to_string(id) + " is taken.");
  std::ifstream file(path, std::ios::binary);
  const std::string image{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // The driver reads a CUBIN by the sizes in its own header, so what is no ELF file must not reach it.
  if (image.size() < 64 || image.compare(0, 4,
                                         "\x7f"
                                         "ELF") != 0) {
    return Status::error("invalid-module",
                         "Loading the module " + path +
                             ": expected a CUBIN. Delete it from the compile cache and compile again.");
  }
  LoadedModule loaded{nullptr, {}};
  Status status =
      check(driver_.moduleLoadData(&loaded.module, image.data()), ("Loading the module " + path).c_str());
  if (!status.ok()) return status;
  for (const EntryName& entry : entries) {
    Kernel kernel;
    const Result result = driver_.moduleFunction(&kernel.function, loaded.module, entry.symbol.c_str());
    if (result != kSuccess) {
      for (uint32_t handle : loaded.kernels) kernels_[handle - 1].function = nullptr;
      driver_.moduleUnload(loaded.module);
      Status missing = fault(result, ("Finding the kernel " + entry.name + " in " + path).c_str());
      if (result == kNotFound) missing.code = "missing-kernel";
      return missing;
    }
    const auto get = [&](int which) {
      int value = -1;
      return driver_.funcGetAttribute(&value, which, kernel.function) == kSuccess ? value : -1;
    };
    KernelAttributes attributes;
    attributes.name = entry.name;
    attributes.symbol = entry.symbol;
    attributes.registers = get(kFuncRegisters);
    attributes.localBytes = get(kFuncLocal);
    attributes.constBytes = get(kFuncConst);
    attributes.binaryVersion = get(kFuncBinaryVersion);
    attributes.staticShared = static_cast<uint64_t>(std::max(0, get(kFuncShared)));
    attributes.maxThreadsPerBlock =
        get(kFuncMaxThreads) > 0 ? get(kFuncMaxThreads) : info_.maxThreadsPerBlock;
    attributes.params = parameters(driver_, kernel.function);
    kernel.name = entry.name;
    kernel.maxThreads = static_cast<uint32_t>(attributes.maxThreadsPerBlock);
    kernel.staticShared = attributes.staticShared;
    kernel.dynamicLimit =
        info_.sharedPerBlock > kernel.staticShared ? info_.sharedPerBlock - kernel.staticShared : 0;
    if (!attributes.params.empty())
      kernel.argBytes = attributes.params.back().first + attributes.params.back().second;
    kernels_.push_back(kernel);
    attributes.kernel = static_cast<uint32_t>(kernels_.size());
    loaded.kernels.push_back(attributes.kernel);
    out->push_back(attributes);
  }
  modules_.emplace(id, std::move(loaded));
  return {};
}

Status CudaDevice::unloadModule(uint32_t id) {
  const auto at = modules_.find(id);
  if (at == modules_.end()) return {};  // its loading failed
  for (uint32_t handle : at->second.kernels) kernels_[handle - 1].function = nullptr;
  const Module module = at->second.module;
  modules_.erase(at);
  return check(driver_.moduleUnload(module), "Unloading a module");
}

Status CudaDevice::symbol(uint32_t id, const std::string& name, uint64_t* address, uint64_t* bytes) {
  const auto at = modules_.find(id);
  if (at == modules_.end())
    return Status::error("invalid-command", "Finding the variable " + name + ": its module is not loaded.");
  size_t size = 0;
  const Result result = driver_.moduleGlobal(address, &size, at->second.module, name.c_str());
  *bytes = size;
  if (result != kNotFound) return check(result, ("Finding the variable " + name).c_str());
  return Status::error(
      "missing-symbol",
      "Finding the variable " + name +
          ": the module has none of this name. Check its __device__ and __constant__ variables.");
}

}  // namespace lab::cuda
