// Launching kernels: checks first, so that a wrong configuration is named, then one call of the driver.
#include "device.h"

namespace lab::cuda {
namespace {

std::string extents(const uint32_t (&d)[3]) {
  return std::to_string(d[0]) + "x" + std::to_string(d[1]) + "x" + std::to_string(d[2]);
}

Status invalid(const std::string& kernel, const std::string& what) {
  Status status = Status::error("invalid-launch", "Launching " + kernel + ": " + what);
  status.kernel = kernel;
  return status;
}

bool within(const uint32_t (&d)[3], const uint32_t (&most)[3]) {
  return d[0] > 0 && d[1] > 0 && d[2] > 0 && d[0] <= most[0] && d[1] <= most[1] && d[2] <= most[2];
}

constexpr uint32_t kPortableCluster = 8, kLargestCluster = 16;

}  // namespace

CudaDevice::Kernel* CudaDevice::findKernel(uint32_t kernel) {
  if (kernel == 0 || kernel > kernels_.size() || !kernels_[kernel - 1].function) return nullptr;
  return &kernels_[kernel - 1];
}

Status CudaDevice::refuse(const Launch& l, const Kernel& kernel) const {
  if (!within(l.grid, info_.maxGridDim)) {
    return invalid(kernel.name, "expected a grid of 1x1x1 to " + extents(info_.maxGridDim) +
                                    " blocks but received " + extents(l.grid) + ".");
  }
  const uint64_t threads = uint64_t{l.block[0]} * l.block[1] * l.block[2];
  if (!within(l.block, info_.maxBlockDim) || threads > kernel.maxThreads) {
    return invalid(kernel.name, "expected a block of 1 to " + std::to_string(kernel.maxThreads) +
                                    " threads, at most " + extents(info_.maxBlockDim) + ", but received " +
                                    extents(l.block) +
                                    ". The kernel's registers and __launch_bounds__ may lower the limit.");
  }
  if (kernel.staticShared + l.dynamicShared > info_.sharedPerBlockOptin) {
    return invalid(kernel.name, "expected at most " + std::to_string(info_.sharedPerBlockOptin) +
                                    " bytes of shared memory a block but received " +
                                    std::to_string(l.dynamicShared) + " dynamic and " +
                                    std::to_string(kernel.staticShared) + " static. Use a smaller tile.");
  }
  if (kernel.argBytes && l.argBytes < kernel.argBytes) {
    return invalid(kernel.name, "expected " + std::to_string(kernel.argBytes) +
                                    " bytes of arguments but received " + std::to_string(l.argBytes) + ".");
  }
  if (l.cluster[0] | l.cluster[1] | l.cluster[2]) {
    if (!info_.clusters) return invalid(kernel.name, "clusters need a GPU of capability 9.0 or more.");
    const uint64_t size = uint64_t{l.cluster[0]} * l.cluster[1] * l.cluster[2];
    for (int i = 0; i < 3; ++i) {
      if (l.cluster[i] == 0 || l.cluster[i] > kLargestCluster || size > kLargestCluster ||
          l.grid[i] % l.cluster[i] != 0) {
        return invalid(kernel.name, "expected a cluster of at most 16 blocks that divides the grid " +
                                        extents(l.grid) + " but received " + extents(l.cluster) + ".");
      }
    }
  }
  return {};
}

// Over 48 KB a kernel must be allowed by name; once for the most there can be, so that later launches skip
// it.
Status CudaDevice::allowShared(Kernel& kernel, uint32_t dynamicShared) {
  if (dynamicShared <= kernel.dynamicLimit) return {};
  const uint64_t most = info_.sharedPerBlockOptin - kernel.staticShared;
  Status status =
      check(driver_.funcSetAttribute(kernel.function, kFuncMaxDynamicShared, static_cast<int>(most)),
            "Allowing a kernel more than 48 KB of shared memory");
  if (status.ok()) kernel.dynamicLimit = most;
  return status;
}

Status CudaDevice::launch(const Launch& l) {
  Kernel* kernel = findKernel(l.kernel);
  if (!kernel)
    return Status::error("invalid-launch", "Launching kernel " + std::to_string(l.kernel) +
                                               ": it does not exist or its module was unloaded.");
  Stream stream;
  if (!findStream(l.stream, &stream)) return unknownStream(l.stream);
  Status refused = refuse(l, *kernel);
  if (refused.ok()) refused = allowShared(*kernel, l.dynamicShared);
  if (!refused.ok()) return refused;

  size_t argBytes = kernel->argBytes ? kernel->argBytes : l.argBytes;
  void* extra[] = {kParamPointer, const_cast<uint8_t*>(l.args), kParamSize, &argBytes, kParamEnd};
  void** args = argBytes ? extra : nullptr;
  const uint32_t clusterSize = l.cluster[0] * l.cluster[1] * l.cluster[2];
  Result result;
  if (clusterSize == 0 && l.flags == 0) {
    result = driver_.launchKernel(kernel->function, l.grid[0], l.grid[1], l.grid[2], l.block[0], l.block[1],
                                  l.block[2], l.dynamicShared, stream, nullptr, args);
  } else {
    if (!driver_.launchKernelEx)
      return invalid(kernel->name,
                     "clusters, cooperative and programmatic launches need a driver of CUDA 12 or newer.");
    LaunchAttribute attributes[3] = {};
    unsigned count = 0;
    if (l.flags & kCooperative) {
      attributes[count].id = kAttrCooperative;
      attributes[count++].value.flag = 1;
    }
    if (clusterSize) {
      attributes[count].id = kAttrClusterDimension;
      attributes[count++].value.dim = {l.cluster[0], l.cluster[1], l.cluster[2]};
    }
    if (l.flags & kProgrammaticDependent) {
      attributes[count].id = kAttrProgrammaticSerialization;
      attributes[count++].value.flag = 1;
    }
    if (clusterSize > kPortableCluster && !kernel->nonPortableCluster) {
      Status status = check(driver_.funcSetAttribute(kernel->function, kFuncNonPortableCluster, 1),
                            "Allowing a kernel clusters of more than 8 blocks");
      if (!status.ok()) return status;
      kernel->nonPortableCluster = true;
    }
    const LaunchConfig config{l.grid[0],  l.grid[1],       l.grid[2], l.block[0], l.block[1],
                              l.block[2], l.dynamicShared, stream,    attributes, count};
    result = driver_.launchKernelEx(&config, kernel->function, nullptr, args);
  }
  if (result != kSuccess) {
    Status status = fault(result, ("Launching " + kernel->name).c_str());
    // What the driver refuses at once is the launch's own fault; a fatal code comes from an earlier kernel.
    if (!status.fatal) status.kernel = kernel->name;
    if (result == kInvalidValue) status.code = "invalid-launch";
    return status;
  }
  if (capturing_ && l.stream == capturedId_) capturedKernels_.push_back(l.kernel);
  else ledger_.launched(l.kernel, l.stream);
  return {};
}

Status CudaDevice::occupancy(uint32_t id, uint32_t blockThreads, uint32_t dynamicShared, int* blocks) {
  Kernel* kernel = findKernel(id);
  if (!kernel)
    return Status::error("invalid-launch",
                         "Reading occupancy: the kernel does not exist or its module was unloaded.");
  *blocks = 0;
  if (blockThreads == 0 || blockThreads > kernel->maxThreads ||
      kernel->staticShared + dynamicShared > info_.sharedPerBlockOptin)
    return {};
  Status status = allowShared(*kernel, dynamicShared);
  return status.ok() ? check(driver_.maxActiveBlocks(blocks, kernel->function, static_cast<int>(blockThreads),
                                                     dynamicShared),
                             "Reading occupancy")
                     : status;
}

}  // namespace lab::cuda
