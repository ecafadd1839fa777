/// CUDA's header of this name, as device code needs it: of the host's API only the types, which the structures and
/// prototypes that host and device share may name.
#pragma once

#include "simt_library.h"

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;
typedef struct CUgraph_st* cudaGraph_t;
typedef struct CUgraphExec_st* cudaGraphExec_t;
enum cudaError { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
typedef enum cudaError cudaError_t;

/// Launches of a stream run one after the other here: what came before is done, and what follows waits for the end.
inline void cudaGridDependencySynchronize() {}
inline void cudaTriggerProgrammaticLaunchCompletion() {}
