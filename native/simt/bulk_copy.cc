#include "bulk_copy.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "../core/dtype.h"
#include "fault.h"
#include "include/simt_abi.h"

namespace lab::simt {

using lab_simt::BulkCopy;
using lab_simt::TensorMap;

namespace {

// The driver's CUtensorMapDataType.
enum DataType : uint8_t { kU8, kU16, kU32, kI32, kU64, kI64, kF16, kF32, kF64, kBf16, kF32Ftz, kTf32, kTf32Ftz };

constexpr uint32_t kChunk = 16;  // bytes that a swizzle moves together

uint32_t elementBytes(const TensorMap& map) {
  constexpr uint8_t bytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
  return bytes[map.dataType];
}

// Bytes of a swizzled row; 0 without a swizzle.
uint32_t swizzleSpan(const TensorMap& map) { return map.swizzle ? 16u << map.swizzle : 0; }

uint8_t* swizzled(uint8_t* address, const TensorMap& map) {
  auto bits = reinterpret_cast<uintptr_t>(address);
  uintptr_t mask = (uintptr_t(1) << map.swizzle) - 1;
  return reinterpret_cast<uint8_t*>(bits ^ ((bits >> 7 & mask) << 4));
}

// One row of a box: where it begins in shared memory, where in the tensor, and which of its elements lie inside.
struct Row {
  uint32_t sharedOffset;
  uint8_t* global;        // of the box's first element, which may itself lie outside
  uint32_t begin, end;    // elements of the row inside the tensor
};

template <typename F>
void forEachRow(const BulkCopy& copy, F visit) {
  const TensorMap& map = *copy.map;
  const uint32_t width = elementBytes(map), rowBytes = map.box[0] * width;
  int64_t first = copy.at[0], end = std::min<int64_t>(int64_t(map.dims[0]) - first, map.box[0]);
  uint32_t inBegin = uint32_t(std::clamp<int64_t>(-first, 0, map.box[0]));
  uint32_t inEnd = uint32_t(std::max<int64_t>(end, inBegin));
  uint32_t index[5] = {}, rows = 1;
  for (uint32_t axis = 1; axis < map.rank; axis++) rows *= map.box[axis];
  for (uint32_t row = 0; row < rows; row++) {
    bool inside = true;
    int64_t offset = first * width;
    for (uint32_t axis = 1; axis < map.rank; axis++) {
      int64_t place = int64_t(copy.at[axis]) + index[axis];
      inside = inside && place >= 0 && place < int64_t(map.dims[axis]);
      offset += place * int64_t(map.strides[axis - 1]);
    }
    visit(Row{row * rowBytes, reinterpret_cast<uint8_t*>(map.address + uint64_t(offset)), inside ? inBegin : 0,
              inside ? inEnd : 0});
    for (uint32_t axis = 1; axis < map.rank && ++index[axis] == map.box[axis]; axis++) index[axis] = 0;
  }
}

// What an element outside the tensor reads as: zero, or NaN where the map asks for it.
void fillOutside(uint8_t* at, uint32_t bytes, const TensorMap& map) {
  std::memset(at, 0, bytes);
  if (!map.oobFill) return;
  uint32_t width = elementBytes(map);
  for (uint32_t i = 0; i + width <= bytes; i += width) {
    std::memset(at + i, 0xff, width);
    at[i + width - 1] = 0x7f;
  }
}

template <typename T>
void addInto(uint8_t* to, const uint8_t* from) {
  T a, b;
  std::memcpy(&a, to, sizeof a);
  std::memcpy(&b, from, sizeof b);
  a = T(a + b);
  std::memcpy(to, &a, sizeof a);
}
double decode(uint16_t code, const SmallFloat& format) {
  const int mantissa = code & ((1 << format.mantissaBits) - 1), exponent = (code & 0x7fff) >> format.mantissaBits;
  double value;
  if ((code & 0x7fffu) >= format.infinity) {
    value = mantissa ? NAN : INFINITY;
  } else {
    const int significand = exponent ? mantissa | 1 << format.mantissaBits : mantissa;
    value = std::ldexp(significand, (exponent ? exponent : 1) - format.bias - format.mantissaBits);
  }
  return code & 0x8000u ? -value : value;
}
template <const SmallFloat& Format>
void addSmall(uint8_t* to, const uint8_t* from) {
  uint16_t a, b;
  std::memcpy(&a, to, sizeof a);
  std::memcpy(&b, from, sizeof b);
  a = uint16_t(encodeSmallFloat(decode(a, Format) + decode(b, Format), Format));
  std::memcpy(to, &a, sizeof a);
}

using Add = void (*)(uint8_t*, const uint8_t*);
Add adder(const TensorMap& map) {
  switch (map.dataType) {
    case kU32:
    case kI32:
      return addInto<uint32_t>;
    case kU64:
    case kI64:
      return addInto<uint64_t>;
    case kF32:
      return addInto<float>;
    case kF64:
      return addInto<double>;
    case kF16:
      return addSmall<kHalf>;
    case kBf16:
      return addSmall<kBfloat16>;
    default:
      return nullptr;
  }
}

void checkMap(const TensorMap& map, const BulkCopy& copy, bool store) {
  if (map.magic[0] != 'L' || map.magic[1] != 'T' || map.rank < 1 || map.rank > 5) {
    raiseFault("invalid-tensor-map", "TMA was given something that is no tensor map: pass lab.tensorMap(...)");
  }
  for (uint32_t axis = 0; axis < map.rank; axis++) {
    if (map.elementStrides[axis] != 1) {
      raiseFault("unsupported", "the CPU device's TMA takes every element of a box: element strides of 1");
    }
  }
  if (map.interleave) raiseFault("unsupported", "the CPU device's TMA has no interleaved layouts");
  if (map.swizzle && map.box[0] * elementBytes(map) != swizzleSpan(map)) {
    raiseFault("unsupported", "the CPU device's TMA swizzles boxes whose inner axis is as wide as the swizzle");
  }
  if (copy.add && !adder(map)) raiseFault("unsupported", "TMA cannot add elements of this type");
  // As an H200 does, for stores and adds along any axis; loads from there it fills.
  for (uint32_t axis = 0; store && axis < map.rank; axis++) {
    if (copy.at[axis] >= 0) continue;
    raiseFault("illegal-instruction", ("TMA stores begin inside a tensor or past its end, and not before its start: a coordinate is " +
                                       std::to_string(copy.at[axis]))
                                          .c_str());
  }
  const int64_t first = int64_t(copy.at[0]) * elementBytes(map);
  if (first % kChunk) {
    raiseFault("illegal-instruction",
               ("TMA reaches global memory 16 bytes at a time: the box's innermost coordinate must be a multiple of " +
                std::to_string(kChunk / elementBytes(map)) + " elements, and it is " + std::to_string(copy.at[0]))
                   .c_str());
  }
}

}  // namespace

uint32_t copyBytes(const BulkCopy& copy) {
  if (!copy.map) return copy.bytes;
  uint32_t bytes = elementBytes(*copy.map);
  for (uint32_t axis = 0; axis < copy.map->rank; axis++) bytes *= copy.map->box[axis];
  return bytes;
}

void checkCopy(const BulkCopy& copy, bool store) {
  if (copy.map) {
    checkMap(*copy.map, copy, store);
    if (copy.shared % 128) raiseFault("misaligned-address", "TMA needs a tile aligned to 128 bytes of shared memory");
  } else if (copy.shared % 16 || reinterpret_cast<uintptr_t>(copy.global) % 16 || copy.bytes % 16) {
    raiseFault("misaligned-address", "a bulk copy needs both addresses and its size to be multiples of 16 bytes");
  }
}

std::vector<GlobalRow> globalRows(const BulkCopy& copy) {
  if (!copy.map) return {{static_cast<uint8_t*>(copy.global), copy.bytes}};
  std::vector<GlobalRow> rows;
  const uint32_t width = elementBytes(*copy.map);
  forEachRow(copy, [&](const Row& row) {
    if (row.end > row.begin) rows.push_back({row.global + row.begin * width, (row.end - row.begin) * width});
  });
  return rows;
}

void performLoad(const BulkCopy& copy, uint8_t* shared) {
  if (!copy.map) {
    std::memcpy(shared, copy.global, copy.bytes);
    return;
  }
  const TensorMap& map = *copy.map;
  const uint32_t width = elementBytes(map), rowBytes = map.box[0] * width;
  forEachRow(copy, [&](const Row& row) {
    uint8_t* to = shared + row.sharedOffset;
    uint32_t from = row.begin * width, until = row.end * width;
    for (uint32_t at = 0; at < rowBytes; at += kChunk) {
      uint8_t* chunk = swizzled(to + at, map);
      uint32_t begin = std::clamp(from, at, at + kChunk), end = std::clamp(until, at, at + kChunk);
      if (end - begin == kChunk) {
        std::memcpy(chunk, row.global + at, kChunk);
        continue;
      }
      fillOutside(chunk, kChunk, map);
      if (end > begin) std::memcpy(chunk + (begin - at), row.global + begin, end - begin);
    }
  });
}

void performStore(const BulkCopy& copy, const uint8_t* shared) {
  if (!copy.map) {
    std::memcpy(copy.global, shared, copy.bytes);
    return;
  }
  const TensorMap& map = *copy.map;
  const uint32_t width = elementBytes(map);
  Add add = copy.add ? adder(map) : nullptr;
  forEachRow(copy, [&](const Row& row) {
    auto* from = const_cast<uint8_t*>(shared) + row.sharedOffset;
    for (uint32_t i = row.begin; i < row.end; i++) {
      // Elements do not cross chunks; the bits that a swizzle leaves alone are those inside one.
      const uint8_t* element = swizzled(from + i * width, map);
      if (add) {
        add(row.global + i * width, element);
      } else {
        std::memcpy(row.global + i * width, element, width);
      }
    }
  });
}

}  // namespace lab::simt
