#include "hazard_log.h"

#include <algorithm>

namespace lab::simt::lens {

namespace {

const char* nameOf(Space space) {
  switch (space) {
    case Space::kGlobal: return "global";
    case Space::kShared:
    case Space::kPeer: return "shared";
    case Space::kModule: return "module";
    case Space::kLocal: return "local";
    case Space::kUnknown: break;
  }
  return "unknown";
}

std::string triple(uint64_t index, const lab_simt::Id3& extent) {
  uint64_t row = index / extent.x;
  return "[" + std::to_string(index % extent.x) + "," + std::to_string(row % extent.y) + "," +
         std::to_string(row / extent.y) + "]";
}

std::string hex(const uint8_t* bytes, uint32_t count) {
  static const char* const kDigits = "0123456789abcdef";
  std::string text = "\"";
  for (uint32_t i = 0; i < count; i++) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text + "\"";
}

}  // namespace

void HazardLog::add(const Hazard& hazard, uint64_t event, bool sameValue) {
  Key key{hazard.kind,
          hazard.acts[0].pc,
          hazard.actCount > 1 ? hazard.acts[1].pc : 0,
          hazard.acts[0].does,
          hazard.actCount > 1 ? hazard.acts[1].does : "",
          hazard.space};
  auto [at, fresh] = places_.try_emplace(key, hazards_.size());
  if (fresh) {
    if (hazards_.size() >= kMost) {
      places_.erase(at);
      left_++;
      return;
    }
    hazards_.push_back(Entry{hazard, event});
  } else if (hazards_[at->second].event == event) {
    return;
  }
  Entry& entry = hazards_[at->second];
  entry.event = event;
  entry.hazard.count++;
  entry.hazard.sameValue += sameValue;
}

std::string HazardLog::json(const LaunchFacts& facts) const {
  std::string text = "[";
  for (const Entry& entry : hazards_) {
    const Hazard& h = entry.hazard;
    if (text.size() > 1) text += ',';
    text += "{\"kind\":\"" + std::string(h.kind) + "\",\"count\":" + std::to_string(h.count) +
            ",\"sameValue\":" + std::to_string(h.sameValue) + ",\"acts\":[";
    for (uint32_t i = 0; i < h.actCount; i++) {
      const Act& act = h.acts[i];
      text += std::string(i ? "," : "") + "{\"pc\":" + std::to_string(act.pc) + ",\"does\":\"" + act.does +
              "\",\"threads\":" + std::to_string(act.threads) + ",\"block\":" + triple(act.block, facts.grid) + ",\"thread\":" + triple(act.thread, facts.block) + "}";
    }
    text += "],\"space\":\"" + std::string(nameOf(h.space)) + "\",\"address\":" + std::to_string(h.address) +
            ",\"bytes\":" + std::to_string(h.bytes) + ",\"number\":" + std::to_string(h.number);
    if (h.base) text += ",\"base\":" + std::to_string(h.base) + ",\"extent\":" + std::to_string(h.extent);
    if (h.beforeBytes) text += ",\"before\":" + hex(h.before, h.beforeBytes);
    if (h.afterBytes) text += ",\"after\":" + hex(h.after, h.afterBytes);
    text += "}";
  }
  return text + "]";
}

}  // namespace lab::simt::lens
