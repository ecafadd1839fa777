#include "steps_json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace lab::simt::lens {

namespace {

using lab_simt::kWarpSize;

float halfToFloat(uint16_t bits) {
  uint32_t exponent = bits >> 10 & 31, mantissa = bits & 1023;
  float magnitude = exponent == 31 ? (mantissa ? NAN : INFINITY)
                    : exponent     ? std::ldexp(float(1024 + mantissa), int(exponent) - 25)
                                   : std::ldexp(float(mantissa), -24);
  return bits & 0x8000 ? -magnitude : magnitude;
}

template <class T>
T as(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

class Writer {
 public:
  explicit Writer(StepRecording& recording) : recording_(recording) {}

  std::string write() {
    out_ = "{\"tooLarge\":";
    out_ += recording_.tooLarge ? "true" : "false";
    std::string blocks;
    if (!recording_.tooLarge) {
      std::string head = std::move(out_);
      out_.clear();
      for (const StepBlock& block : recording_.blocks) writeBlock(block);
      blocks = std::move(out_);
      out_ = std::move(head);
    }
    out_ += ",\"allocations\":[";
    for (const Allocation& one : recording_.facts.allocations) {
      separate();
      out_ += "{\"base\":" + std::to_string(one.base) + ",\"bytes\":" + std::to_string(one.bytes) + ",\"name\":";
      text(one.name);
      out_ += "}";
    }
    out_ += "],\"locals\":[";
    for (const StepVariable& one : recording_.locals) variable(one);
    out_ += "],\"shared\":[";  // after the blocks: memory without a name has been named there
    for (const StepVariable& one : recording_.shared) variable(one);
    out_ += "],\"blocks\":[" + blocks + "]}";
    return std::move(out_);
  }

 private:
  void separate() {
    if (!out_.empty() && out_.back() != '[') out_ += ',';
  }
  void number(int64_t value) {
    separate();
    out_ += std::to_string(value);
  }
  void text(const std::string& value) {
    out_ += '"';
    for (char c : value) {
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += c;
    }
    out_ += '"';
  }

  void variable(const StepVariable& one) {
    separate();
    out_ += "{\"name\":";
    text(one.name);
    out_ += ",\"type\":\"" + std::string(1, one.type) + "\",\"key\":" + std::to_string(one.key) +
            ",\"elementBytes\":" + std::to_string(one.elementBytes) + ",\"extents\":[";
    for (uint32_t extent : one.extents) number(extent);
    out_ += "]}";
  }

  void real(double value, int digits) {
    if (std::isnan(value)) {
      out_ += "\"NaN\"";
    } else if (std::isinf(value)) {
      out_ += value > 0 ? "1e999" : "-1e999";
    } else {
      char digitsOf[40];
      std::snprintf(digitsOf, sizeof digitsOf, "%.*g", digits, value);
      out_ += digitsOf;
    }
  }

  void value(char type, uint32_t bytes, uint64_t bits) {
    separate();
    switch (type) {
      case 'f': real(as<float>(bits), 7); break;
      case 'd': real(as<double>(bits), 12); break;
      case 'h': real(halfToFloat(uint16_t(bits)), 5); break;
      case 'n': real(as<float>(bits << 16), 4); break;
      case 'p': pointer(bits); break;
      case 'i': out_ += std::to_string(bytes == 8 ? int64_t(bits) : int64_t(bits << (64 - 8 * bytes)) >> (64 - 8 * bytes)); break;
      default: out_ += std::to_string(bits);
    }
  }

  // "allocation:offset", or the address where it points into none.
  void pointer(uint64_t address) {
    long at = allocationAt(address);
    char told[48];
    if (at < 0) {
      std::snprintf(told, sizeof told, "\"0x%llx\"", static_cast<unsigned long long>(address));
    } else {
      std::snprintf(told, sizeof told, "\"%ld:%lld\"", at,
                    static_cast<long long>(address - recording_.facts.allocations[size_t(at)].base));
    }
    out_ += told;
  }

  // An allocation that holds the address or ends at it: a pointer may stand one behind the last element.
  long allocationAt(uint64_t address) const {
    const auto& list = recording_.facts.allocations;
    auto next = std::upper_bound(list.begin(), list.end(), address,
                                 [](uint64_t wanted, const Allocation& one) { return wanted < one.base; });
    if (next == list.begin()) return -1;
    const Allocation& one = *(next - 1);
    return address - one.base <= one.bytes ? long(next - 1 - list.begin()) : -1;
  }

  // The shared variable that holds the address; memory that no declaration names gets a name of its own.
  long sharedAt(uint64_t address) {
    auto& list = recording_.shared;
    for (size_t i = 0; i < list.size(); i++)
      if (address - list[i].address < list[i].elements() * list[i].elementBytes) return long(i);
    for (const Allocation& one : recording_.facts.shared) {
      if (address - one.base >= one.bytes) continue;
      std::string name = one.name.empty() ? "shared memory" : one.name;
      list.push_back(StepVariable{name, 'u', 4, {uint32_t(one.bytes + 3) / 4}, 0, one.base});
      return long(list.size()) - 1;
    }
    return -1;
  }

  void writeBlock(const StepBlock& block) {
    separate();
    out_ += "{\"block\":" + std::to_string(block.block) + ",\"warps\":[";
    for (size_t first = 0; first < block.threads.size(); first += kWarpSize) {
      separate();
      out_ += '[';
      uint32_t lanes = uint32_t(std::min<size_t>(kWarpSize, block.threads.size() - first));
      for (const WarpStep& step : mergeWarp(&block.threads[first], lanes)) writeStep(step);
      out_ += ']';
    }
    out_ += "]}";
  }

  void writeStep(const WarpStep& step) {
    separate();
    out_ += '[';
    for (uint32_t part : {step.key, step.phase, step.mask, step.count, uint32_t(step.flags)}) number(part);
    out_ += ",[";
    for (const WarpRequest& request : step.requests) writeRequest(request);
    out_ += "],[";
    for (const auto& [what, lanes] : step.changes) writeChange(what.first, what.second, lanes);
    out_ += "]]";
  }

  void writeRequest(const WarpRequest& request) {
    uint64_t firstAddress = request.lanes[__builtin_ctz(request.mask)]->address;
    long shared = sharedAt(firstAddress), allocation = shared < 0 ? allocationAt(firstAddress) : -1;
    if (shared < 0 && allocation < 0) return;  // a stack, or memory the hazards observer complains of
    uint64_t base = shared < 0 ? recording_.facts.allocations[size_t(allocation)].base
                               : recording_.shared[size_t(shared)].address;
    bool store = request.kind == Kind::kWrite || request.kind == Kind::kAsyncWrite;
    separate();
    out_ += '[';
    number(store ? 1 : request.kind == Kind::kRead ? 0 : 2);
    number(shared < 0 ? allocation : -1 - shared);
    number(request.bytes);
    number(request.mask);
    std::vector<int64_t> offsets;
    for (uint32_t left = request.mask; left; left &= left - 1)
      offsets.push_back(int64_t(request.lanes[__builtin_ctz(left)]->address - base));
    writeOffsets(offsets);
    if (shared >= 0 && request.kind != Kind::kRead) writeValues(request, recording_.shared[size_t(shared)]);
    if (shared >= 0 && !store && request.kind != Kind::kRead) writeOrder(request);
    out_ += ']';
  }

  void writeOffsets(const std::vector<int64_t>& offsets) {
    int64_t stride = offsets.size() > 1 ? offsets[1] - offsets[0] : 0;
    bool even = true;
    for (size_t i = 1; i < offsets.size(); i++) even = even && offsets[i] - offsets[i - 1] == stride;
    if (even) {
      number(offsets[0]);
      number(stride);
      return;
    }
    separate();
    out_ += '[';
    for (int64_t offset : offsets) number(offset);
    out_ += "],0";
  }

  void writeValues(const WarpRequest& request, const StepVariable& variable) {
    out_ += ",[";
    for (uint32_t left = request.mask; left; left &= left - 1) {
      const StepAccess& access = *request.lanes[__builtin_ctz(left)];
      for (uint32_t at = 0; at + variable.elementBytes <= access.valueBytes; at += variable.elementBytes) {
        uint64_t bits = 0;
        std::memcpy(&bits, access.value + at, variable.elementBytes);
        value(variable.type, variable.elementBytes, bits);
      }
    }
    out_ += ']';
  }

  void writeOrder(const WarpRequest& request) {
    out_ += ",[";
    for (uint32_t left = request.mask; left; left &= left - 1) number(request.lanes[__builtin_ctz(left)]->order);
    out_ += ']';
  }

  void writeChange(uint32_t local, uint32_t element, const StepChange* const* lanes) {
    // Lanes whose scope ended and lanes with a new value are told apart.
    for (bool gone : {true, false}) {
      uint32_t mask = 0;
      bool same = true;
      uint64_t common = 0;
      for (uint32_t lane = 0; lane < kWarpSize; lane++) {
        if (!lanes[lane] || lanes[lane]->gone != gone) continue;
        if (mask && lanes[lane]->bits != common) same = false;
        common = lanes[lane]->bits;
        mask |= 1u << lane;
      }
      if (!mask) continue;
      separate();
      out_ += '[';
      for (uint32_t part : {local, element, mask}) number(part);
      const StepVariable& variable = recording_.locals[local];
      if (gone) {
        out_ += ",null";
      } else if (same) {
        value(variable.type, variable.elementBytes, common);
      } else {
        out_ += ",[";
        for (uint32_t left = mask; left; left &= left - 1)
          value(variable.type, variable.elementBytes, lanes[__builtin_ctz(left)]->bits);
        out_ += ']';
      }
      out_ += ']';
    }
  }

  StepRecording& recording_;
  std::string out_;
};

}  // namespace

std::string stepsJson(StepRecording& recording) { return Writer(recording).write(); }

}  // namespace lab::simt::lens
