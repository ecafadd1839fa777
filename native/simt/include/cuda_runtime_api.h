/// CUDA's header of this name, as device code needs it: of the host's API only the types, which the structures and
/// prototypes that host and device share may name.
#pragma once

#include "simt_library.h"

// The last version before the 4-bit types, whose header (cuda_fp4.h) is not here.
#define CUDART_VERSION 12060

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;
typedef struct CUgraph_st* cudaGraph_t;
typedef struct CUgraphExec_st* cudaGraphExec_t;
enum cudaError { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
typedef enum cudaError cudaError_t;
