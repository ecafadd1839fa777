/// CUDA's C-style cp.async interface. A copy happens at the wait for its batch, not before: a missing wait shows.
#pragma once

#include "simt_async_copy.h"

/// Copies 4, 8 or 16 bytes, of which the last `zfill` are not read but set to zero.
inline void __pipeline_memcpy_async(void* shared, const void* global, size_t bytes, size_t zfill = 0) {
  if ((bytes != 4 && bytes != 8 && bytes != 16) || zfill > bytes) {
    lab_simt::fault("bad-async-copy", "__pipeline_memcpy_async copies 4, 8 or 16 bytes and zero-fills at most those.");
  }
  if ((reinterpret_cast<size_t>(shared) | reinterpret_cast<size_t>(global)) % bytes != 0) {
    lab_simt::fault("misaligned-address", "__pipeline_memcpy_async needs both addresses aligned to the bytes copied.");
  }
  simt_async::defer(simt_async::Copy{shared, global, bytes - zfill, zfill});
}
/// Closes the calling thread's current batch.
inline void __pipeline_commit() { lab_simt::async_commit(); }
/// Waits for all of the calling thread's batches but the newest `keep`.
inline void __pipeline_wait_prior(size_t keep) { lab_simt::async_wait(static_cast<uint32_t>(keep)); }
