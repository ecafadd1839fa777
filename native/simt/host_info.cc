#include "host_info.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "limits.h"

namespace lab::simt {

namespace {

// The value of the first "key : value" line of /proc/cpuinfo, or "".
std::string cpuField(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.compare(0, key.size(), key) != 0) continue;
    size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

}  // namespace

DeviceInfo describeHost(int workers, uint64_t memoryLimit) {
  DeviceInfo info;
  info.kind = "cpu";
  std::string model = cpuField("model name");
#if defined(__x86_64__)
  info.arch = "x86-64";
#else
  info.arch = "aarch64";
#endif
  info.name = model.empty() ? info.arch + " CPU" : model;
  info.capabilityMajor = 9;
  info.multiprocessors = info.workers = workers;
  info.maxThreadsPerMultiprocessor = int(kThreadsPerMultiprocessor);
  info.maxBlocksPerMultiprocessor = int(kBlocksPerMultiprocessor);
  for (int i = 0; i < 3; i++) {
    info.maxBlockDim[i] = kMaxBlockDim[i];
    info.maxGridDim[i] = kMaxGridDim[i];
  }
  info.sharedPerBlock = kStaticShared;
  info.sharedPerBlockOptin = kSharedPerBlock;
  info.sharedPerMultiprocessor = kSharedPerMultiprocessor;
  info.registersPerMultiprocessor = int(kRegisters);
  info.registersPerBlock = int(kRegisters);
#ifdef _SC_LEVEL3_CACHE_SIZE
  long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (cache > 0) info.l2Bytes = uint64_t(cache);
#endif
  info.totalMemory = memoryLimit;
  double megahertz = 0;
  if (std::sscanf(cpuField("cpu MHz").c_str(), "%lf", &megahertz) == 1) info.clockHz = megahertz * 1e6;
  info.cooperativeLaunch = info.clusters = true;
  return info;
}

}  // namespace lab::simt
