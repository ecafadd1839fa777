// NVML: clocks, temperature, power and throttling of one GPU.
#pragma once
#include <string>
#include <vector>

#include "core/backend.h"
#include "library.h"

namespace lab::cuda {

class Nvml {
 public:
  // Finds the GPU by its UUID ("GPU-..."), since NVML and CUDA number devices differently.
  Nvml(const std::vector<std::string>& searchPaths, const std::string& uuid);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  // What can be read; sensors that cannot stay unknown.
  void read(DeviceState* out) const;

 private:
  Library library_;
  bool started_ = false;
  void* device_ = nullptr;
};

// The driver's own version, "580.95.05"; empty with a reason where NVML is missing.
std::string nvmlDriverVersion(const std::vector<std::string>& searchPaths, std::string* path,
                              std::string* error);

}  // namespace lab::cuda
