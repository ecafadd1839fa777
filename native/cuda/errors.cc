#include "errors.h"

#include <cstdio>

namespace lab::cuda {
namespace {

struct Entry {
  Result result;
  ErrorMeaning meaning;
};

constexpr Entry kMeanings[] = {
    {kOutOfMemory, {"out-of-memory", "Free tensors, or use smaller ones.", false}},
    {kIllegalAddress,
     {"illegal-address", "A kernel read or wrote outside its tensors. Check its indices and the bounds test.",
      true}},
    {kInvalidAddressSpace,
     {"illegal-address", "A kernel used an address of another memory space, such as shared for global.",
      true}},
    {kMisalignedAddress,
     {"misaligned-address",
      "A kernel used an address that is no multiple of the access size. Check vector loads and offsets.",
      true}},
    {kIllegalInstruction,
     {"illegal-instruction",
      "A kernel met an instruction this GPU cannot run, or one used against its rules.", true}},
    {kInvalidPc, {"illegal-instruction", "A kernel jumped outside its code. Check function pointers.", true}},
    {kHardwareStackError,
     {"stack-overflow", "A kernel's stack overflowed or was damaged. Check recursion and large local arrays.",
      true}},
    {kLaunchFailed, {"launch-failure", "A kernel failed: a trap, or an access no other error names.", true}},
    {kAssert, {"assert", "An assert in a kernel failed.", true}},
    {kLaunchTimeout, {"time-limit", "The system ended a kernel that ran too long.", true}},
    {kEccUncorrectable,
     {"device-lost", "The GPU met an uncorrectable memory error. Check nvidia-smi.", true}},
    {46,
     {"device-lost", "The GPU is busy or unavailable, perhaps held exclusively by another process.", true}},
    {4, {"device-lost", "The driver is shutting down.", true}},
    {220, {"device-lost", "The GPU met an NVLink error. Check nvidia-smi.", true}},
    {709, {"device-lost", "The context was destroyed.", true}},
    {999, {"device-lost", "The driver met an unknown error. Check nvidia-smi and the system log.", true}},
    {kLaunchOutOfResources,
     {"invalid-launch",
      "The block needs more registers or memory than a multiprocessor has. Use fewer threads, or "
      "__launch_bounds__.",
      false}},
    {kCooperativeLaunchTooLarge,
     {"invalid-launch", "A cooperative launch needs all its blocks resident at once. Use a smaller grid.",
      false}},
    {912, {"invalid-launch", "The cluster is too large for this kernel and GPU. Use a smaller one.", false}},
    {kNoBinary,
     {"invalid-module",
      "The module holds no code for this GPU. Compile it for the device's own architecture.", false}},
    {kInvalidImage,
     {"invalid-module",
      "The module is no CUBIN this driver can load. Delete the compile cache, or update the driver.", false}},
    {kNotFound, {"not-found", "Check the name against the kernel's source.", false}},
    {kNotSupported, {"not-supported", "This GPU or driver lacks it.", false}},
};

}  // namespace

ErrorMeaning meaningOf(Result result) {
  for (const Entry& entry : kMeanings) {
    if (entry.result == result) return entry.meaning;
  }
  if (result >= 900 && result <= 907) {
    return {"invalid-graph", "It cannot be done while a graph is captured. Do it before or after.", false};
  }
  return {"cuda-error", "This is unexpected; please report it with what led to it.", false};
}

AssertReport parseAssert(const std::string& printed) {
  AssertReport out;
  const size_t at = printed.find(": block: [");
  if (at == std::string::npos) return out;
  const size_t start = printed.rfind('\n', at) == std::string::npos ? 0 : printed.rfind('\n', at) + 1;
  const size_t end = printed.find('\n', at);
  out.text = printed.substr(start, end == std::string::npos ? end : end - start);
  unsigned b[3], t[3];
  if (std::sscanf(printed.c_str() + at, ": block: [%u,%u,%u], thread: [%u,%u,%u]", b, b + 1, b + 2, t, t + 1,
                  t + 2) == 6) {
    char detail[160];
    std::snprintf(detail, sizeof detail, "{\"block\":[%u,%u,%u],\"thread\":[%u,%u,%u]}", b[0], b[1], b[2],
                  t[0], t[1], t[2]);
    out.detail = detail;
  }
  return out;
}

}  // namespace lab::cuda
