/// What <cuda/barrier> and <cuda/pipeline> share: thread scopes, sizes with an alignment, the shape of a copy.
#pragma once

#include "../simt_async_copy.h"

namespace cuda {

enum thread_scope { thread_scope_system, thread_scope_device, thread_scope_block, thread_scope_thread };

/// A byte count whose both addresses are promised to be multiples of Alignment.
template <size_t Alignment>
struct aligned_size_t {
  size_t value;
  explicit constexpr aligned_size_t(size_t bytes) : value(bytes) {}
  constexpr operator size_t() const { return value; }
};

/// `Sink` is a barrier or a pipeline: what will have to be waited for.
template <class T, class Size, class Sink>
inline auto memcpy_async(T* destination, const T* source, Size bytes, Sink& sink) -> decltype(sink.accept({})) {
  sink.accept(simt_async::Copy{destination, source, static_cast<size_t>(bytes), 0});
}
template <class Size, class Sink>
inline auto memcpy_async(void* destination, const void* source, Size bytes, Sink& sink) -> decltype(sink.accept({})) {
  sink.accept(simt_async::Copy{destination, source, static_cast<size_t>(bytes), 0});
}
template <class Group, class T, class Size, class Sink>
inline auto memcpy_async(const Group& group, T* destination, const T* source, Size bytes, Sink& sink)
    -> decltype(sink.accept({})) {
  sink.accept(simt_async::share(destination, source, bytes, group.thread_rank(), group.size()));
}
template <class Group, class Size, class Sink>
inline auto memcpy_async(const Group& group, void* destination, const void* source, Size bytes, Sink& sink)
    -> decltype(sink.accept({})) {
  sink.accept(simt_async::share(destination, source, bytes, group.thread_rank(), group.size()));
}

}  // namespace cuda
