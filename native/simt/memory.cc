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
uint64_t roundUp(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }
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
  uint64_t size = roundUp(bytes ? bytes : 1, kAlignment), data = roundUp(size, kPage), mapped = data + 2 * kPage;
  auto* mapping =
      static_cast<uint8_t*>(mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (mapping == MAP_FAILED || mprotect(mapping + kPage, data, PROT_READ | PROT_WRITE) != 0) {
    if (mapping != MAP_FAILED) munmap(mapping, mapped);
    return Status::error("out-of-memory", "Allocating " + std::to_string(bytes) +
                                              " bytes of device memory: the host has no " +
                                              "more address space or mappings (" + std::to_string(regions_.size()) +
                                              " tensors are alive). Free tensors.");
  }
  if (data >= 2 * kHuge) madvise(mapping + kPage, data, MADV_HUGEPAGE);
  *address = reinterpret_cast<uint64_t>(mapping + kPage + data - size);
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
