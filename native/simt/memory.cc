#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace lab::simt {

namespace {
constexpr uint64_t kPage = 4096, kAlignment = 256, kHuge = 2 << 20;
// What no 32-bit index of elements up to 16 bytes can reach across, nor a negative or wrapped one; it is address space
// alone. So many allocations have it, which takes a quarter of what there is; the others have a page.
constexpr uint64_t kGap = uint64_t(128) << 30;
constexpr size_t kSpaced = 128;
uint64_t roundUp(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }
uint8_t* reserve(uint64_t bytes) {
  void* mapping = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return mapping == MAP_FAILED ? nullptr : static_cast<uint8_t*>(mapping);
}
}  // namespace

Memory::~Memory() {
  for (auto& [address, region] : regions_) munmap(region.mapping, region.mapped);
}

Status Memory::alloc(uint64_t bytes, uint64_t* address) {
  if (bytes > limit_ - used_) {
    return Status::error("out-of-memory", "Allocating " + std::to_string(bytes) + " bytes of device memory: " +
                                              std::to_string(limit_ - used_) + " of " + std::to_string(limit_) +
                                              " are free. Free tensors, or open the device with a larger memoryLimit.");
  }
  uint64_t size = roundUp(bytes ? bytes : 1, kAlignment), data = roundUp(size, kPage);
  uint64_t gap = regions_.size() < kSpaced ? kGap : kPage, mapped = data + 2 * gap;
  uint8_t* mapping = reserve(mapped);
  if (!mapping && gap > kPage) {  // a host that limits address space
    gap = kPage;
    mapping = reserve(mapped = data + 2 * gap);
  }
  if (!mapping || mprotect(mapping + gap, data, PROT_READ | PROT_WRITE) != 0) {
    if (mapping) munmap(mapping, mapped);
    return Status::error("out-of-memory", "Allocating " + std::to_string(bytes) +
                                              " bytes of device memory: the host has no " +
                                              "more address space or mappings (" + std::to_string(regions_.size()) +
                                              " tensors are alive). Free tensors.");
  }
  if (data >= 2 * kHuge) madvise(mapping + gap, data, MADV_HUGEPAGE);
  *address = reinterpret_cast<uint64_t>(mapping + gap + data - size);
  regions_[*address] = Region{mapping, mapped, bytes, false};
  used_ += bytes;
  return {};
}

Status Memory::free(uint64_t address) {
  auto it = regions_.find(address);
  if (it == regions_.end()) {
    return Status::error("invalid-address", "Freeing device memory: no allocation starts at this address.");
  }
  munmap(it->second.mapping, it->second.mapped);
  used_ -= it->second.bytes;
  regions_.erase(it);
  return {};
}

void Memory::written(uint64_t address) {
  auto after = regions_.upper_bound(address);
  if (after != regions_.begin()) std::prev(after)->second.initialised = true;
}

void Memory::allWritten() {
  for (auto& [address, region] : regions_) region.initialised = true;
}

uint64_t Memory::defaultLimit() {
  std::ifstream file("/proc/meminfo");
  std::string line;
  while (std::getline(file, line)) {
    unsigned long long kilobytes;
    if (std::sscanf(line.c_str(), "MemAvailable: %llu", &kilobytes) == 1) return uint64_t(kilobytes) * 1024 / 4 * 3;
  }
  return uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGE_SIZE)) / 2;
}

}  // namespace lab::simt
