#include "wgmma.h"

#include <algorithm>
#include <cstring>

#include "fault.h"
#include "lens/trace_hopper.h"
#include "wgmma_operands.h"

namespace lab::simt {

using lab_simt::kWarpSize;
using lab_simt::MatrixLayout;
using lab_simt::WgmmaIssue;
using lab_simt::WgmmaWork;

namespace {

constexpr uint32_t kRows = 16;  // of D that a warp makes

// The first accumulator of D's row `row` in columns 8j: register 4j of a lane, and the three after it.
template <typename F>
void forEachPair(uint32_t n, F visit) {
  for (uint32_t lane = 0; lane < kWarpSize; lane++) {
    for (uint32_t j = 0; j < n / 8; j++) {
      visit(lane, 4 * j, (lane / 4) * n + 8 * j + 2 * (lane % 4));
      visit(lane, 4 * j + 2, (lane / 4 + 8) * n + 8 * j + 2 * (lane % 4));
    }
  }
}

}  // namespace

MatrixLayout operandLayout(uint64_t descriptor, uint32_t extent, uint32_t mnMajor, const SharedWindow& window) {
  constexpr uint32_t rowBytes[] = {16, 128, 64, 32};
  auto field = [descriptor](uint32_t at) { return uint32_t(descriptor >> at & 0x3fff) << 4; };
  MatrixLayout layout{nullptr, field(16), field(32), rowBytes[descriptor >> 62], mnMajor};
  if (descriptor >> 49 & 7) raiseFault("unsupported", "the CPU device's wgmma has no base offsets: align tiles to 1024 bytes");
  // The last 16 bytes that the matrix touches; a swizzle moves chunks within 8 rows only.
  const uint32_t chunks = extent / 8, perRow = layout.row / 16;
  uint32_t last;
  if (!mnMajor) {
    last = (chunks - 1) * layout.stride + 7 * layout.row + (layout.row == 16 ? layout.leading : 16);
  } else if (layout.row == 16) {
    last = (chunks - 1) * layout.stride + 7 * 16 + layout.leading;
  } else {
    last = (chunks - 1) / perRow * layout.leading + 7 * layout.row + layout.stride + std::min(chunks - 1, perRow - 1) * 16;
  }
  layout.tile = window.at(field(0), last + 16);
  if (!layout.tile) {
    raiseFault("illegal-address",
               "a wgmma descriptor reaches outside the block's shared memory: check the tile's address (the first 256 "
               "KiB), its strides and the matrix's extent");
  }
  return layout;
}

std::unique_ptr<Wgmma::Product> Wgmma::fresh() {
  if (spare_.empty()) return std::make_unique<Product>();
  auto product = std::move(spare_.back());
  spare_.pop_back();
  product->threads = 0;
  return product;
}

void Wgmma::issue(uint32_t rank, const WgmmaIssue& issue) {
  Warpgroup& group = groups_[rank / kWarpgroupThreads];
  const uint32_t thread = rank % kWarpgroupThreads;
  const uint64_t number = group.issued[thread]++;
  while (number >= group.first + group.products.size()) group.products.push_back(fresh());
  Product& product = *group.products[number - group.first];
  if (product.threads++ == 0) product.common = issue;
  const WgmmaIssue& common = product.common;
  if (common.b != issue.b || common.n != issue.n || common.multiply != issue.multiply ||
      common.accumulate != issue.accumulate || !common.registers != !issue.registers ||
      (!issue.registers && common.a != issue.a)) {
    raiseFault("wgmma-mismatch",
               "threads of one warpgroup issued different products: all 128 must call wgmma together, with the same "
               "shape, descriptors and accumulate");
  }
  product.d[thread] = issue.d;
  if (issue.registers) std::memcpy(product.registers[thread], issue.registers, sizeof product.registers[thread]);
}

void Wgmma::commit(uint32_t rank) {
  Warpgroup& group = groups_[rank / kWarpgroupThreads];
  const uint32_t thread = rank % kWarpgroupThreads;
  std::vector<uint64_t>& ends = group.ends[thread / kWarpSize];
  const uint64_t number = group.groups[thread]++;
  if (number == ends.size()) ends.push_back(group.issued[thread]);
  if (ends[number] != group.issued[thread]) {
    raiseFault("wgmma-mismatch", "lanes of one warp committed different numbers of wgmma products");
  }
}

uint64_t Wgmma::needed(uint32_t rank, uint32_t keep) const {
  const Warpgroup& group = groups_[rank / kWarpgroupThreads];
  const uint32_t thread = rank % kWarpgroupThreads;
  const uint64_t committed = group.groups[thread];
  return committed > keep ? group.ends[thread / kWarpSize][committed - keep - 1] : 0;
}

bool Wgmma::issued(uint32_t rank, uint64_t products) const {
  const Warpgroup& group = groups_[rank / kWarpgroupThreads];
  // Products before the oldest kept were made, so all had issued them; of the others the last is issued last.
  return products <= group.first ||
         (products <= group.first + group.products.size() &&
          group.products[products - 1 - group.first]->threads == kWarpgroupThreads);
}

void Wgmma::make(uint32_t rank, uint64_t products, const SharedWindow& window, bool traced) {
  Warpgroup& group = groups_[rank / kWarpgroupThreads];
  const uint32_t warp = rank % kWarpgroupThreads / kWarpSize, firstThread = warp * kWarpSize;
  if (group.made[warp] >= products) return;
  alignas(64) float tile[kRows * 256];
  float* const* held = nullptr;  // whose accumulators the tile holds
  uint32_t heldColumns = 0;
  auto store = [&] {
    if (held) forEachPair(heldColumns, [&](uint32_t lane, uint32_t r, uint32_t at) { std::memcpy(held[lane] + r, tile + at, 8); });
  };
  for (uint64_t number = group.made[warp]; number < products; number++) {
    const Product& product = *group.products[number - group.first];
    const WgmmaIssue& issue = product.common;
    float* const* lanes = product.d + firstThread;
    // Steps along k go on with the same accumulators: they stay in the tile.
    bool same = held && heldColumns == issue.n && std::equal(lanes, lanes + kWarpSize, held);
    if (!same) store();
    if (!issue.accumulate) {
      std::fill(tile, tile + kRows * issue.n, 0.0f);
    } else if (!same) {
      forEachPair(issue.n, [&](uint32_t lane, uint32_t r, uint32_t at) { std::memcpy(tile + at, lanes[lane] + r, 8); });
    }
    held = lanes;
    heldColumns = issue.n;
    WgmmaWork work{};
    work.d = tile;
    work.n = issue.n;
    work.firstRow = kRows * warp;
    work.b = operandLayout(issue.b, issue.n, issue.bMnMajor, window);
    if (issue.registers) {
      work.registers = product.registers + firstThread;
    } else {
      work.a = operandLayout(issue.a, 64, issue.aMnMajor, window);
    }
    if (traced) lens::tellWgmmaRead(rank, work);
    issue.multiply(&work);
  }
  store();
  group.made[warp] = products;
  const uint64_t made = *std::min_element(group.made, group.made + kWarpgroupWarps);
  for (; group.first < made; group.first++) {
    spare_.push_back(std::move(group.products.front()));
    group.products.pop_front();
  }
}

void Wgmma::reset() {
  for (Warpgroup& group : groups_) {
    for (auto& product : group.products) spare_.push_back(std::move(product));
    group = Warpgroup();
  }
}

}  // namespace lab::simt
