// Memory of the CUDA device: allocations, fills, and copies between host and device.
#include <algorithm>
#include <cstring>

#include "core/dtype.h"
#include "core/random.h"
#include "device.h"

namespace lab::cuda {

Status CudaDevice::alloc(uint64_t bytes, uint64_t* address) {
  const Result result = driver_.memAlloc(address, bytes);
  if (result == kOutOfMemory) {
    size_t free = 0, total = 0;
    driver_.memGetInfo(&free, &total);
    return Status::error("out-of-memory", "Allocating " + std::to_string(bytes) +
                                              " bytes on the GPU: " + std::to_string(free) + " of " +
                                              std::to_string(total) + " bytes are free, this lab holds " +
                                              std::to_string(used_) + ". Free tensors, or use smaller ones.");
  }
  if (result != kSuccess) return fault(result, "Allocating device memory");
  allocations_.emplace(*address, bytes);
  used_ += bytes;
  return {};
}

Status CudaDevice::free(uint64_t address) {
  const auto at = allocations_.find(address);
  if (at == allocations_.end())
    return Status::error("invalid-command", "Freeing device memory: the address is none of the lab's.");
  used_ -= at->second;
  allocations_.erase(at);
  return check(driver_.memFree(address), "Freeing device memory");
}

Status CudaDevice::fillPattern(uint64_t address, uint32_t width, uint64_t count, uint64_t pattern,
                               uint32_t id) {
  Stream stream;
  if (!findStream(id, &stream)) return unknownStream(id);
  const char* doing = "Filling a tensor";
  switch (width) {
    case 1: return check(driver_.memset8(address, static_cast<unsigned char>(pattern), count, stream), doing);
    case 2:
      return check(driver_.memset16(address, static_cast<unsigned short>(pattern), count, stream), doing);
    case 4: return check(driver_.memset32(address, static_cast<unsigned>(pattern), count, stream), doing);
    default: return fillWide(address, count, pattern, stream);
  }
}

Status CudaDevice::fillWide(uint64_t address, uint64_t count, uint64_t pattern, Stream stream) {
  const unsigned low = static_cast<unsigned>(pattern), high = static_cast<unsigned>(pattern >> 32);
  const char* doing = "Filling a tensor";
  if (low == high) return check(driver_.memset32(address, low, count * 2, stream), doing);
  // The driver sets at most 4 bytes at once: the halves of the first elements go in as two columns of a
  // matrix with rows of 8 bytes, then the filled part is doubled by copies.
  uint64_t done = std::min<uint64_t>(count, 4096);
  Result result = driver_.memset2D32(address, 8, low, 1, done, stream);
  if (result == kSuccess) result = driver_.memset2D32(address + 4, 8, high, 1, done, stream);
  while (result == kSuccess && done < count) {
    const uint64_t more = std::min(done, count - done);
    result = driver_.copyOnDevice(address + done * 8, address, more * 8, stream);
    done += more;
  }
  return check(result, doing);
}

Status CudaDevice::fillRandom(uint64_t address, const FillRandomCmd& cmd) {
  Stream stream;
  const char* doing = "Filling a tensor with random values";
  if (!findStream(cmd.stream, &stream)) return unknownStream(cmd.stream);
  if (capturing_) return notWhileCapturing(doing);
  const uint64_t width = elementBytes(cmd.dtype), chunk = fills_.blockBytes() / width;
  for (uint64_t first = 0; first < cmd.count; first += chunk) {
    const uint64_t size = std::min(chunk, cmd.count - first);
    Result result = kSuccess;
    uint8_t* block = fills_.next(&result);
    if (!block) return fault(result, doing);
    lab::fillRandom(block, first, size, cmd);
    result = fills_.send(address + first * width, size * width, stream);
    if (result != kSuccess) return fault(result, doing);
  }
  return {};
}

// Both transfers end before they return, as the staging segment is reused by the client then. Small uploads
// pass through page-locked memory of our own instead, so that they wait for nothing.
Status CudaDevice::upload(uint64_t address, const void* host, uint64_t bytes, uint32_t id) {
  const char* doing = "Uploading a tensor";
  Stream stream;
  if (!findStream(id, &stream)) return unknownStream(id);
  if (capturing_) return notWhileCapturing(doing);
  Result result = kSuccess;
  uint8_t* block = bytes <= uploads_.blockBytes() ? uploads_.next(&result) : nullptr;
  if (block) {
    std::memcpy(block, host, bytes);
    return check(uploads_.send(address, bytes, stream), doing);
  }
  if (result != kSuccess && result != kOutOfMemory) return fault(result, doing);
  result = driver_.copyToDevice(address, host, bytes, stream);
  if (result != kSuccess) return fault(result, doing);
  return waitFor([&] { return driver_.streamSynchronize(stream); }, doing);
}

Status CudaDevice::download(void* host, uint64_t address, uint64_t bytes, uint32_t id) {
  const char* doing = "Reading back a tensor";
  Stream stream;
  if (!findStream(id, &stream)) return unknownStream(id);
  if (capturing_) return notWhileCapturing(doing);
  return waitFor(
      [&] {
        const Result result = driver_.copyToHost(host, address, bytes, stream);
        return result == kSuccess ? driver_.streamSynchronize(stream) : result;
      },
      doing);
}

Status CudaDevice::copy(uint64_t dst, uint64_t src, uint64_t bytes, uint32_t id) {
  Stream stream;
  if (!findStream(id, &stream)) return unknownStream(id);
  return check(driver_.copyOnDevice(dst, src, bytes, stream), "Copying a tensor");
}

Status CudaDevice::memory(MemoryReading* out) {
  size_t free = 0, total = 0;
  Status status = check(driver_.memGetInfo(&free, &total), "Reading the device's memory");
  if (status.ok()) *out = {used_, free, total};
  return status;
}

void CudaDevice::attachStaging(void* memory, uint64_t bytes) {
  if (stagingPinned_) driver_.memHostUnregister(staging_);
  staging_ = memory;
  // Page-locked memory is copied at the bus's speed; where the system does not allow it, copies are slower
  // but right.
  stagingPinned_ = bytes > 0 && driver_.memHostRegister(memory, bytes, 0) == kSuccess;
}

}  // namespace lab::cuda
