/// Loads and stores with cache hints. The CPU device has one memory: each is a plain access.
#pragma once

#include <stddef.h>

#include "simt_hopper.h"

namespace simt_math {
/// Keeps a parameter out of template deduction, so that a store takes whatever converts to the element.
template <class T>
struct given {
  using type = T;
};
}  // namespace simt_math

#define SIMT_LOAD_HINT(NAME) \
  template <class T>         \
  inline T NAME(const T* address) { return *address; }
SIMT_LOAD_HINT(__ldg)
SIMT_LOAD_HINT(__ldca)
SIMT_LOAD_HINT(__ldcg)
SIMT_LOAD_HINT(__ldcs)
SIMT_LOAD_HINT(__ldlu)
#undef SIMT_LOAD_HINT

/// A volatile access: the value is read again every time, which is what __ldcv promises.
template <class T>
inline T __ldcv(const T* address) {
  asm volatile("" ::: "memory");
  return *address;
}

#define SIMT_STORE_HINT(NAME) \
  template <class T>          \
  inline void NAME(T* address, typename simt_math::given<T>::type value) { *address = value; }
SIMT_STORE_HINT(__stcg)
SIMT_STORE_HINT(__stcs)
SIMT_STORE_HINT(__stwb)
#undef SIMT_STORE_HINT

template <class T>
inline void __stwt(T* address, typename simt_math::given<T>::type value) {
  *address = value;
  asm volatile("" ::: "memory");
}

inline size_t __cvta_generic_to_global(const void* p) { return reinterpret_cast<size_t>(p); }
inline size_t __cvta_generic_to_shared(const void* p) { return lab_simt::shared_address(p); }
inline void* __cvta_shared_to_generic(size_t p) { return lab_simt::shared_pointer(static_cast<uint32_t>(p)); }
inline size_t __cvta_generic_to_constant(const void* p) { return reinterpret_cast<size_t>(p); }
inline size_t __cvta_generic_to_local(const void* p) { return reinterpret_cast<size_t>(p); }
inline void* __cvta_constant_to_generic(size_t p) { return reinterpret_cast<void*>(p); }
inline void* __cvta_local_to_generic(size_t p) { return reinterpret_cast<void*>(p); }
inline void* __cvta_global_to_generic(size_t p) { return reinterpret_cast<void*>(p); }
