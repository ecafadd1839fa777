/// The table at the end of a kernel module: what the runtime can launch in it.
///
/// The translator ends every module with
///   LAB_SIMT_MODULE(LAB_SIMT_ENTRY(0, "tile<float, 128>", (tile<float, 128>)), ...)
#pragma once

#include <stddef.h>

#include "simt_api.h"

namespace lab_simt {

/// Where a kernel's parameters lie in the packed argument block: C's layout of a struct with these members.
template <class... Params>
struct ArgLayout {
  static constexpr size_t count = sizeof...(Params);
  uint32_t places[2 * count + 1] = {};
  uint32_t bytes = 0;

  constexpr ArgLayout() {
    constexpr size_t sizes[count + 1] = {sizeof(Params)..., 0};
    constexpr size_t alignments[count + 1] = {alignof(Params)..., 1};
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
      at = (at + alignments[i] - 1) / alignments[i] * alignments[i];
      places[2 * i] = static_cast<uint32_t>(at);
      places[2 * i + 1] = static_cast<uint32_t>(sizes[i]);
      at += sizes[i];
    }
    bytes = static_cast<uint32_t>(at);
  }
};

template <auto Kernel, class Type = decltype(Kernel)>
struct Entry;

template <auto Kernel, class... Params>
struct Entry<Kernel, void (*)(Params...)> {
  static constexpr ArgLayout<Params...> layout{};

  template <size_t... I>
  static inline void call(const unsigned char* args, std::index_sequence<I...>) {
    (void)args;
    Kernel(*reinterpret_cast<const Params*>(args + layout.places[2 * I])...);
  }
  static void invoke(const unsigned char* args) { call(args, std::index_sequence_for<Params...>{}); }

  static EntryInfo info(const char* name, uint32_t bounded) {
    return EntryInfo{name, name, reinterpret_cast<const void*>(Kernel), &Entry::invoke, layout.places,
                     static_cast<uint32_t>(sizeof...(Params)), layout.bytes, bounded};
  }
};

/// Pointers to the extern __shared__ arrays declared at namespace scope, set on each worker before a launch.
struct SharedBinder {
  void (*bind)(void*);
  SharedBinder* next;
  explicit SharedBinder(void (*how)(void*)) : bind(how), next(first()) { first() = this; }
  static SharedBinder*& first() {
    static SharedBinder* list = nullptr;
    return list;
  }
  static void bind_all(void* dynamic) {
    // Makes the loader allocate this thread's static shared memory, which peers of a cluster may reach before it does.
    static thread_local volatile char lab_touched = 0;
    lab_touched = 1;
    for (SharedBinder* binder = first(); binder; binder = binder->next) binder->bind(dynamic);
  }
};

inline void attach(const Runtime* table) { runtime_table = table; }

}  // namespace lab_simt

#define LAB_SIMT_ENTRY(BOUNDED, NAME, KERNEL) lab_simt::Entry<(&KERNEL)>::info(NAME, BOUNDED)
#define LAB_SIMT_MODULE(...)                                                                                   \
  static const lab_simt::EntryInfo lab_entries[] = {__VA_ARGS__};                                              \
  extern "C" __attribute__((visibility("default"))) const lab_simt::ModuleInfo lab_module = {                  \
      lab_simt::kAbiVersion, lab_entries, sizeof lab_entries / sizeof *lab_entries, lab_simt::attach,          \
      lab_simt::SharedBinder::bind_all};
