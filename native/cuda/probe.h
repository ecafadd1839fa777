// Which of CUDA's parts this machine has, for `lab doctor` and for choosing a device.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lab::cuda {

struct Found {
  bool found = false;
  std::string version, path, error;
};
struct Gpu {
  std::string name;
  uint64_t memory = 0;
  int capabilityMajor = 0, capabilityMinor = 0;
};
struct Probe {
  Found driver, nvrtc, nvml, cublasLt, nccl;
  std::vector<Gpu> gpus;
};

Probe probe(const std::vector<std::string>& searchPaths);

}  // namespace lab::cuda
