#include "device.h"

#include <atomic>
#include <cstdio>

#include "errors.h"

namespace lab::cuda {
namespace {

int attribute(const Driver& driver, Device device, int which) {
  int value = 0;
  return driver.deviceAttribute(&value, which, device) == kSuccess ? value : 0;
}

std::string uuidText(const Driver& driver, Device device) {
  Uuid id{};
  if (driver.deviceUuid(&id, device) != kSuccess) return {};
  std::string text = "GPU";
  for (int i = 0; i < 16; ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%s%02x", i == 0 || i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                  id.bytes[i]);
    text += digits;
  }
  return text;
}

// The architecture to compile for: with the features only that one has ("a") from Hopper on.
std::string archName(int major, int minor) {
  return "sm_" + std::to_string(major) + std::to_string(minor) + (major >= 9 ? "a" : "");
}

DeviceInfo describe(const Driver& driver, Device device, const std::vector<std::string>& searchPaths) {
  const auto get = [&](int which) { return attribute(driver, device, which); };
  DeviceInfo info;
  char name[256] = "";
  size_t bytes = 0;
  driver.deviceName(name, sizeof name, device);
  driver.deviceTotalMemory(&bytes, device);
  info.kind = "cuda";
  info.name = name;
  info.capabilityMajor = get(kCapabilityMajor);
  info.capabilityMinor = get(kCapabilityMinor);
  info.arch = archName(info.capabilityMajor, info.capabilityMinor);
  info.uuid = uuidText(driver, device);
  info.runtimeVersion = driver.version();
  std::string path, error;
  info.driverVersion = nvmlDriverVersion(searchPaths, &path, &error);
  info.multiprocessors = get(kMultiprocessorCount);
  info.warpSize = get(kWarpSize);
  info.maxThreadsPerBlock = get(kMaxThreadsPerBlock);
  info.maxThreadsPerMultiprocessor = get(kMaxThreadsPerMultiprocessor);
  info.maxBlocksPerMultiprocessor = get(kMaxBlocksPerMultiprocessor);
  for (int i = 0; i < 3; ++i) {
    info.maxBlockDim[i] = static_cast<uint32_t>(get(kMaxBlockDimX + i));
    info.maxGridDim[i] = static_cast<uint32_t>(get(kMaxGridDimX + i));
  }
  info.sharedPerBlock = static_cast<uint64_t>(get(kSharedPerBlock));
  info.sharedPerBlockOptin = static_cast<uint64_t>(get(kSharedPerBlockOptin));
  info.sharedPerMultiprocessor = static_cast<uint64_t>(get(kSharedPerMultiprocessor));
  info.registersPerMultiprocessor = get(kRegistersPerMultiprocessor);
  info.registersPerBlock = get(kRegistersPerBlock);
  info.l2Bytes = static_cast<uint64_t>(get(kL2CacheSize));
  info.totalMemory = bytes;
  info.clockHz = get(kClockRateKHz) * 1e3;
  info.memoryClockHz = get(kMemoryClockRateKHz) * 1e3;
  info.memoryBusBits = get(kBusWidth);
  info.cooperativeLaunch = get(kCooperativeLaunch) != 0;
  info.clusters = get(kClusterLaunch) != 0;
  return info;
}

}  // namespace

Status CudaDevice::open(const OpenOptions& options, std::unique_ptr<Backend>* out) {
  Driver driver;
  Status status = Driver::open(options.searchPaths, &driver);
  if (!status.ok()) return status;
  int count = 0;
  driver.deviceCount(&count);
  if (options.ordinal < 0 || options.ordinal >= count) {
    return Status::error("no-gpu", "Opening the CUDA device: expected a GPU from 0 to " +
                                       std::to_string(count - 1) + " but received " +
                                       std::to_string(options.ordinal) + ".");
  }
  // A context is current a thread, and calls do not switch it.
  static std::atomic<int> opened{-1};
  int none = -1;
  if (!opened.compare_exchange_strong(none, options.ordinal) && none != options.ordinal) {
    return Status::error("no-gpu", "Opening GPU " + std::to_string(options.ordinal) +
                                       ": this process already uses GPU " + std::to_string(none) +
                                       ". Open the other one isolated, in a process of its own.");
  }
  Device device = 0;
  Context context = nullptr;
  Result result = driver.deviceGet(&device, options.ordinal);
  if (result == kSuccess) result = driver.primaryRetain(&context, device);
  if (result == kSuccess) result = driver.ctxSetCurrent(context);
  if (result != kSuccess) {
    return Status::error(result == kOutOfMemory ? "out-of-memory" : "no-gpu",
                         "Opening GPU " + std::to_string(options.ordinal) + ": " + driver.describe(result) +
                             ". Check nvidia-smi for processes that hold it.");
  }
  out->reset(new CudaDevice(options, driver, device, context));
  return {};
}

CudaDevice::CudaDevice(const OpenOptions& options, Driver driver, Device device, Context context)
    : driver_(std::move(driver)),
      device_(device),
      context_(context),
      info_(describe(driver_, device, options.searchPaths)),
      nvml_(options.searchPaths, info_.uuid),
      output_(options.faultPage != nullptr),
      fills_(driver_, 8 << 20, 2),
      uploads_(driver_, 64 << 10, 32) {}

CudaDevice::~CudaDevice() {
  if (dead_) return;  // the process is about to end, and every call would answer the same error
  driver_.ctxSynchronize();
  for (auto& [id, graph] : graphs_) driver_.graphExecDestroy(graph.exec);
  for (auto& [id, event] : events_) driver_.eventDestroy(event);
  for (auto& [id, stream] : streams_) driver_.streamDestroy(stream);
  if (captureStream_) driver_.streamDestroy(captureStream_);
  for (auto& [id, module] : modules_) driver_.moduleUnload(module.module);
  for (auto& [address, bytes] : allocations_) driver_.memFree(address);
  fills_.release();
  uploads_.release();
  if (stagingPinned_) driver_.memHostUnregister(staging_);
  driver_.primaryRelease(device_);
}

Status CudaDevice::fault(Result result, const char* doing) {
  const ErrorMeaning meaning = meaningOf(result);
  Status status = Status::error(meaning.code,
                                std::string(doing) + ": " + driver_.describe(result) + ". " + meaning.advice,
                                meaning.fatal);
  if (!meaning.fatal) return status;
  dead_ = true;
  if (result == kAssert) {
    const AssertReport report = parseAssert(output_.takeErrors());
    if (!report.text.empty()) status.message += " " + report.text;
    status.detail = report.detail;
  }
  const std::vector<uint32_t> suspects = ledger_.suspects();
  if (suspects.size() == 1) status.kernel = kernels_[suspects[0] - 1].name;
  if (suspects.size() < 2) return status;
  status.message += " One of the kernels launched since the last synchronisation did it:";
  for (size_t i = 0; i < suspects.size(); ++i)
    status.message += (i ? ", " : " ") + kernels_[suspects[i] - 1].name;
  status.message += ". Synchronise after each to tell which.";
  return status;
}

Status CudaDevice::tensorMap(const TensorMapCmd& cmd, uint64_t address, void* out128) {
  if (!driver_.tensorMapEncodeTiled || info_.capabilityMajor < 9) {
    return Status::error(
        "not-supported",
        "Making a tensor map: it needs a GPU of capability 9.0 or more (Hopper); this one has " +
            std::to_string(info_.capabilityMajor) + "." + std::to_string(info_.capabilityMinor) + ".");
  }
  // The command's struct is packed as the driver wants each array.
  const Result result = driver_.tensorMapEncodeTiled(
      out128, static_cast<int>(cmd.dataType), cmd.rank, reinterpret_cast<void*>(address), cmd.dims,
      cmd.strides, cmd.box, cmd.elementStrides, static_cast<int>(cmd.interleave),
      static_cast<int>(cmd.swizzle), static_cast<int>(cmd.l2Promotion), static_cast<int>(cmd.oobFill));
  if (result == kInvalidValue) {
    return Status::error("invalid-argument",
                         "Making a tensor map: the driver refuses it. Expected an address that is a multiple "
                         "of 16, strides that "
                         "are multiples of 16, a box of 1 to 256 elements a dimension whose inner row is a "
                         "multiple of 16 bytes and fits the swizzle.");
  }
  return check(result, "Making a tensor map");
}

Status CudaDevice::state(DeviceState* out) {
  nvml_.read(out);
  return {};
}

}  // namespace lab::cuda

namespace lab {

Status openCuda(const OpenOptions& options, std::unique_ptr<Backend>* out) {
  return cuda::CudaDevice::open(options, out);
}

}  // namespace lab
