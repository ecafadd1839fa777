// NVRTC, the run-time compiler: source text to CUBIN and PTX. Needs no GPU and no driver.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/backend.h"

namespace lab::cuda {

struct NvrtcRequest {
  std::string source, fileName;
  std::vector<std::string> options, nameExpressions, searchPaths;
  std::map<std::string, std::string> headers;  // include name to text
};

struct NvrtcResult {
  bool ok = false;
  std::string log;
  std::string cubin, ptx;                           // PTX is text; both empty when compilation failed
  std::map<std::string, std::string> loweredNames;  // name expression to symbol
};

// "13.0", or empty where NVRTC is not found.
std::string nvrtcVersion(const std::vector<std::string>& searchPaths, std::string* path, std::string* error);

// A source that does not compile is an answer (ok = false, log); a Status is for NVRTC missing or failing
// itself.
Status nvrtcCompile(const NvrtcRequest& request, NvrtcResult* out);

}  // namespace lab::cuda
