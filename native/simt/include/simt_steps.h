/// What a kernel compiled for stepping says of itself: where each thread is, and where its named locals lie.
///
/// lib/src/backend/simt/steps.ts puts the calls into the kernel's text; kernels do not write them.
#pragma once

#include <type_traits>

#include "simt_api.h"

struct __half;
struct __nv_bfloat16;

namespace lab_simt {

/// A statement is about to run. Answers false, so that it can stand before one: `if (step(key)) {} else statement;`.
inline bool step(uint32_t key) {
  rt().step(StepMark::kStatement, key, nullptr);
  return false;
}

/// A function of the kernel's own text is being run.
struct StepFrame {
  StepFrame() { rt().step(StepMark::kEnter, 0, nullptr); }
  ~StepFrame() { rt().step(StepMark::kLeave, 0, nullptr); }
  StepFrame(const StepFrame&) = delete;
};

/// How values of a type are shown; 0 where they are not.
template <class T>
constexpr char watch_type() {
  using Value = std::remove_cv_t<T>;
  if (std::is_same_v<Value, bool>) return 'b';
  if (std::is_same_v<Value, float>) return 'f';
  if (std::is_same_v<Value, double>) return 'd';
  if (std::is_same_v<Value, __half>) return 'h';
  if (std::is_same_v<Value, __nv_bfloat16>) return 'n';
  if (std::is_enum_v<Value>) return 'i';
  if (std::is_integral_v<Value>) return std::is_signed_v<Value> ? 'i' : 'u';
  return std::is_pointer_v<Value> ? 'p' : '\0';
}

/// The type that short vectors are made of, float of float4; other types are made of themselves.
template <class T, class = void>
struct LaneOf {
  using type = T;
};
template <class T>
struct LaneOf<T, std::enable_if_t<std::is_arithmetic_v<decltype(T::x)>>> {
  using type = decltype(T::x);
};

/// `Lane` is what an element is made of; where it is smaller, its number is one more extent: float4 [8] is 8 x 4.
template <class Lane, class T>
inline StepWatch describe(const char* name, const T* array, uint32_t count, bool shared) {
  using Element = std::remove_all_extents_t<T>;
  StepWatch watch{};
  watch.name = name;
  watch.address = const_cast<const void*>(static_cast<const volatile void*>(array));
  watch.type = std::rank_v<T> <= 2 && sizeof(Element) % sizeof(Lane) == 0 ? watch_type<Lane>() : '\0';
  watch.shared = shared;
  watch.elementBytes = sizeof(Lane);
  if (count) watch.extents[watch.rank++] = count;
  if constexpr (std::rank_v<T> > 0) watch.extents[watch.rank++] = std::extent_v<T, 0>;
  if constexpr (std::rank_v<T> > 1) watch.extents[watch.rank++] = std::extent_v<T, 1>;
  if constexpr (sizeof(Lane) < sizeof(Element)) watch.extents[watch.rank++] = sizeof(Element) / sizeof(Lane);
  return watch;
}
template <class T>
using LaneOfAll = typename LaneOf<std::remove_cv_t<std::remove_all_extents_t<T>>>::type;

/// Shared memory declared without an extent: what is left of the launch's.
template <class T>
struct DynamicArray {
  const T* begin;
  uint32_t count;
};
template <class T>
inline DynamicArray<T> dynamicArray(T* begin) {
  const auto offset = reinterpret_cast<uintptr_t>(begin) - reinterpret_cast<uintptr_t>(dynamic_shared());
  return {begin, static_cast<uint32_t>((block()->dynamicSharedBytes - offset) / sizeof(T))};
}

/// Tells of a variable as long as it lives; `key` is the place of its declaration. A pointer to a member tells what
/// the elements of a struct are made of.
class Watch {
 public:
  template <class T>
  Watch(const char* name, uint32_t key, const T& value) : Watch(describe<LaneOfAll<T>>(name, &value, 0, false), key) {}
  template <class T, class Lane, class Struct>
  Watch(const char* name, uint32_t key, const T& value, Lane Struct::*)
      : Watch(describe<Lane>(name, &value, 0, false), key) {}
  ~Watch() {
    if (watch_.type) rt().step(StepMark::kUnwatch, 0, &watch_);
  }
  Watch(const Watch&) = delete;

 protected:
  Watch(const StepWatch& watch, uint32_t key) : watch_(watch) {
    if (watch_.type) rt().step(StepMark::kWatch, key, &watch_);
  }

 private:
  const StepWatch watch_;
};

/// A `__shared__` variable or array.
class SharedWatch : public Watch {
 public:
  template <class T>
  SharedWatch(const char* name, uint32_t key, const T& value)
      : Watch(describe<LaneOfAll<T>>(name, &value, 0, true), key) {}
  template <class T, class Lane, class Struct>
  SharedWatch(const char* name, uint32_t key, const T& value, Lane Struct::*)
      : Watch(describe<Lane>(name, &value, 0, true), key) {}
  template <class T>
  SharedWatch(const char* name, uint32_t key, DynamicArray<T> array)
      : Watch(describe<LaneOfAll<T>>(name, array.begin, array.count, true), key) {}
};

}  // namespace lab_simt
