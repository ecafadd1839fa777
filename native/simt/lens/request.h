// What one request of a warp costs the memory pipeline: sectors of global memory, wavefronts of shared memory.
#pragma once
#include <cstdint>

#include "../include/simt_abi.h"

namespace lab::simt::lens {

// The addresses of a request's lanes, each `bytes` wide.
struct Request {
  uint32_t mask = 0;
  uint32_t bytes = 0;
  uint64_t address[lab_simt::kWarpSize];
};

constexpr uint32_t kSectorBytes = 32;
constexpr uint32_t kBanks = 32, kBankBytes = 4;

// Distinct sectors of 32 bytes that the lanes touch.
uint32_t sectors(const Request& request);
// The fewest that could hold as many bytes: every lane's own, side by side.
uint32_t idealSectors(const Request& request);

// Passes through the 32 banks of 4 bytes, and the fewest for as many lanes of this width.
struct Wavefronts {
  uint32_t needed, ideal;
};
// Loads and stores of 1 to 16 bytes. A bank gives one word a pass; lanes that want the same word share it.
// 4 bytes and less: the 32 lanes go together. 8 bytes: by half-warps. 16 bytes: by quarter-warps. Two neighbouring parts
// go in one pass when every lane of them asks for what its neighbour (lane ^ 1), or every lane for what the one after
// (lane ^ 2), asks for.
Wavefronts sharedWavefronts(const Request& request);
// ldmatrix: each matrix is eight lanes' rows of 16 bytes in one pass.
Wavefronts matrixWavefronts(const Request& request);

}  // namespace lab::simt::lens
