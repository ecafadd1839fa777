// What JavaScript sees of CUDA beside a device: which libraries there are, and the compiler.
#pragma once
#include <napi.h>

namespace lab {

Napi::Value probe(const Napi::CallbackInfo& info);
Napi::Value nvrtcVersion(const Napi::CallbackInfo& info);
Napi::Value nvrtcCompile(const Napi::CallbackInfo& info);

}  // namespace lab
