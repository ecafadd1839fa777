// The CUDA driver's ABI, as far as the lab uses it: types and constants declared here, so that building needs
// no CUDA. Values and layouts are those of CUDA 12 and 13; test/native/driver_abi.cc compares them with the
// real cuda.h.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lab::cuda {

using Result = int;
using Device = int;
using DevicePointer = uint64_t;
using Context = struct OpaqueContext*;
using Module = struct OpaqueModule*;
using Function = struct OpaqueFunction*;
using Stream = struct OpaqueStream*;
using Event = struct OpaqueEvent*;
using Graph = struct OpaqueGraph*;
using GraphExec = struct OpaqueGraphExec*;

enum ResultCode : Result {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotSupported = 801,
  kNotReady = 600,
  kEccUncorrectable = 214,
  kIllegalAddress = 700,
  kLaunchOutOfResources = 701,
  kLaunchTimeout = 702,
  kAssert = 710,
  kHardwareStackError = 714,
  kIllegalInstruction = 715,
  kMisalignedAddress = 716,
  kInvalidAddressSpace = 717,
  kInvalidPc = 718,
  kLaunchFailed = 719,
  kCooperativeLaunchTooLarge = 720,
  kNotFound = 500,
  kNoBinary = 209,
  kInvalidImage = 200,
  kNoDevice = 100,
  kSystemDriverMismatch = 803,
  kInsufficientDriver = 35,
};

enum DeviceAttribute : int {
  kMaxThreadsPerBlock = 1,
  kMaxBlockDimX = 2,
  kMaxGridDimX = 5,
  kSharedPerBlock = 8,
  kWarpSize = 10,
  kRegistersPerBlock = 12,
  kClockRateKHz = 13,
  kMultiprocessorCount = 16,
  kMemoryClockRateKHz = 36,
  kBusWidth = 37,
  kL2CacheSize = 38,
  kMaxThreadsPerMultiprocessor = 39,
  kCapabilityMajor = 75,
  kCapabilityMinor = 76,
  kSharedPerMultiprocessor = 81,
  kRegistersPerMultiprocessor = 82,
  kCooperativeLaunch = 95,
  kSharedPerBlockOptin = 97,
  kMaxBlocksPerMultiprocessor = 106,
  kClusterLaunch = 120,
};

enum FunctionAttribute : int {
  kFuncMaxThreads = 0,
  kFuncShared = 1,
  kFuncConst = 2,
  kFuncLocal = 3,
  kFuncRegisters = 4,
  kFuncBinaryVersion = 6,
  kFuncMaxDynamicShared = 8,
  kFuncNonPortableCluster = 14,
};

enum LaunchAttributeId : int {
  kAttrCooperative = 2,
  kAttrClusterDimension = 4,
  kAttrProgrammaticSerialization = 6
};

union LaunchAttributeValue {
  char pad[64];
  int flag;
  struct {
    unsigned x, y, z;
  } dim;
};
struct LaunchAttribute {
  LaunchAttributeId id;
  char pad[4];
  LaunchAttributeValue value;
};
struct LaunchConfig {
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  Stream stream;
  LaunchAttribute* attributes;
  unsigned attributeCount;
};

// Markers of cuLaunchKernel's `extra` list.
inline void* const kParamEnd = nullptr;
inline void* const kParamPointer = reinterpret_cast<void*>(uintptr_t{1});
inline void* const kParamSize = reinterpret_cast<void*>(uintptr_t{2});

constexpr int kCaptureRelaxed = 2;
constexpr unsigned kStreamDefault = 0, kStreamNonBlocking = 1;

struct Uuid {
  unsigned char bytes[16];
};

}  // namespace lab::cuda
