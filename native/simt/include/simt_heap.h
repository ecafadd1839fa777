/// malloc, free, new and delete of device code: a heap of CUDA's default size, 8 MB, whose end is a null pointer.
#pragma once

#include <new>

#include "simt_api.h"
#include "simt_lens.h"

inline void* __lab_malloc(size_t bytes) {
  lab_simt::lens::Quiet quiet;
  return lab_simt::rt().heapAllocate(bytes);
}
inline void __lab_free(void* memory) {
  lab_simt::lens::Quiet quiet;
  lab_simt::rt().heapFree(memory);
}
namespace std {
using ::__lab_free;
using ::__lab_malloc;
}  // namespace std
#define malloc __lab_malloc
#define free __lab_free

// The module's own, bound within it by the linker (compiler.ts): a kernel's text is one translation unit.
void* operator new(size_t bytes) { return __lab_malloc(bytes); }
void* operator new[](size_t bytes) { return __lab_malloc(bytes); }
void operator delete(void* memory) noexcept { __lab_free(memory); }
void operator delete[](void* memory) noexcept { __lab_free(memory); }
void operator delete(void* memory, size_t) noexcept { __lab_free(memory); }
void operator delete[](void* memory, size_t) noexcept { __lab_free(memory); }
