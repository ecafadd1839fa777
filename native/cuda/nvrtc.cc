#include "nvrtc.h"

#include <dlfcn.h>

#include "library.h"

namespace lab::cuda {
namespace {

using Program = struct OpaqueProgram*;

// Entry points of nvrtc.h. Results are nvrtcResult codes.
struct Api {
  Library library;
  int (*version)(int*, int*) = nullptr;
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*destroy)(Program*) = nullptr;
  int (*compile)(Program, int, const char* const*) = nullptr;
  int (*addName)(Program, const char*) = nullptr;
  int (*loweredName)(Program, const char*, const char**) = nullptr;
  int (*logSize)(Program, size_t*) = nullptr;
  int (*log)(Program, char*) = nullptr;
  int (*ptxSize)(Program, size_t*) = nullptr;
  int (*ptx)(Program, char*) = nullptr;
  int (*cubinSize)(Program, size_t*) = nullptr;
  int (*cubin)(Program, char*) = nullptr;
  const char* (*errorString)(int) = nullptr;

  explicit Api(const std::vector<std::string>& searchPaths) : library(openNvrtc(searchPaths)) {}
  bool bindAll() {
    const Library& l = library;
    return l.bind(version, "nvrtcVersion") && l.bind(create, "nvrtcCreateProgram") &&
           l.bind(destroy, "nvrtcDestroyProgram") && l.bind(compile, "nvrtcCompileProgram") &&
           l.bind(addName, "nvrtcAddNameExpression") && l.bind(loweredName, "nvrtcGetLoweredName") &&
           l.bind(logSize, "nvrtcGetProgramLogSize") && l.bind(log, "nvrtcGetProgramLog") &&
           l.bind(ptxSize, "nvrtcGetPTXSize") && l.bind(ptx, "nvrtcGetPTX") &&
           l.bind(cubinSize, "nvrtcGetCUBINSize") && l.bind(cubin, "nvrtcGetCUBIN") &&
           l.bind(errorString, "nvrtcGetErrorString");
  }
};

constexpr int kCompilationError = 6;

// NVRTC opens its built-in headers by bare name, which finds them beside it only when the loader's path has
// that folder; having them loaded already is enough.
void loadBuiltins(const Api& api) {
  int major = 0, minor = 0;
  if (api.version(&major, &minor)) return;
  const std::string& path = api.library.path();
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  dlopen((folder + "libnvrtc-builtins.so." + std::to_string(major) + "." + std::to_string(minor)).c_str(),
         RTLD_LAZY | RTLD_LOCAL);
}

Status openApi(Api& api) {
  if (!api.library.found()) {
    return Status::error("no-nvrtc", "Compiling for CUDA: NVRTC was not found (" + api.library.error() +
                                         "). Install CUDA, or `pip install nvidia-cuda-nvrtc`, or name its "
                                         "folder in KERNEL_LAB_CUDA_PATH.");
  }
  if (!api.bindAll()) {
    return Status::error("no-nvrtc", "Compiling for CUDA: " + api.library.path() +
                                         " lacks functions of NVRTC 12 or newer. Install a newer one.");
  }
  loadBuiltins(api);
  return {};
}

// One program, destroyed on every way out.
class Compilation {
 public:
  explicit Compilation(Api& api) : api_(api) {}
  ~Compilation() {
    if (program_) api_.destroy(&program_);
  }
  Compilation(const Compilation&) = delete;
  Compilation& operator=(const Compilation&) = delete;

  Status run(const NvrtcRequest& request, NvrtcResult* out) {
    std::vector<const char*> names, texts, options;
    for (const auto& [name, text] : request.headers) {
      names.push_back(name.c_str());
      texts.push_back(text.c_str());
    }
    for (const std::string& option : request.options) options.push_back(option.c_str());
    int code = api_.create(&program_, request.source.c_str(), request.fileName.c_str(),
                           static_cast<int>(names.size()), texts.data(), names.data());
    if (code) return failed("creating a program", code);
    for (const std::string& name : request.nameExpressions) {
      if ((code = api_.addName(program_, name.c_str()))) return failed("adding the name " + name, code);
    }
    code = api_.compile(program_, static_cast<int>(options.size()), options.data());
    out->ok = code == 0;
    out->log = text(api_.logSize, api_.log);
    if (code) {
      if (code != kCompilationError && out->log.empty()) return failed("compiling " + request.fileName, code);
      return {};
    }
    out->cubin = bytes(api_.cubinSize, api_.cubin);
    out->ptx = text(api_.ptxSize, api_.ptx);
    for (const std::string& name : request.nameExpressions) {
      const char* symbol = nullptr;
      if ((code = api_.loweredName(program_, name.c_str(), &symbol)))
        return failed("finding the symbol of " + name, code);
      out->loweredNames[name] = symbol;
    }
    return {};
  }

 private:
  Status failed(const std::string& doing, int code) const {
    return Status::error("nvrtc-failed",
                         "Compiling for CUDA, " + doing + ": NVRTC answered " + api_.errorString(code) + ".");
  }

  std::string bytes(int (*size)(Program, size_t*), int (*get)(Program, char*)) {
    size_t count = 0;
    if (size(program_, &count) || count == 0) return {};
    std::string out(count, '\0');
    return get(program_, &out[0]) ? std::string() : out;
  }

  // NVRTC counts the terminating zero of its texts.
  std::string text(int (*size)(Program, size_t*), int (*get)(Program, char*)) {
    std::string out = bytes(size, get);
    while (!out.empty() && out.back() == '\0') out.pop_back();
    return out;
  }

  Api& api_;
  Program program_ = nullptr;
};

}  // namespace

std::string nvrtcVersion(const std::vector<std::string>& searchPaths, std::string* path, std::string* error) {
  Api api(searchPaths);
  const Status status = openApi(api);
  int major = 0, minor = 0;
  if (!status.ok() || api.version(&major, &minor)) {
    *error = api.library.found() ? status.message : api.library.error();
    return {};
  }
  *path = api.library.path();
  return std::to_string(major) + "." + std::to_string(minor);
}

Status nvrtcCompile(const NvrtcRequest& request, NvrtcResult* out) {
  Api api(request.searchPaths);
  Status status = openApi(api);
  return status.ok() ? Compilation(api).run(request, out) : status;
}

}  // namespace lab::cuda
