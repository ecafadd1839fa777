// Where wgmma finds its operands in shared memory.
#pragma once
#include <cstdint>

#include "include/simt_abi_hopper.h"
#include "shared_window.h"

namespace lab::simt {

constexpr uint32_t kOperandChunk = 16;  // bytes that lie together: eight elements along k, or along i where i is contiguous
constexpr uint32_t kProductDepth = 16;  // k of one product of 16-bit elements

// A matrix of `extent` rows (of A) or columns (of B) by 16 of k, as its descriptor says. A fault where it is not all in shared
// memory.
lab_simt::MatrixLayout operandLayout(uint64_t descriptor, uint32_t extent, uint32_t mnMajor, const SharedWindow& window);

// The chunk that holds element (i, k).
inline const uint8_t* operandChunk(const lab_simt::MatrixLayout& m, uint32_t i, uint32_t k) {
  uint64_t offset;
  if (!m.mnMajor) {
    offset = uint64_t(i / 8) * m.stride + i % 8 * m.row + k / 8 * (m.row == 16 ? m.leading : kOperandChunk);
  } else if (m.row == 16) {
    offset = uint64_t(i / 8) * m.stride + k % 8 * 16 + k / 8 * m.leading;
  } else {
    offset = uint64_t(i) * 2 / m.row * m.leading + i * 2 % m.row + k % 8 * m.row + k / 8 * m.stride;
  }
  auto address = reinterpret_cast<uintptr_t>(m.tile) + offset;
  return reinterpret_cast<const uint8_t*>(address ^ (address >> 7 & (m.row / 16 - 1)) << 4);
}

// Calls visit(chunks) for every core matrix of rows first .. first + count - 1: its eight chunks, 128 bytes.
template <typename F>
void forEachCoreMatrix(const lab_simt::MatrixLayout& m, uint32_t first, uint32_t count, F visit) {
  const uint8_t* chunks[8];
  for (uint32_t i = first; i < first + count; i += 8) {
    for (uint32_t k = 0; k < kProductDepth; k += 8) {
      for (uint32_t row = 0; row < 8; row++) chunks[row] = m.mnMajor ? operandChunk(m, i, k + row) : operandChunk(m, i + row, k);
      visit(chunks);
    }
  }
}

}  // namespace lab::simt
