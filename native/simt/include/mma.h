/// nvcuda::wmma: matrix fragments of a warp, loaded, multiplied and stored together.
///
/// Elements lie with the lanes in an order of the device's own, as CUDA says of its; accumulators of 16x16 lie as the
/// GPU's do. half fragments hold each element twice where the GPU's have 16 registers for it. Products are exact and
/// are added in float (int for bytes, double for double) in ascending k.
#pragma once

#include "cuda_bf16.h"
#include "cuda_fp16.h"
#include "simt_sync.h"

namespace nvcuda {
namespace wmma {

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
enum layout_t { mem_row_major, mem_col_major };
namespace precision {
struct tf32;
}

namespace simt {

template <class A, class B>
struct same {
  static constexpr bool value = false;
};
template <class A>
struct same<A, A> {
  static constexpr bool value = true;
};
/// What a register of the fragment holds, and how many of them CUDA gives a lane at least.
template <class T>
struct storage {
  using type = T;
  static constexpr int least = 1;
};
template <>
struct storage<precision::tf32> {
  using type = float;
  static constexpr int least = 1;
};
template <>
struct storage<__half> {
  using type = __half;
  static constexpr int least = 16;
};

/// Rows and columns of the matrix that a fragment of this use is.
template <class Use, int M, int N, int K>
struct shape;
template <int M, int N, int K>
struct shape<matrix_a, M, N, K> {
  static constexpr int rows = M, columns = K;
};
template <int M, int N, int K>
struct shape<matrix_b, M, N, K> {
  static constexpr int rows = K, columns = N;
};
template <int M, int N, int K>
struct shape<accumulator, M, N, K> {
  static constexpr int rows = M, columns = N;
};

inline float operand(float v) { return v; }
inline float operand(__half v) { return v; }
inline float operand(__nv_bfloat16 v) { return v; }
inline double operand(double v) { return v; }
inline int operand(signed char v) { return v; }
inline int operand(unsigned char v) { return v; }
/// The tensor core reads only the upper 19 bits of a float.
template <class T>
inline auto product_operand(typename storage<T>::type v) {
  if constexpr (same<T, precision::tf32>::value) {
    return __uint_as_float(__float_as_uint(v) & 0xffffe000u);
  } else {
    return operand(v);
  }
}

}  // namespace simt

template <class Use, int M, int N, int K, class T, class Layout = void>
class fragment {
  using Shape = simt::shape<Use, M, N, K>;

 public:
  using element_type = T;
  using storage_element_type = typename simt::storage<T>::type;
  static constexpr int own = Shape::rows * Shape::columns / 32;
  static constexpr int num_elements =
      !simt::same<Use, accumulator>::value && own < simt::storage<T>::least ? simt::storage<T>::least : own;
  static constexpr int num_storage_elements = num_elements;

  storage_element_type x[num_elements];

  /// Where a lane's element lies in the matrix, and the other way round.
  static int row_of(int lane, int element) {
    element %= own;
    if (paired) return lane / 4 + 8 * (element / 2 % 2);
    return (element * 32 + lane) / Shape::columns;
  }
  static int column_of(int lane, int element) {
    element %= own;
    if (paired) return 2 * (lane % 4) + element % 2 + 8 * (element / 4);
    return (element * 32 + lane) % Shape::columns;
  }
  static int lane_at(int row, int column) {
    return paired ? row % 8 * 4 + column % 8 / 2 : (row * Shape::columns + column) % 32;
  }
  static int element_at(int row, int column) {
    return paired ? column % 2 + row / 8 * 2 + column / 8 * 4 : (row * Shape::columns + column) / 32;
  }

 private:
  static constexpr bool paired = Shape::rows == 16 && Shape::columns == 16;
};

template <class Fragment, class T>
inline void fill_fragment(Fragment& f, const T& value) {
  for (int e = 0; e < f.num_elements; ++e) f.x[e] = static_cast<typename Fragment::storage_element_type>(value);
}

namespace simt {
template <class Fragment, class T>
inline void load(Fragment& f, const T* memory, unsigned int stride, bool by_row) {
  const int lane = static_cast<int>(lab_simt::lane_id());
  for (int e = 0; e < f.num_elements; ++e) {
    const size_t row = f.row_of(lane, e), column = f.column_of(lane, e);
    f.x[e] = memory[by_row ? row * stride + column : column * stride + row];
  }
  // The warp loads as one: nobody may write this memory before everyone has read it.
  lab_simt::warp_sync(~0u);
}
}  // namespace simt

/// Loads a matrix whose rows (or columns, by the fragment's layout) are `stride` elements apart.
template <class Use, int M, int N, int K, class T, class Layout>
inline void load_matrix_sync(fragment<Use, M, N, K, T, Layout>& f, const typename simt::storage<T>::type* memory,
                             unsigned int stride) {
  lab_simt::warp_sync(~0u);
  simt::load(f, memory, stride, simt::same<Layout, row_major>::value);
}
template <int M, int N, int K, class T>
inline void load_matrix_sync(fragment<accumulator, M, N, K, T>& f, const T* memory, unsigned int stride,
                             layout_t layout) {
  lab_simt::warp_sync(~0u);
  simt::load(f, memory, stride, layout == mem_row_major);
}
template <int M, int N, int K, class T>
inline void store_matrix_sync(T* memory, const fragment<accumulator, M, N, K, T>& f, unsigned int stride,
                              layout_t layout) {
  const int lane = static_cast<int>(lab_simt::lane_id());
  lab_simt::warp_sync(~0u);
  for (int e = 0; e < f.own; ++e) {
    const size_t row = f.row_of(lane, e), column = f.column_of(lane, e);
    memory[layout == mem_row_major ? row * stride + column : column * stride + row] = f.x[e];
  }
  lab_simt::warp_sync(~0u);
}

/// d = a b + c, the whole warp together.
template <int M, int N, int K, class D, class T, class LayoutA, class LayoutB, class C>
inline LAB_LENS_UNSEEN void mma_sync(fragment<accumulator, M, N, K, D>& d, const fragment<matrix_a, M, N, K, T, LayoutA>& a,
                     const fragment<matrix_b, M, N, K, T, LayoutB>& b, const fragment<accumulator, M, N, K, C>& c,
                     bool saturate = false) {
  using A = fragment<matrix_a, M, N, K, T, LayoutA>;
  using B = fragment<matrix_b, M, N, K, T, LayoutB>;
  struct Operands {
    const A* a;
    const B* b;
  };
  (void)saturate;  // only the bit formats, which the device lacks, differ by it in practice
  // Lanes show where their fragments lie; they stay put until all have read them.
  const Operands* lanes = lab_simt::warp_exchange(~0u, Operands{&a, &b});
  const int lane = static_cast<int>(lab_simt::lane_id());
  D result[fragment<accumulator, M, N, K, D>::own];
  for (int e = 0; e < d.own; ++e) {
    const int row = d.row_of(lane, e), column = d.column_of(lane, e);
    auto sum = static_cast<decltype(simt::product_operand<T>(a.x[0]))>(c.x[e]);
    for (int k = 0; k < K; ++k) {
      sum += simt::product_operand<T>(lanes[A::lane_at(row, k)].a->x[A::element_at(row, k)]) *
             simt::product_operand<T>(lanes[B::lane_at(k, column)].b->x[B::element_at(k, column)]);
    }
    result[e] = static_cast<D>(sum);
  }
  lab_simt::warp_sync(~0u);
  for (int e = 0; e < d.own; ++e) d.x[e] = result[e];
}

/// A float rounded to the nearest tf32, ties away from zero.
inline float __float_to_tf32(float v) {
  const unsigned int bits = __float_as_uint(v);
  return v != v ? v : __uint_as_float((bits + 0x1000u) & 0xffffe000u);
}

}  // namespace wmma
}  // namespace nvcuda
