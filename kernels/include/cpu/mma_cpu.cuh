// The CPU device's twin of mma.cuh: the lanes show each other their registers and each computes its own results.
//
// Fragments lie exactly as on the GPU. Products are exact and are added in float in ascending k, where the tensor
// core keeps a few bits fewer of the sum: results agree to the last bits of a float, not to all.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace lab {

namespace detail {

// Element `half` (0 low, 1 high) of a register of two 16-bit values.
inline float pairElement(const __half*, unsigned bits, int half) {
  return __half2float(__ushort_as_half(static_cast<unsigned short>(bits >> (16 * half))));
}
inline float pairElement(const __nv_bfloat16*, unsigned bits, int half) {
  return __bfloat162float(__ushort_as_bfloat16(static_cast<unsigned short>(bits >> (16 * half))));
}

template <int Matrices>
inline void loadMatrices(unsigned (&d)[Matrices], const void* row, bool transposed) {
  // Gathered by the whole warp at once, between two meetings: the GPU's ldmatrix is one instruction.
  const unsigned short* const* rows =
      lab_simt::warp_exchange(0xffffffffu, static_cast<const unsigned short*>(row));
  const int lane = static_cast<int>(lab_simt::lane_id()), outer = lane / 4, inner = 2 * (lane % 4);
  if (lane < 8 * Matrices && reinterpret_cast<size_t>(row) % 16 != 0) {
    lab_simt::fault("misaligned-address", "ldmatrix needs the address of each row aligned to 16 bytes.");
  }
  lab_simt::lens::tell(lab_simt::lens::Operation::kMatrixRead, row, lane < 8 * Matrices ? 16 : 0);
  const lab_simt::lens::Quiet quiet;
  for (int i = 0; i < Matrices; ++i) {
    const unsigned low = transposed ? rows[8 * i + inner][outer] : rows[8 * i + outer][inner];
    const unsigned high = transposed ? rows[8 * i + inner + 1][outer] : rows[8 * i + outer][inner + 1];
    d[i] = low | high << 16;
  }
  lab_simt::warp_sync(0xffffffffu);
}

struct Registers {
  unsigned a[4], b[2];
};

}  // namespace detail

template <int Matrices>
inline void ldmatrix(unsigned (&d)[Matrices], const void* row) {
  static_assert(Matrices == 1 || Matrices == 2 || Matrices == 4, "ldmatrix loads 1, 2 or 4 matrices");
  detail::loadMatrices(d, row, false);
}
template <int Matrices>
inline void ldmatrixTrans(unsigned (&d)[Matrices], const void* row) {
  static_assert(Matrices == 1 || Matrices == 2 || Matrices == 4, "ldmatrix loads 1, 2 or 4 matrices");
  detail::loadMatrices(d, row, true);
}

template <typename T>
inline LAB_LENS_UNSEEN void mma16816(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  const detail::Registers* lanes =
      lab_simt::warp_exchange(0xffffffffu, detail::Registers{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}});
  const int lane = static_cast<int>(lab_simt::lane_id()), group = lane / 4, thread = lane % 4;
  constexpr const T* type = nullptr;
  for (int k = 0; k < 16; ++k) {
    // Where column k of A's rows g and g+8, and row k of B's two columns, lie.
    const int pair = k % 8 / 2, upper = k / 8;
    const detail::Registers& rows = lanes[4 * group + pair];
    const float top = detail::pairElement(type, rows.a[2 * upper], k % 2);
    const float bottom = detail::pairElement(type, rows.a[2 * upper + 1], k % 2);
    for (int column = 0; column < 2; ++column) {
      const float right = detail::pairElement(type, lanes[4 * (2 * thread + column) + pair].b[upper], k % 2);
      c[column] += top * right;
      c[2 + column] += bottom * right;
    }
  }
}

inline LAB_LENS_UNSEEN void mma1688Tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  const detail::Registers* lanes =
      lab_simt::warp_exchange(0xffffffffu, detail::Registers{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}});
  const int lane = static_cast<int>(lab_simt::lane_id()), group = lane / 4, thread = lane % 4;
  const auto operand = [](unsigned bits) { return __uint_as_float(bits & 0xffffe000u); };
  for (int k = 0; k < 8; ++k) {
    const int within = k % 4, upper = k / 4;
    const detail::Registers& rows = lanes[4 * group + within];
    for (int column = 0; column < 2; ++column) {
      const float right = operand(lanes[4 * (2 * thread + column) + within].b[upper]);
      c[column] += operand(rows.a[2 * upper]) * right;
      c[2 + column] += operand(rows.a[2 * upper + 1]) * right;
    }
  }
}

inline unsigned toTf32(float v) {
  const unsigned bits = __float_as_uint(v);
  return v != v ? 0x7fffffffu : (bits + 0x1000u) & 0xffffe000u;
}

}  // namespace lab
