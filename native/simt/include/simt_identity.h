/// threadIdx, blockIdx, blockDim, gridDim: read from the calling thread's record.
#pragma once

#include "simt_api.h"
#include "vector_types.h"

namespace lab_simt {
inline __attribute__((always_inline)) uint3 as_uint3(Id3 id) { return uint3{id.x, id.y, id.z}; }
inline __attribute__((always_inline)) dim3 as_dim3(Id3 id) { return dim3(id.x, id.y, id.z); }
}  // namespace lab_simt

inline __attribute__((always_inline)) uint3 __lab_thread_idx() { return lab_simt::as_uint3(lab_simt::thread_idx()); }
inline __attribute__((always_inline)) uint3 __lab_block_idx() { return lab_simt::as_uint3(lab_simt::block_idx()); }
inline __attribute__((always_inline)) dim3 __lab_block_dim() { return lab_simt::as_dim3(lab_simt::block_dim()); }
inline __attribute__((always_inline)) dim3 __lab_grid_dim() { return lab_simt::as_dim3(lab_simt::grid_dim()); }

// Macros and not objects: the members then have CUDA's own types (unsigned int) wherever they are used.
#define threadIdx __lab_thread_idx()
#define blockIdx __lab_block_idx()
#define blockDim __lab_block_dim()
#define gridDim __lab_grid_dim()

constexpr int warpSize = 32;
