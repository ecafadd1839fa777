// The CPU device's twin of stmatrix.cuh: the lanes show each other their row addresses and each writes its two elements.
#pragma once

namespace lab {

namespace detail {

template <int Matrices>
inline void storeMatrices(void* row, const unsigned (&d)[Matrices], bool transposed) {
  static_assert(Matrices == 1 || Matrices == 2 || Matrices == 4, "stmatrix stores 1, 2 or 4 matrices");
  unsigned short* const* rows = lab_simt::warp_exchange(0xffffffffu, static_cast<unsigned short*>(row));
  const int lane = static_cast<int>(lab_simt::lane_id()), outer = lane / 4, inner = 2 * (lane % 4);
  if (lane < 8 * Matrices && reinterpret_cast<size_t>(row) % 16 != 0) {
    lab_simt::fault("misaligned-address", "stmatrix needs the address of each row aligned to 16 bytes.");
  }
  for (int i = 0; i < Matrices; ++i) {
    const auto low = static_cast<unsigned short>(d[i]), high = static_cast<unsigned short>(d[i] >> 16);
    (transposed ? rows[8 * i + inner][outer] : rows[8 * i + outer][inner]) = low;
    (transposed ? rows[8 * i + inner + 1][outer] : rows[8 * i + outer][inner + 1]) = high;
  }
  lab_simt::warp_sync(0xffffffffu);
}

}  // namespace detail

template <int Matrices>
inline void stmatrix(void* row, const unsigned (&d)[Matrices]) { detail::storeMatrices(row, d, false); }
template <int Matrices>
inline void stmatrixTrans(void* row, const unsigned (&d)[Matrices]) { detail::storeMatrices(row, d, true); }

}  // namespace lab
