// libcuda's entry points, bound at run time.
#pragma once
#include <string>
#include <vector>

#include "core/backend.h"
#include "driver_api.h"
#include "library.h"

namespace lab::cuda {

// member, symbol, parameters
#define LAB_DRIVER_FUNCTIONS(X)                                                                      \
  X(init, "cuInit", (unsigned))                                                                      \
  X(driverVersion, "cuDriverGetVersion", (int*))                                                     \
  X(errorName, "cuGetErrorName", (Result, const char**))                                             \
  X(errorString, "cuGetErrorString", (Result, const char**))                                         \
  X(deviceGet, "cuDeviceGet", (Device*, int))                                                        \
  X(deviceCount, "cuDeviceGetCount", (int*))                                                         \
  X(deviceName, "cuDeviceGetName", (char*, int, Device))                                             \
  X(deviceUuid, "cuDeviceGetUuid_v2", (Uuid*, Device))                                               \
  X(deviceTotalMemory, "cuDeviceTotalMem_v2", (size_t*, Device))                                     \
  X(deviceAttribute, "cuDeviceGetAttribute", (int*, int, Device))                                    \
  X(primaryRetain, "cuDevicePrimaryCtxRetain", (Context*, Device))                                   \
  X(primaryRelease, "cuDevicePrimaryCtxRelease_v2", (Device))                                        \
  X(ctxSetCurrent, "cuCtxSetCurrent", (Context))                                                     \
  X(ctxSynchronize, "cuCtxSynchronize", ())                                                          \
  X(memGetInfo, "cuMemGetInfo_v2", (size_t*, size_t*))                                               \
  X(memAlloc, "cuMemAlloc_v2", (DevicePointer*, size_t))                                             \
  X(memFree, "cuMemFree_v2", (DevicePointer))                                                        \
  X(memHostAlloc, "cuMemHostAlloc", (void**, size_t, unsigned))                                      \
  X(memFreeHost, "cuMemFreeHost", (void*))                                                           \
  X(memHostRegister, "cuMemHostRegister_v2", (void*, size_t, unsigned))                              \
  X(memHostUnregister, "cuMemHostUnregister", (void*))                                               \
  X(copyToDevice, "cuMemcpyHtoDAsync_v2", (DevicePointer, const void*, size_t, Stream))              \
  X(copyToHost, "cuMemcpyDtoHAsync_v2", (void*, DevicePointer, size_t, Stream))                      \
  X(copyOnDevice, "cuMemcpyDtoDAsync_v2", (DevicePointer, DevicePointer, size_t, Stream))            \
  X(memset8, "cuMemsetD8Async", (DevicePointer, unsigned char, size_t, Stream))                      \
  X(memset16, "cuMemsetD16Async", (DevicePointer, unsigned short, size_t, Stream))                   \
  X(memset32, "cuMemsetD32Async", (DevicePointer, unsigned, size_t, Stream))                         \
  X(memset2D32, "cuMemsetD2D32Async", (DevicePointer, size_t, unsigned, size_t, size_t, Stream))     \
  X(streamCreate, "cuStreamCreate", (Stream*, unsigned))                                             \
  X(streamDestroy, "cuStreamDestroy_v2", (Stream))                                                   \
  X(streamSynchronize, "cuStreamSynchronize", (Stream))                                              \
  X(streamQuery, "cuStreamQuery", (Stream))                                                          \
  X(streamWaitEvent, "cuStreamWaitEvent", (Stream, Event, unsigned))                                 \
  X(beginCapture, "cuStreamBeginCapture_v2", (Stream, int))                                          \
  X(endCapture, "cuStreamEndCapture", (Stream, Graph*))                                              \
  X(eventCreate, "cuEventCreate", (Event*, unsigned))                                                \
  X(eventDestroy, "cuEventDestroy_v2", (Event))                                                      \
  X(eventRecord, "cuEventRecord", (Event, Stream))                                                   \
  X(eventSynchronize, "cuEventSynchronize", (Event))                                                 \
  X(eventElapsed, "cuEventElapsedTime", (float*, Event, Event))                                      \
  X(graphInstantiate, "cuGraphInstantiateWithFlags", (GraphExec*, Graph, unsigned long long))        \
  X(graphLaunch, "cuGraphLaunch", (GraphExec, Stream))                                               \
  X(graphExecDestroy, "cuGraphExecDestroy", (GraphExec))                                             \
  X(graphDestroy, "cuGraphDestroy", (Graph))                                                         \
  X(moduleLoadData, "cuModuleLoadData", (Module*, const void*))                                      \
  X(moduleUnload, "cuModuleUnload", (Module))                                                        \
  X(moduleFunction, "cuModuleGetFunction", (Function*, Module, const char*))                         \
  X(moduleGlobal, "cuModuleGetGlobal_v2", (DevicePointer*, size_t*, Module, const char*))            \
  X(funcGetAttribute, "cuFuncGetAttribute", (int*, int, Function))                                   \
  X(funcSetAttribute, "cuFuncSetAttribute", (Function, int, int))                                    \
  X(launchKernel, "cuLaunchKernel",                                                                  \
    (Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Stream, void**, \
     void**))                                                                                        \
  X(maxActiveBlocks, "cuOccupancyMaxActiveBlocksPerMultiprocessor", (int*, Function, int, size_t))

// Newer than CUDA 11: null where the driver lacks them.
#define LAB_DRIVER_OPTIONAL(X)                                                                             \
  X(launchKernelEx, "cuLaunchKernelEx", (const LaunchConfig*, Function, void**, void**))                   \
  X(resetPersistingL2, "cuCtxResetPersistingL2Cache", ())                                                  \
  X(funcParamInfo, "cuFuncGetParamInfo", (Function, size_t, size_t*, size_t*))                             \
  X(tensorMapEncodeTiled, "cuTensorMapEncodeTiled",                                                        \
    (void*, int, uint32_t, void*, const uint64_t*, const uint64_t*, const uint32_t*, const uint32_t*, int, \
     int, int, int))

struct Driver {
  Library library;
#define LAB_MEMBER(member, symbol, parameters) Result(*member) parameters = nullptr;
  LAB_DRIVER_FUNCTIONS(LAB_MEMBER)
  LAB_DRIVER_OPTIONAL(LAB_MEMBER)
#undef LAB_MEMBER

  // Opens libcuda and initialises it; "no-driver" where there is none, "no-gpu" where it sees no device.
  static Status open(const std::vector<std::string>& searchPaths, Driver* out);
  // "CUDA_ERROR_ILLEGAL_ADDRESS (700): an illegal memory access was encountered"
  std::string describe(Result result) const;
  // "13.0", the CUDA version the driver supports.
  std::string version() const;
};

}  // namespace lab::cuda
