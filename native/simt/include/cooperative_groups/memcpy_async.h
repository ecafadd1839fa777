/// cg::memcpy_async and its waits: each call is a stage, its copy done by the group's threads in shares.
#pragma once

#include "../cooperative_groups.h"
#include "../cuda/simt_memcpy_async.h"

namespace cooperative_groups {

/// Copies `bytes` (a number or a cuda::aligned_size_t) with all threads of the group.
template <class Group, class T, class Size>
inline void memcpy_async(const Group& group, T* destination, const T* source, Size bytes) {
  simt_async::defer(simt_async::share(destination, source, bytes, group.thread_rank(), group.size()));
  lab_simt::async_commit();
}
/// Copies whole elements: as many as the smaller of the two extents.
template <class Group, class T>
inline void memcpy_async(const Group& group, T* destination, size_t destination_elements, const T* source,
                         size_t source_elements) {
  const size_t elements = destination_elements < source_elements ? destination_elements : source_elements;
  memcpy_async(group, destination, source, elements * sizeof(T));
}
/// Waits for every stage of the group.
template <class Group>
inline void wait(const Group& group) {
  lab_simt::async_wait(0);
  group.sync();
}
/// Waits for all stages but the newest Keep.
template <unsigned int Keep, class Group>
inline void wait_prior(const Group& group) {
  lab_simt::async_wait(Keep);
  group.sync();
}

}  // namespace cooperative_groups
