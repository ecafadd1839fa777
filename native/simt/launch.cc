// Launching on the CPU device: the checks that CUDA makes, then the workers.
#include <algorithm>
#include <cstring>
#include <string>

#include "device.h"
#include "include/simt_abi_hopper.h"
#include "limits.h"

namespace lab::simt {

namespace {

std::string extents(const uint32_t v[3]) {
  return std::to_string(v[0]) + " x " + std::to_string(v[1]) + " x " + std::to_string(v[2]);
}

// The extents of a launch's clusters: what it asks for, or what the kernel was declared with.
lab_simt::Id3 clusterOf(const Launch& launch, const LaunchBounds& bounds) {
  if (launch.cluster[0]) return {launch.cluster[0], std::max(launch.cluster[1], 1u), std::max(launch.cluster[2], 1u)};
  return bounds.cluster.x ? bounds.cluster : lab_simt::Id3{1, 1, 1};
}

}  // namespace

Status CpuDevice::checkLaunch(const Launch& launch, const Kernel& kernel) const {
  std::string doing = std::string("Launching ") + kernel.entry->name + ": ";
  auto refuse = [&](const std::string& why) {
    Status status = Status::error("invalid-launch", doing + why);
    status.kernel = kernel.entry->name;
    return status;
  };
  for (int i = 0; i < 3; i++) {
    if (!launch.grid[i] || launch.grid[i] > kMaxGridDim[i]) {
      return refuse("a grid of 1 to " + extents(kMaxGridDim) + " blocks was expected, not " + extents(launch.grid) +
                    ".");
    }
    if (!launch.block[i] || launch.block[i] > kMaxBlockDim[i]) {
      return refuse("a block of 1 to " + extents(kMaxBlockDim) + " threads was expected, not " + extents(launch.block) +
                    ".");
    }
  }
  const lab_simt::Id3 asked = clusterOf(launch, kernel.bounds), declared = kernel.bounds.cluster;
  const uint32_t cluster[3] = {asked.x, asked.y, asked.z};
  if (declared.x && (declared.x != asked.x || declared.y != asked.y || declared.z != asked.z)) {
    return refuse("the kernel's __cluster_dims__ were expected, or no cluster size; asked for " + extents(cluster) + ".");
  }
  for (int i = 0; i < 3; i++) {
    if (launch.grid[i] % cluster[i]) {
      return refuse("a grid that clusters of " + extents(cluster) + " blocks fill was expected, not " +
                    extents(launch.grid) + ".");
    }
  }
  const uint64_t clusterBlocks = uint64_t(cluster[0]) * cluster[1] * cluster[2];
  if (clusterBlocks > lab_simt::kMaxClusterBlocks) {
    return refuse("a cluster has at most " + std::to_string(lab_simt::kMaxClusterBlocks) + " blocks; asked for " +
                  extents(cluster) + ".");
  }
  if (clusterBlocks > 1 && launch.flags & kCooperative) {
    return refuse("the CPU device has no cooperative launches with clusters.");
  }
  uint64_t threads = uint64_t(launch.block[0]) * launch.block[1] * launch.block[2];
  if (threads > uint64_t(kernel.bounds.maxThreads)) {
    return refuse("a block of at most " + std::to_string(kernel.bounds.maxThreads) + " threads was expected" +
                  (kernel.bounds.maxThreads < 1024 ? " (the kernel's __launch_bounds__)" : "") + ", not " +
                  std::to_string(threads) + ".");
  }
  if (kernel.staticShared > kStaticShared) {
    return refuse("its static shared memory is " + std::to_string(kernel.staticShared) + " bytes, at most " +
                  std::to_string(kStaticShared) + " are possible; use extern __shared__ memory instead.");
  }
  uint64_t shared = kernel.staticShared + launch.dynamicShared;
  if (shared > kSharedPerBlock) {
    return refuse("a block can have " + std::to_string(kSharedPerBlock) + " bytes of shared memory; " +
                  std::to_string(kernel.staticShared) + " static and " + std::to_string(launch.dynamicShared) +
                  " dynamic were asked for.");
  }
  if (launch.argBytes < kernel.entry->argBytes) {
    return refuse("expected " + std::to_string(kernel.entry->argBytes) + " bytes of arguments, got " +
                  std::to_string(launch.argBytes) + ".");
  }
  if (launch.flags & kCooperative) {
    uint64_t blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
    uint64_t most = uint64_t(residentBlocks(uint32_t(threads), shared)) * workerCount_;
    if (blocks > most) {
      return refuse("all blocks of a cooperative launch must be resident at once; " + std::to_string(most) + " fit, " +
                    std::to_string(blocks) + " were asked for.");
    }
  }
  return {};
}

Status CpuDevice::launch(const Launch& launch) {
  auto found = kernels_.find(launch.kernel);
  if (found == kernels_.end()) {
    return Status::error("invalid-kernel",
                         "Launching a kernel: no kernel has the handle " + std::to_string(launch.kernel) + ".");
  }
  const Kernel& kernel = found->second;
  Status wrong = checkLaunch(launch, kernel);
  if (!wrong.ok()) return wrong;
  auto capture = capturing_.find(launch.stream);
  if (capture == capturing_.end()) return runLaunch(kernel, launch);
  // A graph keeps the arguments as they are now.
  std::vector<uint8_t> args(launch.args, launch.args + launch.argBytes);
  capture->second.push_back([this, copy = Launch(launch), args = std::move(args)]() mutable -> Status {
    auto again = kernels_.find(copy.kernel);
    if (again == kernels_.end())
      return Status::error("invalid-kernel", "Launching a graph: one of its kernels was unloaded.");
    copy.args = args.data();
    return runLaunch(again->second, copy);
  });
  return {};
}

Status CpuDevice::runLaunch(const Kernel& kernel, const Launch& launch) {
  // Aligned for any parameter, a 64-byte aligned tensor map among them.
  alignas(64) uint8_t args[32768];
  if (launch.argBytes > sizeof args)
    return Status::error("invalid-launch", "Launching a kernel: arguments of at most 32 KiB were expected.");
  std::memcpy(args, launch.args, launch.argBytes);
  GridRun grid;
  grid.module = kernel.module;
  grid.kernel = kernel.entry->name;
  grid.invoke = kernel.entry->invoke;
  grid.args = args;
  grid.argBytes = launch.argBytes;
  grid.grid = {launch.grid[0], launch.grid[1], launch.grid[2]};
  grid.block = {launch.block[0], launch.block[1], launch.block[2]};
  grid.blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
  grid.threads = launch.block[0] * launch.block[1] * launch.block[2];
  grid.dynamicShared = launch.dynamicShared;
  grid.staticShared = uint32_t(kernel.staticShared);
  grid.cooperative = launch.flags & kCooperative;
  grid.cluster = clusterOf(launch, kernel.bounds);
  grid.print = &print_;
  if (tracer_ && !tracer_->started()) {
    Status wrong = beginTrace(grid);
    if (!wrong.ok()) return wrong;
  }
  if (!workers_.run(grid)) {
    return Status::error("out-of-memory", std::string("Launching ") + kernel.entry->name +
                                              ": the host has no room for its workers, one a block in a "
                                              "cooperative launch or a cluster; use fewer blocks, or free memory.");
  }
  memory_.allWritten();
  return {};
}

Status CpuDevice::lensBegin(const LensRequest& request) { return lens::Tracer::make(request, &tracer_); }

Status CpuDevice::beginTrace(GridRun& grid) {
  std::vector<lens::Allocation> tensors;
  memory_.each([&](uint64_t address, uint64_t bytes, bool initialised) {
    tensors.push_back({address, bytes, "", initialised});
  });
  Status status = tracer_->begin(grid, std::move(tensors));
  if (status.ok()) grid.tracer = tracer_.get();
  if (status.ok()) grid.schedule = tracer_->schedule();
  return status;
}

Status CpuDevice::lensEnd(std::string* json) {
  if (!tracer_) return Status::error("no-launch", "Reading a trace: none was asked for.");
  auto tracer = std::move(tracer_);
  return tracer->finish(json);
}

Status CpuDevice::occupancy(uint32_t kernel, uint32_t blockThreads, uint32_t dynamicShared, int* blocks) {
  auto found = kernels_.find(kernel);
  if (found == kernels_.end())
    return Status::error("invalid-kernel", "Asking for the occupancy of a kernel: no kernel has this handle.");
  const Kernel& k = found->second;
  uint64_t shared = k.staticShared + dynamicShared;
  bool possible = blockThreads > 0 && blockThreads <= uint32_t(k.bounds.maxThreads) && shared <= kSharedPerBlock;
  *blocks = possible ? residentBlocks(blockThreads, shared) : 0;
  return {};
}

}  // namespace lab::simt
