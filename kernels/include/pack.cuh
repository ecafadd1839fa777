// Sixteen bytes at a time: vector loads and stores of float, half and bfloat16, computed on in float.
//
// A Pack<T> is the 16 / sizeof(T) elements of one aligned 16-byte access. Addresses must be multiples of 16:
// a row of n elements can be walked in packs when its start is aligned and n is a multiple of Pack<T>::size.
//
//   lab::Pack<half> p = lab::loadPack(x + 8 * i);
//   for (int k = 0; k < p.size; ++k) p.set(k, 2.0f * p.get(k));
//   lab::storePack(y + 8 * i, p);
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace lab {

template <typename T>
__device__ __forceinline__ float toFloat(T v) { return static_cast<float>(v); }
template <>
__device__ __forceinline__ float toFloat<__half>(__half v) { return __half2float(v); }
template <>
__device__ __forceinline__ float toFloat<__nv_bfloat16>(__nv_bfloat16 v) { return __bfloat162float(v); }

// A float rounded to the nearest T, ties to even.
template <typename T>
__device__ __forceinline__ T fromFloat(float v) { return static_cast<T>(v); }
template <>
__device__ __forceinline__ __half fromFloat<__half>(float v) { return __float2half_rn(v); }
template <>
__device__ __forceinline__ __nv_bfloat16 fromFloat<__nv_bfloat16>(float v) { return __float2bfloat16_rn(v); }

template <typename T>
struct alignas(16) Pack {
  static constexpr int size = 16 / sizeof(T);
  T element[size];

  __device__ __forceinline__ float get(int i) const { return toFloat(element[i]); }
  __device__ __forceinline__ void set(int i, float v) { element[i] = fromFloat<T>(v); }
};

// The bits travel as one int4, so that each access is a single 128-bit instruction.
template <typename T>
union PackBits {
  int4 bits;
  Pack<T> pack;
  __device__ PackBits() {}
};

template <typename T>
__device__ __forceinline__ Pack<T> loadPack(const T* address) {
  PackBits<T> u;
  u.bits = *reinterpret_cast<const int4*>(address);
  return u.pack;
}
// For data read once: the line is the first to leave the cache.
template <typename T>
__device__ __forceinline__ Pack<T> loadPackStreaming(const T* address) {
  PackBits<T> u;
  u.bits = __ldcs(reinterpret_cast<const int4*>(address));
  return u.pack;
}
template <typename T>
__device__ __forceinline__ void storePack(T* address, const Pack<T>& pack) {
  PackBits<T> u;
  u.pack = pack;
  *reinterpret_cast<int4*>(address) = u.bits;
}
template <typename T>
__device__ __forceinline__ void storePackStreaming(T* address, const Pack<T>& pack) {
  PackBits<T> u;
  u.pack = pack;
  __stcs(reinterpret_cast<int4*>(address), u.bits);
}

// Loads a pack into floats, or stores floats as a pack; N is Pack<T>::size.
template <typename T>
__device__ __forceinline__ void loadFloats(const T* address, float (&values)[Pack<T>::size]) {
  const Pack<T> pack = loadPack(address);
#pragma unroll
  for (int i = 0; i < Pack<T>::size; ++i) values[i] = pack.get(i);
}
template <typename T>
__device__ __forceinline__ void storeFloats(T* address, const float (&values)[Pack<T>::size]) {
  Pack<T> pack;
#pragma unroll
  for (int i = 0; i < Pack<T>::size; ++i) pack.set(i, values[i]);
  storePack(address, pack);
}

// True when a pack may be read at this address.
__device__ __forceinline__ bool packAligned(const void* address) { return reinterpret_cast<size_t>(address) % 16 == 0; }

}  // namespace lab
