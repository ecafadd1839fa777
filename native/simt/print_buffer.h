// Text that kernels print, kept until the host asks; a dying device copies it into the fault page.
#pragma once
#include <cstdarg>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

namespace lab::simt {

class PrintBuffer {
 public:
  // printf: appends one formatted call; what does not fit is counted and dropped, as CUDA's FIFO does.
  int print(const char* format, va_list args);
  std::string take();
  // For a signal handler: no lock, copies at most `room` bytes.
  size_t copyTo(char* to, size_t room) const;

 private:
  static constexpr size_t kCapacity = 1 << 20;
  std::mutex mutex_;
  std::unique_ptr<char[]> text_{new char[kCapacity]};
  size_t used_ = 0, lost_ = 0;
};

}  // namespace lab::simt
