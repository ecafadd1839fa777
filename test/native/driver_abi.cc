// Compares native/cuda/driver_api.h with the real cuda.h; compiled, never run, where CUDA's headers are found.
#include <cuda.h>

#include <cstddef>

#include "cuda/driver_api.h"

namespace l = lab::cuda;

#define SAME(ours, theirs) static_assert(static_cast<long>(ours) == static_cast<long>(theirs), #ours " differs from " #theirs)

static_assert(sizeof(l::LaunchConfig) == sizeof(CUlaunchConfig));
static_assert(offsetof(l::LaunchConfig, sharedBytes) == offsetof(CUlaunchConfig, sharedMemBytes));
static_assert(offsetof(l::LaunchConfig, stream) == offsetof(CUlaunchConfig, hStream));
static_assert(offsetof(l::LaunchConfig, attributes) == offsetof(CUlaunchConfig, attrs));
static_assert(offsetof(l::LaunchConfig, attributeCount) == offsetof(CUlaunchConfig, numAttrs));
static_assert(sizeof(l::LaunchAttribute) == sizeof(CUlaunchAttribute));
static_assert(offsetof(l::LaunchAttribute, value) == offsetof(CUlaunchAttribute, value));
static_assert(sizeof(l::LaunchAttributeValue) == sizeof(CUlaunchAttributeValue));
static_assert(sizeof(l::DevicePointer) == sizeof(CUdeviceptr) && sizeof(l::Uuid) == sizeof(CUuuid));
static_assert(sizeof(CUtensorMap) == 128);

SAME(l::kAttrCooperative, CU_LAUNCH_ATTRIBUTE_COOPERATIVE);
SAME(l::kAttrClusterDimension, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION);
SAME(l::kAttrProgrammaticSerialization, CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);
SAME(l::kCaptureRelaxed, CU_STREAM_CAPTURE_MODE_RELAXED);
SAME(l::kStreamNonBlocking, CU_STREAM_NON_BLOCKING);

SAME(l::kFuncMaxThreads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
SAME(l::kFuncShared, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
SAME(l::kFuncConst, CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES);
SAME(l::kFuncLocal, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
SAME(l::kFuncRegisters, CU_FUNC_ATTRIBUTE_NUM_REGS);
SAME(l::kFuncBinaryVersion, CU_FUNC_ATTRIBUTE_BINARY_VERSION);
SAME(l::kFuncMaxDynamicShared, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
SAME(l::kFuncNonPortableCluster, CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);

SAME(l::kMaxThreadsPerBlock, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
SAME(l::kMaxBlockDimX + 2, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z);
SAME(l::kMaxGridDimX + 2, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z);
SAME(l::kSharedPerBlock, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
SAME(l::kWarpSize, CU_DEVICE_ATTRIBUTE_WARP_SIZE);
SAME(l::kRegistersPerBlock, CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK);
SAME(l::kClockRateKHz, CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
SAME(l::kMultiprocessorCount, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
SAME(l::kMemoryClockRateKHz, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
SAME(l::kBusWidth, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH);
SAME(l::kL2CacheSize, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
SAME(l::kMaxThreadsPerMultiprocessor, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR);
SAME(l::kCapabilityMajor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(l::kCapabilityMinor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(l::kSharedPerMultiprocessor, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR);
SAME(l::kRegistersPerMultiprocessor, CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR);
SAME(l::kCooperativeLaunch, CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH);
SAME(l::kSharedPerBlockOptin, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
SAME(l::kMaxBlocksPerMultiprocessor, CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR);
SAME(l::kClusterLaunch, CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH);

SAME(l::kOutOfMemory, CUDA_ERROR_OUT_OF_MEMORY);
SAME(l::kNotReady, CUDA_ERROR_NOT_READY);
SAME(l::kEccUncorrectable, CUDA_ERROR_ECC_UNCORRECTABLE);
SAME(l::kIllegalAddress, CUDA_ERROR_ILLEGAL_ADDRESS);
SAME(l::kLaunchOutOfResources, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
SAME(l::kLaunchTimeout, CUDA_ERROR_LAUNCH_TIMEOUT);
SAME(l::kAssert, CUDA_ERROR_ASSERT);
SAME(l::kHardwareStackError, CUDA_ERROR_HARDWARE_STACK_ERROR);
SAME(l::kIllegalInstruction, CUDA_ERROR_ILLEGAL_INSTRUCTION);
SAME(l::kMisalignedAddress, CUDA_ERROR_MISALIGNED_ADDRESS);
SAME(l::kInvalidAddressSpace, CUDA_ERROR_INVALID_ADDRESS_SPACE);
SAME(l::kInvalidPc, CUDA_ERROR_INVALID_PC);
SAME(l::kLaunchFailed, CUDA_ERROR_LAUNCH_FAILED);
SAME(l::kCooperativeLaunchTooLarge, CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
SAME(l::kNotFound, CUDA_ERROR_NOT_FOUND);
SAME(l::kNoBinary, CUDA_ERROR_NO_BINARY_FOR_GPU);
SAME(l::kInvalidImage, CUDA_ERROR_INVALID_IMAGE);
SAME(l::kNoDevice, CUDA_ERROR_NO_DEVICE);
SAME(l::kNotSupported, CUDA_ERROR_NOT_SUPPORTED);
SAME(912, CUDA_ERROR_INVALID_CLUSTER_SIZE);
SAME(46, CUDA_ERROR_DEVICE_UNAVAILABLE);
SAME(4, CUDA_ERROR_DEINITIALIZED);
SAME(220, CUDA_ERROR_NVLINK_UNCORRECTABLE);
SAME(709, CUDA_ERROR_CONTEXT_IS_DESTROYED);
SAME(999, CUDA_ERROR_UNKNOWN);
