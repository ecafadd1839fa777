#include "unit_counts.h"

#include <algorithm>

#include "../wgmma_operands.h"
#include "hopper_told.h"
#include "request.h"

namespace lab::simt::lens {

using lab_simt::kWarpSize;

namespace {

constexpr uint32_t kWarpgroupWarps = 4, kWarpRows = 16, kCoreMatrixBytes = 128;

// Rows that meet in one sector fetch it once.
uint64_t sectorsOf(const std::vector<GlobalRow>& rows) {
  uint64_t sectors = 0, last = ~0ull;
  for (const GlobalRow& row : rows) {
    const auto address = reinterpret_cast<uintptr_t>(row.at);
    uint64_t first = address / kSectorBytes;
    const uint64_t end = (address + row.bytes - 1) / kSectorBytes;
    if (first == last) first++;
    sectors += end + 1 - first;
    last = end;
  }
  return sectors;
}

// A core matrix, eight chunks of 16 bytes, is read at once where they lie in different banks, as ldmatrix reads one.
uint64_t wavefrontsOf(const lab_simt::MatrixLayout& operand, uint32_t first, uint32_t count) {
  uint64_t wavefronts = 0;
  forEachCoreMatrix(operand, first, count, [&](const uint8_t* const (&chunks)[8]) {
    Request request;
    request.bytes = kOperandChunk;
    request.mask = 0xff;
    for (uint32_t i = 0; i < 8; i++) request.address[i] = reinterpret_cast<uintptr_t>(chunks[i]);
    wavefronts += matrixWavefronts(request).needed;
  });
  return wavefronts;
}

void field(std::string& text, const char* name, uint64_t value) {
  text += text.back() == '{' ? "\"" : ",\"";
  text += name;
  text += "\":" + std::to_string(value);
}

}  // namespace

void UnitCounts::event(const Event& event, uint16_t stack) {
  const auto pc = uint32_t(event.pc);
  if (event.kind != Kind::kWgmma) {
    const auto& copy = *reinterpret_cast<const BulkTold*>(event.aux);
    const Bulk kind = event.kind == Kind::kBulkLoad ? Bulk::kLoad : copy.add ? Bulk::kAdd : Bulk::kStore;
    BulkCount& count = bulk_[BulkPlace{pc, stack, kind}];
    uint64_t bytes = 0;
    for (const GlobalRow& row : copy.rows) bytes += row.bytes;
    count.instructions++;
    count.sharedBytes += uint64_t(event.mask) * std::max<size_t>(copy.blocks.size(), 1);
    count.bytes += bytes;
    count.sectors += sectorsOf(copy.rows);
    count.ideal += (bytes + kSectorBytes - 1) / kSectorBytes;
    return;
  }
  const uint32_t warp = event.thread / kWarpSize % kWarpgroupWarps;
  if (event.thread % kWarpSize) return;
  const auto& product = *reinterpret_cast<const WgmmaTold*>(event.aux);
  ProductCount& count = products_[ProductPlace{pc, stack, uint16_t(product.n), product.rows == 0, product.bfloat16}];
  count.warps++;
  auto read = [&](const lab_simt::MatrixLayout& operand, uint32_t first, uint32_t extent) {
    const uint64_t bytes = uint64_t(extent) * kProductDepth * sizeof(uint16_t);
    count.bytes += bytes;
    count.ideal += bytes / kCoreMatrixBytes;
    count.wavefronts += wavefrontsOf(operand, first, extent);
  };
  if (product.rows) read(product.a, kWarpRows * warp, kWarpRows);
  // B is read once for the warpgroup: four times would take more than shared memory gives in the time of a product.
  if (warp == 0) read(product.b, 0, product.n);
}

std::string UnitCounts::json(const CallStacks& stacks) const {
  static const char* const kNames[] = {"ld", "st", "red"};
  auto site = [&](std::string& text, uint32_t pc, uint16_t stack) {
    if (text.back() == '}') text += ',';
    text += '{';
    field(text, "pc", pc);
    text += ",\"calls\":" + stacks.json(stack);
  };
  std::string text = "\"bulk\":[";
  for (const auto& [place, count] : bulk_) {
    site(text, place.pc, place.stack);
    text += std::string(",\"op\":\"") + kNames[uint32_t(place.kind)] + '"';
    field(text, "instructions", count.instructions);
    field(text, "sharedBytes", count.sharedBytes);
    field(text, "bytes", count.bytes);
    field(text, "sectors", count.sectors);
    field(text, "ideal", count.ideal);
    text += '}';
  }
  text += "],\"wgmma\":[";
  for (const auto& [place, count] : products_) {
    site(text, place.pc, place.stack);
    text += std::string(",\"source\":\"") + (place.bfloat16 ? "bf16" : "fp16") + '"';
    text += std::string(",\"registers\":") + (place.registers ? "true" : "false");
    field(text, "n", place.n);
    field(text, "warps", count.warps);
    field(text, "bytes", count.bytes);
    field(text, "wavefronts", count.wavefronts);
    field(text, "ideal", count.ideal);
    text += '}';
  }
  return text + ']';
}

}  // namespace lab::simt::lens
