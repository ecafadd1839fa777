// Which kernels may be to blame for an error: those launched since the last time the device was known to be
// good.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace lab::cuda {

class Ledger {
 public:
  // Called at every launch: one comparison when the same kernel is launched again and again.
  void launched(uint32_t kernel, uint32_t stream) {
    if (!entries_.empty() && entries_.back().kernel == kernel && entries_.back().stream == stream) return;
    add(kernel, stream);
  }
  // Everything on the stream has finished well.
  void finished(uint32_t stream) {
    ++epoch_;
    entries_.erase(
        std::remove_if(entries_.begin(), entries_.end(), [=](const Entry& e) { return e.stream == stream; }),
        entries_.end());
  }
  void finishedAll() {
    ++epoch_;
    entries_.clear();
  }
  // Changes whenever entries leave, so that a graph need not enter all its kernels at every launch.
  uint64_t epoch() const { return epoch_; }
  // Distinct kernels, in order of their first launch.
  std::vector<uint32_t> suspects() const {
    std::vector<uint32_t> out;
    for (const Entry& e : entries_) {
      if (std::find(out.begin(), out.end(), e.kernel) == out.end()) out.push_back(e.kernel);
    }
    return out;
  }

 private:
  struct Entry {
    uint32_t kernel, stream;
  };
  void add(uint32_t kernel, uint32_t stream) {
    for (const Entry& e : entries_) {
      if (e.kernel == kernel && e.stream == stream) return;
    }
    // Past a few dozen a list of suspects says nothing more, and the search above must stay short.
    if (entries_.size() < 64) entries_.push_back({kernel, stream});
  }
  std::vector<Entry> entries_;
  uint64_t epoch_ = 1;
};

}  // namespace lab::cuda
