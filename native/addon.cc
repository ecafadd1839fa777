// What the native addon exports; lib/src/backend/binding.ts is its only user and describes every function.
#include <napi.h>

#include "core/commands.h"
#include "core/js_device.h"
#include "core/js_memory.h"
#include "cuda/js_cuda.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("version", "0.1.0");
  exports.Set("commandVersion", Napi::Number::New(env, lab::kCommandVersion));
  exports.Set("shmCreate", Napi::Function::New(env, lab::shmCreate));
  exports.Set("shmOpen", Napi::Function::New(env, lab::shmOpen));
  exports.Set("shmUnlink", Napi::Function::New(env, lab::shmUnlink));
  exports.Set("openDevice", Napi::Function::New(env, lab::JsDevice::open));
  exports.Set("probe", Napi::Function::New(env, lab::probe));
  exports.Set("nvrtcVersion", Napi::Function::New(env, lab::nvrtcVersion));
  exports.Set("nvrtcCompile", Napi::Function::New(env, lab::nvrtcCompile));
  exports.Set("fillRandomHost", Napi::Function::New(env, lab::fillRandomHost));
  return exports;
}

}  // namespace

NODE_API_MODULE(kernel_lab, init)
