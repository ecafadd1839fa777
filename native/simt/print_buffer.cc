#include "print_buffer.h"

#include <cstdio>
#include <cstring>

namespace lab::simt {
namespace {

// How many arguments a format takes, which is what CUDA's printf answers.
int argumentsOf(const char* format) {
  int count = 0;
  for (const char* at = format; *at; at++) {
    if (*at != '%') continue;
    if (at[1] == '%') {
      at++;
      continue;
    }
    // Flags, width, precision and length, in which a star takes an argument too, then the conversion itself.
    for (at++; *at && std::strchr("-+ #0123456789.*hlLjzt", *at); at++) count += *at == '*';
    if (!*at) break;
    count++;
  }
  return count;
}

}  // namespace

int PrintBuffer::print(const char* format, va_list args) {
  if (!format) return -1;
  char line[1024];  // on a CUDA thread's stack: kept small
  va_list again;
  va_copy(again, args);
  int length = std::vsnprintf(line, sizeof line, format, args);
  if (length > 0) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (used_ + size_t(length) + 1 > kCapacity) {
      lost_++;
    } else if (size_t(length) < sizeof line) {
      std::memcpy(text_.get() + used_, line, size_t(length));
      used_ += size_t(length);
    } else {
      std::vsnprintf(text_.get() + used_, size_t(length) + 1, format, again);
      used_ += size_t(length);
    }
  }
  va_end(again);
  return length < 0 ? -2 : argumentsOf(format);
}

std::string PrintBuffer::take() {
  std::lock_guard<std::mutex> lock(mutex_);
  std::string text(text_.get(), used_);
  if (lost_) text += "[" + std::to_string(lost_) + " more printf calls did not fit the 1 MiB buffer]\n";
  used_ = lost_ = 0;
  return text;
}

size_t PrintBuffer::copyTo(char* to, size_t room) const {
  size_t bytes = used_ < room ? used_ : room;
  std::memcpy(to, text_.get() + (used_ - bytes), bytes);
  return bytes;
}

}  // namespace lab::simt
