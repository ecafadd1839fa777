// Shared memory between the notebook and its device process: a file of mode 0600 on a memory file system,
// unlinked as soon as both sides have mapped it.
#pragma once
#include <cstddef>
#include <string>

#include "backend.h"

namespace lab {

struct SharedMemory {
  std::string path;
  void* data = nullptr;
  size_t bytes = 0;
};

// Creates a segment of zeros under /dev/shm, or where that is missing or full under $TMPDIR or /tmp.
Status createShared(size_t bytes, SharedMemory* out);
// Maps a segment of this user's; refuses a file of another owner, open to others, or too small.
Status openShared(const std::string& path, size_t bytes, SharedMemory* out);
// Removes a segment's name; mappings live on. A name already gone is not an error.
Status unlinkShared(const std::string& path);
void unmapShared(void* data, size_t bytes);

}  // namespace lab
