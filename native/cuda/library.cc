#include "library.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <cstdlib>

namespace lab::cuda {
namespace {

void addFolder(std::vector<std::string>* folders, const std::string& folder) {
  if (folder.empty()) return;
  for (const char* below : {"", "/lib64", "/lib"}) folders->push_back(folder + below);
}

std::vector<std::string> before(const std::vector<std::string>& searchPaths) {
  std::vector<std::string> folders;
  for (const std::string& path : searchPaths) addFolder(&folders, path);
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"}) {
    if (const char* value = std::getenv(variable)) addFolder(&folders, value);
  }
  return folders;
}

std::string loadedFrom(void* handle, const std::string& otherwise) {
  link_map* map = nullptr;
  return dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map && map->l_name && *map->l_name ? map->l_name
                                                                                          : otherwise;
}

}  // namespace

Library Library::open(const std::vector<std::string>& names, const std::vector<std::string>& searchPaths) {
  Library out;
  const auto attempt = [&](const std::string& file) {
    out.handle_ = dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (out.handle_) out.path_ = loadedFrom(out.handle_, file);
    else if (const char* why = dlerror()) out.error_ = why;
    return out.handle_ != nullptr;
  };
  // A file that is there but does not load is worth more as an error than the last of many absences.
  std::string broken;
  const auto within = [&](const std::vector<std::string>& folders) {
    for (const std::string& folder : folders) {
      for (const std::string& name : names) {
        const std::string file = folder + "/" + name;
        if (access(file.c_str(), R_OK) != 0) continue;
        if (attempt(file)) return true;
        broken = out.error_;
      }
    }
    return false;
  };
  if (within(before(searchPaths))) {
    out.error_.clear();
    return out;
  }
  for (const std::string& name : names) {
    if (attempt(name)) {
      out.error_.clear();
      return out;
    }
  }
  if (within({"/usr/local/nvidia/lib64", "/usr/local/cuda/lib64"})) {
    out.error_.clear();
    return out;
  }
  out.error_ = broken.empty() ? names.front() + " was not found" : broken;
  return out;
}

void* Library::symbol(const char* name) const { return handle_ ? dlsym(handle_, name) : nullptr; }

Library openDriver(const std::vector<std::string>& paths) { return Library::open({"libcuda.so.1"}, paths); }
Library openNvrtc(const std::vector<std::string>& paths) {
  return Library::open({"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"}, paths);
}
Library openNvml(const std::vector<std::string>& paths) {
  return Library::open({"libnvidia-ml.so.1"}, paths);
}
Library openCublasLt(const std::vector<std::string>& paths) {
  return Library::open({"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"}, paths);
}
Library openNccl(const std::vector<std::string>& paths) {
  return Library::open({"libnccl.so.2", "libnccl.so"}, paths);
}

}  // namespace lab::cuda
