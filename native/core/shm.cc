#include "shm.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace lab {
namespace {

constexpr char kPrefix[] = "kernel-lab-";

Status failed(const std::string& doing, int error, const char* advice) {
  return Status::error("shared-memory", doing + ": " + std::strerror(error) + ". " + advice);
}

std::string randomName() {
  unsigned char bytes[12];
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return {};
  std::string name = kPrefix;
  char digits[3];
  for (unsigned char b : bytes) {
    std::snprintf(digits, sizeof digits, "%02x", b);
    name += digits;
  }
  return name;
}

Status map(int fd, const std::string& path, size_t bytes, SharedMemory* out) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED)
    return failed("Mapping " + std::to_string(bytes) + " bytes of shared memory", errno,
                  "Free memory, or ask for a smaller staging segment.");
  *out = {path, data, bytes};
  return {};
}

// Creates, reserves and maps one file; the space is reserved now, since a full /dev/shm would end us by
// SIGBUS later.
Status createIn(const std::string& folder, size_t bytes, SharedMemory* out) {
  const std::string name = randomName();
  if (name.empty())
    return failed("Naming a shared-memory segment", errno, "The kernel's random source must be readable.");
  const std::string path = folder + "/" + name;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return failed("Creating shared memory in " + folder, errno, "Make the folder writable, or set TMPDIR.");
  int full;
  do {
    full = posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  } while (full == EINTR);
  Status status = full ? failed("Reserving " + std::to_string(bytes) + " bytes in " + folder, full,
                                "Free space there (containers: run with a larger --shm-size).")
                       : map(fd, path, bytes, out);
  close(fd);
  if (!status.ok()) unlink(path.c_str());
  return status;
}

}  // namespace

Status createShared(size_t bytes, SharedMemory* out) {
  if (bytes == 0 || bytes > (1ull << 40))
    return Status::error("invalid-argument", "Creating shared memory: expected 1 byte to 1 TiB, got " +
                                                 std::to_string(bytes) + ".");
  Status first = createIn("/dev/shm", bytes, out);
  if (first.ok()) return first;
  const char* tmp = std::getenv("TMPDIR");
  for (const std::string& folder : {std::string(tmp ? tmp : ""), std::string("/tmp")}) {
    if (!folder.empty() && createIn(folder, bytes, out).ok()) return {};
  }
  return first;
}

Status openShared(const std::string& path, size_t bytes, SharedMemory* out) {
  const int fd = open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return failed("Opening shared memory " + path, errno, "The process that created it may have ended.");
  struct stat info;
  Status status;
  if (fstat(fd, &info) != 0) status = failed("Reading the state of shared memory " + path, errno, "");
  else if (!S_ISREG(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077) != 0)
    status = Status::error(
        "shared-memory", "Opening shared memory " + path + ": expected a file of this user with mode 0600.");
  else if (bytes == 0 || static_cast<uint64_t>(info.st_size) < bytes)
    status = Status::error("shared-memory", "Opening shared memory " + path + ": expected " +
                                                std::to_string(bytes) + " bytes, found " +
                                                std::to_string(info.st_size) + ".");
  else status = map(fd, path, bytes, out);
  close(fd);
  return status;
}

Status unlinkShared(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name.rfind(kPrefix, 0) != 0)
    return Status::error("invalid-argument",
                         "Removing shared memory: " + path + " is not a segment of the lab.");
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return failed("Removing shared memory " + path, errno, "");
  return {};
}

void unmapShared(void* data, size_t bytes) { munmap(data, bytes); }

}  // namespace lab
