#include "output_capture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>

namespace lab::cuda {
namespace {

// Appending, so that a cut to nothing is not followed by a hole.
int memoryFile(const char* name) {
  const int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd >= 0) fcntl(fd, F_SETFL, O_APPEND);
  return fd;
}

std::string drain(int fd) {
  if (fd < 0) return {};
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size <= 0) return {};
  std::string text(static_cast<size_t>(size), '\0');
  const ssize_t got = pread(fd, &text[0], text.size(), 0);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  // A memory file is always cut; were it not, the text would come twice, which is better than never.
  if (ftruncate(fd, 0) != 0) lseek(fd, 0, SEEK_SET);
  return text;
}

}  // namespace

OutputCapture::OutputCapture(bool enabled) {
  if (!enabled) return;
  out_ = memoryFile("kernel-lab-stdout");
  err_ = memoryFile("kernel-lab-stderr");
  if (out_ < 0) return;
  std::fflush(stdout);
  savedOut_ = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  dup2(out_, STDOUT_FILENO);
}

OutputCapture::~OutputCapture() {
  endWait();
  if (savedOut_ >= 0) {
    std::fflush(stdout);
    dup2(savedOut_, STDOUT_FILENO);
    close(savedOut_);
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

void OutputCapture::beginWait() {
  if (err_ < 0 || savedErr_ >= 0) return;
  savedErr_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (savedErr_ >= 0) dup2(err_, STDERR_FILENO);
}

void OutputCapture::endWait() {
  if (savedErr_ < 0) return;
  dup2(savedErr_, STDERR_FILENO);
  close(savedErr_);
  savedErr_ = -1;
}

std::string OutputCapture::take() {
  if (out_ < 0) return {};
  std::fflush(stdout);
  return drain(out_);
}

std::string OutputCapture::takeErrors() { return drain(err_); }

}  // namespace lab::cuda
