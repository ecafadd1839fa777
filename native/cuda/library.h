// A shared library opened at run time, so that the addon loads on machines without CUDA.
#pragma once
#include <string>
#include <vector>

namespace lab::cuda {

// A library found and opened, or the reason why not. Never closed: NVIDIA's libraries keep threads and exit
// handlers that outlive any handle.
class Library {
 public:
  // Tries every name in: each search path and its lib, lib64; $CUDA_HOME and $CUDA_PATH likewise; the
  // system's library path; /usr/local/nvidia/lib64; /usr/local/cuda/lib64.
  static Library open(const std::vector<std::string>& names, const std::vector<std::string>& searchPaths);

  bool found() const { return handle_ != nullptr; }
  // Where it was loaded from, as the loader resolved it.
  const std::string& path() const { return path_; }
  const std::string& error() const { return error_; }
  void* symbol(const char* name) const;

  // Sets a function pointer by name; false when the library lacks it.
  template <typename F>
  bool bind(F*& function, const char* name) const {
    function = reinterpret_cast<F*>(symbol(name));
    return function != nullptr;
  }

 private:
  void* handle_ = nullptr;
  std::string path_, error_;
};

// The names each library goes by, newest first.
Library openDriver(const std::vector<std::string>& searchPaths);
Library openNvrtc(const std::vector<std::string>& searchPaths);
Library openNvml(const std::vector<std::string>& searchPaths);
Library openCublasLt(const std::vector<std::string>& searchPaths);
Library openNccl(const std::vector<std::string>& searchPaths);

}  // namespace lab::cuda
