// The CPU device's twin of wgmma.cuh: the runtime collects a product from the 128 threads, and at the wait calls back
// here for each warp's 16 rows. Operands are turned to float once a warp; the product is a dense loop over columns.
//
// Products are exact and added in float in ascending k, where the tensor core keeps a few bits fewer of the sum:
// results agree to the last bits of a float, not to all.
#pragma once

#include <simt_lens.h>

namespace lab {

namespace detail {

// A 16-bit element as a float, in a form that the compiler turns into vector instructions.
template <typename T>
struct ElementBits;
template <>
struct ElementBits<__half> {
  static constexpr unsigned isBfloat16 = 0;
  static inline __attribute__((always_inline)) float toFloat(unsigned short bits) {
    const unsigned magnitude = static_cast<unsigned>(bits & 0x7fffu) << 13;
    const unsigned special = (bits & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0;
    // Times 2^112: the exponent's bias grows from 15 to 127, and subnormals become normal.
    const unsigned value = __float_as_uint(__uint_as_float(magnitude) * 5.192296858534828e33f) | special;
    return __uint_as_float(value | static_cast<unsigned>(bits & 0x8000u) << 16);
  }
};
template <>
struct ElementBits<__nv_bfloat16> {
  static constexpr unsigned isBfloat16 = 1;
  static inline __attribute__((always_inline)) float toFloat(unsigned short bits) {
    return __uint_as_float(static_cast<unsigned>(bits) << 16);
  }
};

// The eight elements that lie together in a chunk of 16 bytes: along k of row i, or along i of row k.
inline __attribute__((always_inline)) const unsigned short* matrixChunk(const lab_simt::MatrixLayout& m, unsigned i,
                                                                        unsigned k) {
  size_t offset;
  if (!m.mnMajor) {
    offset = i / 8 * m.stride + i % 8 * m.row + k / 8 * (m.row == 16 ? m.leading : 16u);
  } else if (m.row == 16) {
    offset = i / 8 * m.stride + k % 8 * 16 + k / 8 * m.leading;
  } else {
    offset = i * 2 / m.row * m.leading + i * 2 % m.row + k % 8 * m.row + k / 8 * m.stride;
  }
  auto address = reinterpret_cast<size_t>(m.tile) + offset;
  address ^= (address >> 7 & (m.row / 16 - 1)) << 4;
  return reinterpret_cast<const unsigned short*>(address);
}

// Rows first .. first + count - 1 of the matrix as floats: to[k * pitch + i].
template <typename T>
inline __attribute__((always_inline)) void matrixToFloats(const lab_simt::MatrixLayout& m, unsigned first, unsigned count, float* to, unsigned pitch) {
  if (m.mnMajor) {
    for (unsigned k = 0; k < 16; ++k) {
      for (unsigned i = 0; i < count; i += 8) {
        const unsigned short* chunk = matrixChunk(m, first + i, k);
        for (unsigned e = 0; e < 8; ++e) to[k * pitch + i + e] = ElementBits<T>::toFloat(chunk[e]);
      }
    }
  } else {
    for (unsigned i = 0; i < count; ++i) {
      for (unsigned k = 0; k < 16; k += 8) {
        const unsigned short* chunk = matrixChunk(m, first + i, k);
        for (unsigned e = 0; e < 8; ++e) to[(k + e) * pitch + i] = ElementBits<T>::toFloat(chunk[e]);
      }
    }
  }
}

// A 16 x 16 from the registers of a warp's lanes: to[k * 16 + row].
template <typename T>
inline __attribute__((always_inline)) void registersToFloats(const uint32_t (*lanes)[4], float* to) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    for (unsigned r = 0; r < 4; ++r) {
      const unsigned row = lane / 4 + r % 2 * 8, k = lane % 4 * 2 + r / 2 * 8;
      to[k * 16 + row] = ElementBits<T>::toFloat(static_cast<unsigned short>(lanes[lane][r]));
      to[(k + 1) * 16 + row] = ElementBits<T>::toFloat(static_cast<unsigned short>(lanes[lane][r] >> 16));
    }
  }
}

// One warp's share of a product; called by the runtime. To the lens it is one instruction.
template <typename T>
LAB_LENS_UNSEEN void multiply(const lab_simt::WgmmaWork* work) {
  const unsigned n = work->n;
  alignas(64) float a[16 * 16], b[16 * 256];
  if (work->registers) {
    registersToFloats<T>(work->registers, a);
  } else {
    matrixToFloats<T>(work->a, work->firstRow, 16, a, 16);
  }
  matrixToFloats<T>(work->b, 0, n, b, n);
  for (unsigned row = 0; row < 16; ++row) {
    float* d = work->d + row * n;
    for (unsigned k = 0; k < 16; k += 4) {
      const float a0 = a[k * 16 + row], a1 = a[(k + 1) * 16 + row], a2 = a[(k + 2) * 16 + row], a3 = a[(k + 3) * 16 + row];
      const float *b0 = b + k * n, *b1 = b0 + n, *b2 = b1 + n, *b3 = b2 + n;
#pragma GCC ivdep
      for (unsigned column = 0; column < n; ++column) {
        d[column] = (((d[column] + a0 * b0[column]) + a1 * b1[column]) + a2 * b2[column]) + a3 * b3[column];
      }
    }
  }
}

}  // namespace detail

inline void wgmmaFence() {}
inline void wgmmaCommit() { lab_simt::hopper().wgmmaCommit(); }
template <int R>
inline void pinRegisters(float (&)[R]) {}
template <int Keep, int... R>
inline void wgmmaWait(float (&... d)[R]) {
  static_assert(Keep >= 0 && Keep <= 7, "0 to 7 groups may stay unfinished");
  lab_simt::hopper().wgmmaWait(Keep);
}

template <typename T, Major B = Major::k, Major A = Major::k, int R>
inline void wgmma(float (&d)[R], MatrixDescriptor a, MatrixDescriptor b, bool accumulate = true) {
  static_assert(R % 4 == 0 && R >= 4 && R <= 128, "N = 2R is a multiple of 8 from 8 to 256");
  const lab_simt::WgmmaIssue issue{a, b, d, nullptr, 2 * R, accumulate, A == Major::mn, B == Major::mn,
                                   detail::ElementBits<T>::isBfloat16, detail::multiply<T>};
  lab_simt::hopper().wgmmaIssue(&issue);
}
template <typename T, Major B = Major::k, int R>
inline void wgmma(float (&d)[R], const unsigned (&a)[4], MatrixDescriptor b, bool accumulate = true) {
  static_assert(R % 4 == 0 && R >= 4 && R <= 128, "N = 2R is a multiple of 8 from 8 to 256");
  const lab_simt::WgmmaIssue issue{0, b, d, a, 2 * R, accumulate, 0, B == Major::mn,
                                   detail::ElementBits<T>::isBfloat16, detail::multiply<T>};
  lab_simt::hopper().wgmmaIssue(&issue);
}

}  // namespace lab
