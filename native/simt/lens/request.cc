#include "request.h"

#include <algorithm>

namespace lab::simt::lens {

namespace {

using lab_simt::kWarpSize;

uint32_t lowest(uint32_t bits) { return uint32_t(__builtin_ctz(bits)); }

// The most distinct words that one bank must give to these lanes.
uint32_t passes(const Request& request, uint32_t mask) {
  uint64_t words[kWarpSize * 4];
  uint32_t count = 0;
  for (uint32_t left = mask; left; left &= left - 1) {
    uint64_t address = request.address[lowest(left)];
    uint64_t last = (address + std::max(request.bytes, 1u) - 1) / kBankBytes;
    for (uint64_t word = address / kBankBytes; word <= last && count < kWarpSize * 4; word++) words[count++] = word;
  }
  // Words so near to each other are in banks of their own.
  if (*std::max_element(words, words + count) - *std::min_element(words, words + count) < kBanks) return 1;
  std::sort(words, words + count);
  count = uint32_t(std::unique(words, words + count) - words);
  uint32_t perBank[kBanks] = {}, most = 0;
  for (uint32_t i = 0; i < count; i++) most = std::max(most, ++perBank[words[i] % kBanks]);
  return most;
}

// Every active lane asks for what its partner asks for, or its partner is inactive.
bool paired(const Request& request, uint32_t mask, uint32_t distance) {
  for (uint32_t left = mask; left; left &= left - 1) {
    uint32_t lane = lowest(left), partner = lane ^ distance;
    if ((mask >> partner & 1) && request.address[lane] != request.address[partner]) return false;
  }
  return true;
}

}  // namespace

uint32_t sectors(const Request& request) {
  uint64_t found[kWarpSize * 4];
  uint32_t count = 0;
  for (uint32_t left = request.mask; left; left &= left - 1) {
    uint64_t address = request.address[lowest(left)];
    uint64_t last = (address + std::max(request.bytes, 1u) - 1) / kSectorBytes;
    for (uint64_t sector = address / kSectorBytes; sector <= last && count < kWarpSize * 4; sector++) {
      // Neighbouring lanes usually share one.
      if (count == 0 || found[count - 1] != sector) found[count++] = sector;
    }
  }
  // Mostly they ascend already.
  if (!std::is_sorted(found, found + count)) std::sort(found, found + count);
  return uint32_t(std::unique(found, found + count) - found);
}

uint32_t idealSectors(const Request& request) {
  uint32_t bytes = uint32_t(__builtin_popcount(request.mask)) * request.bytes;
  return std::max(1u, (bytes + kSectorBytes - 1) / kSectorBytes);
}

Wavefronts sharedWavefronts(const Request& request) {
  uint32_t parts = request.bytes <= 4 ? 1 : request.bytes <= 8 ? 2 : 4, lanes = kWarpSize / parts;
  Wavefronts sum{0, 0};
  // Parts are taken in pairs, since two halves of a half-warp, or of a warp, may go together.
  for (uint32_t pair = 0; pair < std::max(1u, parts / 2); pair++) {
    uint32_t width = parts == 1 ? kWarpSize : 2 * lanes;
    uint32_t both = request.mask & uint32_t(((uint64_t(1) << width) - 1) << (pair * width));
    if (!both) continue;
    sum.ideal++;
    if (parts == 1 || paired(request, both, 1) || paired(request, both, 2)) {
      sum.needed += passes(request, both);
      continue;
    }
    uint32_t low = both & uint32_t(((uint64_t(1) << lanes) - 1) << (pair * width)), high = both & ~low;
    sum.ideal += low && high;
    sum.needed += (low ? passes(request, low) : 0) + (high ? passes(request, high) : 0);
  }
  return sum;
}

Wavefronts matrixWavefronts(const Request& request) {
  Wavefronts sum{0, 0};
  for (uint32_t matrix = 0; matrix < 4; matrix++) {
    uint32_t lanes = request.mask & 0xffu << (8 * matrix);
    if (!lanes) continue;
    sum.ideal++;
    sum.needed += passes(request, lanes);
  }
  return sum;
}

}  // namespace lab::simt::lens
